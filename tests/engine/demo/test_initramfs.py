"""The initramfs: a cpio archive that the kernel unpacks, with scripts that a shell can read."""

from __future__ import annotations

import gzip
import stat
import subprocess
from typing import NamedTuple

import pytest

from workbench.engine.demo.initramfs import SCRIPTS, initramfs
from workbench.engine.demo.modules import Module


class Entry(NamedTuple):
    mode: int
    data: bytes
    device: tuple[int, int]


def entries(archive: bytes) -> dict[str, Entry]:
    """Read a "newc" archive as the kernel's init/initramfs.c does: 13 fields of 8 hexadecimal digits."""
    found: dict[str, Entry] = {}
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        size, name_size = fields[6], fields[11]
        name = archive[at + 110 : at + 110 + name_size - 1].decode()
        at += (110 + name_size + 3) & ~3
        if name == "TRAILER!!!":
            return found
        found[name] = Entry(fields[1], archive[at : at + size], (fields[9], fields[10]))
        at += (size + 3) & ~3


@pytest.fixture(scope="module")
def archive() -> dict[str, Entry]:
    modules = [Module("virtio_ring", b"ring"), Module("virtio", b"virtio!")]
    return entries(gzip.decompress(initramfs(b"busybox", modules)))


def test_every_script_is_in_it_and_can_be_run(archive: dict[str, Entry]) -> None:
    contents = {entry.data for entry in archive.values() if stat.S_ISREG(entry.mode) and entry.mode & 0o111}
    assert {path.read_bytes() for path in SCRIPTS.iterdir()} <= contents
    assert archive["init"].data == (SCRIPTS / "init").read_bytes()


def test_modules_are_listed_in_their_order(archive: dict[str, Entry]) -> None:
    assert archive["lib/modules/load"].data == b"virtio_ring.ko\nvirtio.ko\n"
    assert archive["lib/modules/virtio_ring.ko"].data == b"ring"


def test_init_has_a_console_before_dev_is_mounted(archive: dict[str, Entry]) -> None:
    console = archive["dev/console"]
    assert stat.S_ISCHR(console.mode)
    assert console.device == (5, 1)


def test_each_directory_comes_before_what_is_in_it(archive: dict[str, Entry]) -> None:
    seen = set()
    for name in archive:
        parent = name.rpartition("/")[0]
        assert not parent or parent in seen
        seen.add(name)


def test_the_same_parts_give_the_same_bytes() -> None:
    assert initramfs(b"busybox", []) == initramfs(b"busybox", [])


@pytest.mark.parametrize("script", sorted(path.name for path in SCRIPTS.iterdir() if path.name != "inittab"))
def test_a_shell_can_read_each_script(script: str) -> None:
    subprocess.run(["sh", "-n", str(SCRIPTS / script)], check=True)
