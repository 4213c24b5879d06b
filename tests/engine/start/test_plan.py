"""Planning a start: everything that is missing is reported before anything is started."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.hugepages import hugepage_pool, uses_pool
from tests.profile_files import SAMPLES, copy_with_files, fake_kernel
from tests.real import QEMU
from workbench.domain.profile.problems import ProfileError
from workbench.engine.demo import CMDLINE, DemoGuest
from workbench.engine.host.accelerator import choose_accelerator
from workbench.engine.profiles.store import LoadedProfile, read_profile
from workbench.engine.start.plan import Plan, plan
from workbench.errors import HostError
from workbench.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A state directory of a usual length, an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("WORKBENCH_QEMU", raising=False)
    return Settings(state_option=Path("/run/user/1000/workbench"))


def loaded(directory: Path, text: str) -> LoadedProfile:
    path = directory / "vm.toml"
    path.write_text(text)
    return read_profile(path)


def value(made: Plan, option: str) -> str:
    return made.argv[made.argv.index(option) + 1]


async def test_what_a_start_would_run(tmp_path: Path, settings: Settings) -> None:
    made = await plan(loaded(tmp_path, "memory.size = '64M'"), settings)
    chosen = await choose_accelerator()
    assert made.argv[0] == made.launch.binary == os.path.abspath(QEMU)
    assert (made.name, made.path) == ("vm", tmp_path / "vm.toml")
    assert (made.launch.accelerator, made.accelerator_reason) == (chosen.name, chosen.reason)
    assert value(made, "-pidfile") == "/run/user/1000/workbench/vm/pid"
    assert value(made, "-m") == "64M"
    assert [word for part in made.parts for word in part.options] == made.argv[1:]


async def test_relative_files_are_looked_for_beside_the_profile(tmp_path: Path, settings: Settings) -> None:
    made = await plan(read_profile(copy_with_files(tmp_path)), settings)
    assert (made.launch.accelerator, made.accelerator_reason) == ("tcg", "set in the profile")
    assert value(made, "-kernel") == f"{tmp_path}/vmlinuz"
    assert value(made, "-initrd") == f"{tmp_path}/initrd.img"
    assert value(made, "-append") == "console=ttyS0,115200 quiet"
    assert f'"filename":"{tmp_path}/root.qcow2"' in value(made, "-blockdev")


async def test_all_problems_of_a_profile_are_reported(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(ProfileError, match="profile vm has 2 problems") as caught:
        await plan(loaded(tmp_path, "cpu.count = 0\nmachin = 'q35'"), settings, check=False)
    assert [(problem.line, problem.key) for problem in caught.value.problems] == [(1, "cpu.count"), (2, "machin")]


async def test_a_kernel_that_does_not_exist(tmp_path: Path, settings: Settings) -> None:
    profile = loaded(tmp_path, "[boot]\nkernel = 'bzImage'")
    with pytest.raises(ProfileError, match="profile vm has 1 problem") as caught:
        await plan(profile, settings)
    assert [str(problem) for problem in caught.value.problems] == [
        f"{tmp_path}/vm.toml:2:1: boot.kernel: {tmp_path}/bzImage: No such file or directory"
    ]
    assert value(await plan(profile, settings, check=False), "-kernel") == f"{tmp_path}/bzImage"


async def test_no_qemu(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match="qemu-system-x86_64 is not installed") as caught:
        await plan(loaded(tmp_path, ""), settings)
    assert "install" in caught.value.hint or "add" in caught.value.hint


async def test_a_qemu_that_is_too_old(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "qemu"
    old.write_text("#!/bin/sh\necho QEMU emulator version 5.2.0\n")
    old.chmod(0o755)
    monkeypatch.setenv("WORKBENCH_QEMU", str(old))
    with pytest.raises(HostError, match=r"is QEMU 5\.2\.0, but version 6\.2 or later is required") as caught:
        await plan(loaded(tmp_path, ""), settings)
    assert "WORKBENCH_QEMU" in caught.value.hint


async def test_the_demo_guest_before_it_is_built(settings: Settings) -> None:
    with pytest.raises(HostError, match="demo boots the demo guest, which is not built yet") as caught:
        await plan(read_profile(SAMPLES / "demo.toml"), settings)
    assert "workbench demo" in caught.value.hint


async def test_the_demo_guest(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = DemoGuest(fake_kernel(tmp_path / "vmlinuz"), tmp_path / "initrd.img", "6.1", "here")
    monkeypatch.setattr("workbench.engine.demo.find", lambda cache: guest if cache == settings.cache else None)
    made = await plan(read_profile(SAMPLES / "demo.toml"), settings)
    assert (value(made, "-kernel"), value(made, "-initrd")) == (str(guest.kernel), str(guest.initrd))
    assert value(made, "-append") == CMDLINE
    more = loaded(tmp_path, "boot.guest = 'demo'\nboot.cmdline = 'quiet'")
    assert value(await plan(more, settings), "-append") == "quiet"


@uses_pool
async def test_a_pool_without_room(tmp_path: Path, settings: Settings) -> None:
    profile = loaded(tmp_path, "[memory]\nsize = '16M'\nhugepages.size = '2M'")
    with hugepage_pool(7):
        with pytest.raises(HostError, match="1 hugepage of 2 MiB is missing") as caught:
            await plan(profile, settings)
        assert "nr_hugepages" in caught.value.hint or "hugepages" in caught.value.hint
        assert value(await plan(profile, settings, check=False), "-m") == "16M"
    with hugepage_pool(8):
        assert "memory-backend-memfd" in value(await plan(profile, settings), "-object")


async def test_a_port_whose_socket_has_no_room_for_its_path(tmp_path: Path) -> None:
    profile = loaded(tmp_path, "[[serial]]\nid = 'a-rather-long-name'")
    deep = Settings(state_option=Path("/") / ("d" * 75))
    with pytest.raises(HostError, match="the socket path of a-rather-long-name has 108 bytes") as caught:
        await plan(profile, deep)
    assert "--state" in caught.value.hint
    await plan(profile, Settings(state_option=Path("/") / ("d" * 74)))
