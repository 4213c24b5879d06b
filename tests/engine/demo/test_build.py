"""Building the demo guest, completely or not at all. apt is a script here; dpkg-deb, the archives and the disk are real."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.engine.demo import elf
from workbench.engine.demo import DemoGuest, build, cache, find
from workbench.engine.demo.modules import NEEDED
from workbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RELEASE: Final = "6.1.0-9-cloud-amd64"

APT_CACHE: Final = f"""#!/bin/sh
case $2 in
linux-image-cloud-amd64) echo "linux-image-cloud-amd64"; echo "  Depends: linux-image-{RELEASE}" ;;
linux-image-{RELEASE}) printf '%s\\n  Depends: kmod\\n |Depends: linux-base\\n  Depends: linux-modules-{RELEASE}\\n' "$2" ;;
esac
"""

APT_GET: Final = """#!/bin/sh
echo "$@" >> {log}
echo "dlstatus:1:40.0:Retrieving file 1 of 3"
{before}
cp {archives}/*.deb .
{after}
"""


class Apt:
    """apt on PATH: a script that copies archives to where it is called, and what it does before and after."""

    def __init__(self, directory: Path) -> None:
        self.bin = directory / "bin"
        self.archives = directory / "archives"
        self.log = directory / "log"
        for path in (self.bin, self.archives):
            path.mkdir(parents=True)
        self.script("apt-cache", APT_CACHE)
        self.behave()
        inside = "".join(f"kernel/drivers/{name}.ko\n" for name in NEEDED)
        self.package(f"linux-image-{RELEASE}", {f"boot/vmlinuz-{RELEASE}": b"kernel" * 1000})
        self.package(
            f"linux-modules-{RELEASE}",
            {
                f"lib/modules/{RELEASE}/modules.builtin": inside.encode(),
                f"lib/modules/{RELEASE}/kernel/drivers/acpi/button.ko": elf.module(),
            },
        )
        self.package("busybox-static", {"bin/busybox": elf.program()})

    def script(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def behave(self, before: str = "", after: str = "") -> None:
        text = APT_GET.format(log=self.log, archives=self.archives, before=before, after=after)
        self.script("apt-get", text)

    def package(self, name: str, files: dict[str, bytes]) -> None:
        tree = self.archives / name
        for path, data in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(data)
        (tree / "DEBIAN").mkdir()
        (tree / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: 1\nArchitecture: amd64\nMaintainer: nobody\nDescription: none\n"
        )
        self.archive(name).unlink(missing_ok=True)
        command = ["dpkg-deb", "-Znone", "--root-owner-group", "-b", str(tree), str(self.archive(name))]
        subprocess.run(command, check=True, capture_output=True)

    def archive(self, name: str) -> Path:
        return self.archives / f"{name}_1_amd64.deb"

    @property
    def calls(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apt:
    apt = Apt(tmp_path / "apt")
    monkeypatch.setenv("PATH", f"{apt.bin}:{os.environ['PATH']}")
    monkeypatch.setattr(cache, "has_packages", lambda: True)
    return apt


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The workbench's cache."""
    return tmp_path / "cache"


def quiet(_line: str) -> None:
    """Progress that nobody reads."""


def left_behind(home: Path) -> list[str]:
    """What is in the demo guest's directory besides the lock."""
    directory = home / "demo-guest"
    return sorted(path.name for path in directory.iterdir() if path.name != "lock") if directory.exists() else []


async def test_a_guest_is_built_with_progress_and_then_found(apt: Apt, home: Path) -> None:
    assert find(home) is None
    lines: list[str] = []
    guest = await build(home, lines.append)
    assert guest.version == RELEASE
    assert guest.kernel.read_bytes() == b"kernel" * 1000
    assert guest.initrd.read_bytes()[:2] == b"\x1f\x8b"
    assert f"linux-image-{RELEASE} 1" in guest.origin
    assert "busybox-static 1" in guest.origin
    assert lines[0] == f"downloading linux-image-{RELEASE}, linux-modules-{RELEASE}, busybox-static"
    assert "downloaded 40 %" in lines
    assert f"building the initramfs for Linux {RELEASE}" in lines
    assert find(home) == guest
    assert len(left_behind(home)) == 1


async def test_a_cached_guest_is_given_without_a_download(apt: Apt, home: Path) -> None:
    first = await build(home, quiet)
    lines: list[str] = []
    assert await build(home, lines.append) == first
    assert apt.calls == 1
    assert lines == []


async def test_of_two_builders_one_downloads_and_the_other_waits(apt: Apt, home: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    apt.behave(before=f"until [ -e {gate} ]; do sleep 0.05; done")
    lines: list[str] = []

    def second(line: str) -> None:
        lines.append(line)
        gate.touch()  # the first goes on only when the second is seen to wait

    guests = await asyncio.gather(build(home, quiet), build(home, second))
    assert guests[0] == guests[1]
    assert apt.calls == 1
    assert lines == ["waiting for another workbench that is building the demo guest"]


async def _fails(home: Path) -> HostError:
    with pytest.raises(HostError) as caught:
        await build(home, quiet)
    assert find(home) is None
    assert left_behind(home) == []
    return caught.value


async def test_a_failed_download_leaves_nothing_and_shows_apts_error(apt: Apt, home: Path) -> None:
    apt.behave(after='echo "E: Failed to fetch it  Temporary failure resolving host" >&2; exit 100')
    error = await _fails(home)
    assert "Temporary failure resolving host" in error.message
    assert "apt-get update" in error.hint


async def test_a_truncated_archive_leaves_nothing_and_is_named(apt: Apt, home: Path) -> None:
    archive = apt.archive("busybox-static")
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    error = await _fails(home)
    assert "busybox-static_1_amd64.deb" in error.message
    archive.write_bytes(whole)
    assert (await build(home, quiet)).version == RELEASE


async def test_a_download_that_brings_too_little_leaves_nothing(apt: Apt, home: Path) -> None:
    apt.behave(after="rm busybox-static*")
    assert "the download is incomplete" in (await _fails(home)).message


async def test_without_package_lists_the_command_that_brings_them_is_named(apt: Apt, home: Path) -> None:
    apt.script("apt-cache", '#!/bin/sh\necho "E: No packages found" >&2\nexit 100\n')
    error = await _fails(home)
    assert "apt has no kernel package" in error.message
    assert "apt-get update" in error.hint
    assert apt.calls == 0


@pytest.mark.parametrize(
    ("package", "files", "message"),
    [
        (f"linux-image-{RELEASE}", {"boot/other": b""}, "no kernel in"),
        ("busybox-static", {"bin/other": b""}, "no busybox in"),
        ("busybox-static", {"bin/busybox": elf.program(interpreter=True)}, "not a static program"),
        (f"linux-modules-{RELEASE}", {"usr/share/doc": b""}, "no kernel modules in"),
    ],
)
async def test_packages_without_what_is_expected_leave_nothing(
    apt: Apt, home: Path, package: str, files: dict[str, bytes], message: str
) -> None:
    subprocess.run(["rm", "-r", apt.archives / package], check=True)
    apt.package(package, files)
    assert message in (await _fails(home)).message


async def test_an_interrupt_ends_the_download_and_leaves_nothing(apt: Apt, home: Path, tmp_path: Path) -> None:
    apt.behave(before=f"echo $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; exec sleep 600")
    task = asyncio.create_task(build(home, quiet))
    pid = tmp_path / "pid"
    async with asyncio.timeout(30):
        while not pid.exists():
            await asyncio.sleep(0.01)
    assert len(left_behind(home)) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert left_behind(home) == []


async def test_what_a_killed_builder_left_is_swept(apt: Apt, home: Path) -> None:
    (home / "demo-guest/.building-abc/guest").mkdir(parents=True)
    (home / "demo-guest/.building-abc/guest/vmlinuz").write_bytes(b"half")
    guest = await build(home, quiet)
    assert left_behind(home) == [guest.kernel.parent.name]


async def test_only_guests_unused_for_long_are_swept(apt: Apt, home: Path) -> None:
    month_ago = time.time() - 40 * 24 * 3600
    for name in ("0123456789ab", "ba9876543210"):
        (home / "demo-guest" / name).mkdir(parents=True)
    os.utime(home / "demo-guest/0123456789ab", (month_ago, month_ago))
    guest = await build(home, quiet)
    assert left_behind(home) == sorted(["ba9876543210", guest.kernel.parent.name])


def _cut(guest: DemoGuest) -> None:
    guest.initrd.write_bytes(guest.initrd.read_bytes()[:-1])


def _scrawl(guest: DemoGuest) -> None:
    (guest.kernel.parent / "guest.json").write_text("[1, 2")


@pytest.mark.parametrize("damage", [_cut, _scrawl, lambda guest: guest.kernel.unlink()])
async def test_an_incomplete_guest_is_built_again(apt: Apt, home: Path, damage: Callable[[DemoGuest], None]) -> None:
    damage(await build(home, quiet))
    assert find(home) is None
    guest = await build(home, quiet)
    assert find(home) == guest
    assert apt.calls == 2


async def test_a_guest_of_another_recipe_is_not_taken(apt: Apt, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await build(home, quiet)
    monkeypatch.setattr(cache, "recipe", lambda: "another")
    assert find(home) is None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB; only root can mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "small", disk], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this user cannot mount a small disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


async def test_a_full_disk_leaves_nothing(apt: Apt, small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes(240 << 10))
    error = await _fails(small_disk)
    assert "No space left" in error.message
    assert error.hint.startswith("free some space")
    filler.unlink()
    assert (await build(small_disk, quiet)).version == RELEASE


async def test_a_disk_that_is_full_only_at_the_end_leaves_nothing(
    apt: Apt, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device" in (await _fails(home)).message


async def test_a_cache_that_cannot_be_made_is_named(apt: Apt, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match="Not a directory") as caught:
        await build(tmp_path / "file", quiet)
    assert "XDG_CACHE_HOME" in caught.value.hint
