"""Writes the initramfs: a cpio archive in the format that the kernel unpacks.

Format: Documentation/driver-api/early-userspace/buffer-format.rst in the kernel's source. Written here, so that neither
cpio nor root is needed: device nodes are only numbers in the archive.
"""

from __future__ import annotations

import gzip
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.engine.demo.modules import Module

SCRIPTS = Path(__file__).parent / "guest"
_PLACES = {
    "init": "init",
    "inittab": "etc/inittab",
    "console": "etc/console",
    "profile": "etc/profile",
    "udhcpc": "etc/udhcpc",
    "eat": "bin/eat",
}
"""Path in the archive of each script in guest/."""

_DIRECTORIES = ("bin", "dev", "etc", "lib", "lib/modules", "proc", "root", "run", "sys", "tmp")


def initramfs(busybox: bytes, modules: Iterable[Module]) -> bytes:
    """The demo guest's initramfs, gzipped. Reproducible: the same parts give the same bytes."""
    archive = Archive()
    for path in _DIRECTORIES:
        archive.add(path, stat.S_IFDIR | 0o755)
    # The kernel opens /dev/console for init before devtmpfs is mounted; 5:1 (Documentation/admin-guide/devices.txt).
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.add("bin/busybox", stat.S_IFREG | 0o755, busybox)
    for name, path in _PLACES.items():
        archive.add(path, stat.S_IFREG | 0o755, (SCRIPTS / name).read_bytes())
    archive.add("etc/passwd", stat.S_IFREG | 0o644, b"root::0:0:root:/root:/bin/sh\n")
    archive.add("etc/group", stat.S_IFREG | 0o644, b"root:x:0:\n")
    order = []
    for module in modules:
        order.append(f"{module.name}.ko\n")
        archive.add(f"lib/modules/{module.name}.ko", stat.S_IFREG | 0o644, module.image)
    archive.add("lib/modules/load", stat.S_IFREG | 0o644, "".join(order).encode())
    return gzip.compress(archive.finish(), mtime=0)


class Archive:
    """A cpio archive in the format "newc", in memory."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._count = 0

    def add(self, path: str, mode: int, data: bytes = b"", *, device: tuple[int, int] = (0, 0)) -> None:
        """Append one entry, owned by root.

        :param mode: type and permissions, as in ``st_mode``.
        :param device: major and minor number of a device node.
        """
        self._count += 1
        name = path.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        # magic ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
        fields = (self._count, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(name), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self._parts += (_padded(header + name), _padded(data))

    def finish(self) -> bytes:
        """The archive with its trailer; nothing can be added afterwards."""
        self.add("TRAILER!!!", 0)
        return b"".join(self._parts)


def _padded(data: bytes) -> bytes:
    """Pad to a multiple of four bytes, where headers and contents begin."""
    return data + bytes(-len(data) % 4)
