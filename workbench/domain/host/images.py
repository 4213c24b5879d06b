"""Identify a file by its first bytes: a disk image, a kernel, or a compressed file."""

from __future__ import annotations

import struct

from msgspec import Struct

HEAD = 64 << 10
"""Bytes from the start of a file that are enough to identify it."""
QCOW2 = b"QFI\xfb"
"""The first bytes of a qcow2 image (QEMU: docs/interop/qcow2.txt)."""
_IMAGES = (
    (0, QCOW2, "qcow2"),
    (0, b"KDMV", "vmdk"),
    (0, b"COWD", "vmdk"),
    (0, b"# Disk DescriptorFile", "vmdk"),
    (0, b"vhdxfile", "vhdx"),
    (0, b"conectix", "vpc"),
    (0, b"QED\0", "qed"),
    (0x40, b"\x7f\x10\xda\xbe", "vdi"),
)
"""Offset, magic bytes and QEMU's name of each format (QEMU: the probe functions in block/*.c)."""
_PACKED = (
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
)
_MULTIBOOT = struct.pack("<I", 0x1BADB002)


class Qcow2(Struct, frozen=True):
    """The parts of a qcow2 header that matter for a start."""

    version: int
    backing: str
    """The backing file as written in the header; empty without one."""


def image_format(head: bytes) -> str:
    """QEMU's name for the image format; empty for files without magic bytes, such as raw images."""
    return next((name for offset, mark, name in _IMAGES if head.startswith(mark, offset)), "")


def packed_with(head: bytes) -> str:
    """The program that compressed a file; empty if it is not compressed."""
    return next((name for mark, name in _PACKED if head.startswith(mark)), "")


def is_kernel(head: bytes) -> bool:
    """Whether QEMU accepts it as a kernel (QEMU: hw/i386/x86.c, x86_load_linux()): bzImage, multiboot or ELF."""
    words = head[: 8 << 10]
    multiboot = any(words.startswith(_MULTIBOOT, at) for at in range(0, len(words), 4))
    return head.startswith(b"HdrS", 0x202) or head.startswith(b"\x7fELF") or multiboot


def read_qcow2(head: bytes) -> Qcow2 | None:
    """Parse the header of an image with qcow2's magic bytes; None if it is truncated.

    Unknown versions are returned as they are.
    """
    if len(head) < 72:
        return None
    _, version, offset, size = struct.unpack_from(">4sIQI", head)
    if version == 3 and len(head) < 104:
        return None
    if not offset:
        return Qcow2(version, "")
    name = head[offset : offset + size]
    # At most 1,023 bytes, in the first cluster (QEMU: block/qcow2.c, qcow2_do_open()).
    return Qcow2(version, name.decode(errors="surrogateescape")) if len(name) == size <= 1023 else None
