"""Disk images before QEMU opens them: their format, what they stand on, and who has them open."""

from __future__ import annotations

import fcntl
import os
import re
import struct
from pathlib import Path

from workbench.domain.host.images import HEAD, QCOW2, image_format, packed_with, read_qcow2
from workbench.engine.storage.files import shown

DEPTH = 64
"""Images that stand on one another: far more than anybody has, and an end for a ring of them."""
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.ASCII)
"""A backing image that is no file: ``json:``, ``nbd:`` …"""

_WRITES, _NO_WRITERS, _NO_READERS = 101, 201, 200
"""Bytes of an image that a QEMU locks: it writes, nobody else may write, nobody else may read (QEMU:
block/file-posix.c, RAW_LOCK_PERM_BASE; include/block/block-common.h, BLK_PERM_WRITE)."""


def read_head(path: Path) -> bytes:
    """:raise OSError: when it cannot be read."""
    with path.open("rb", buffering=0) as file:
        return file.read(HEAD)


def format_trouble(path: Path, wanted: str, *, disk: bool) -> str:
    """Why an image is none of the format that a profile says, or lacks an image below it; empty when all is well.

    :raise OSError: when it cannot be read.
    """
    head = read_head(path)
    found = image_format(head)
    if found and found != wanted:
        if found == "qcow2":
            return f'{shown(path)} is a qcow2 image, and format = "{wanted}"'
        return f"{shown(path)} is a {found} image: make one of qcow2 from it with qemu-img convert -O qcow2"
    packed = packed_with(head)
    if packed and disk:
        return f"{shown(path)} is packed with {packed}: unpack it first"
    if wanted != "qcow2":
        return ""
    return f'{shown(path)} is no qcow2 image, and format = "qcow2"' if not found else _chain_trouble(path, head)


def _chain_trouble(path: Path, head: bytes) -> str:
    """What is wrong with a qcow2 image's header, or with an image below it."""
    for _ in range(DEPTH):
        header = read_qcow2(head)
        if header is None:
            return f"{shown(path)} is a qcow2 image that was cut short"
        if header.version not in (2, 3):
            return f"{shown(path)} is a qcow2 image of version {header.version:,}, which QEMU does not know"
        if not header.backing or _ELSEWHERE.match(header.backing):
            return ""
        below = path.parent / header.backing
        try:
            head = read_head(below)
        except OSError as error:
            return (
                f"{shown(path)} stands on {shown(below)}: {error.strerror}; when that is elsewhere now, tell it with "
                "qemu-img rebase -u"
            )
        if not head.startswith(QCOW2):
            return ""
        path = below
    return f"{shown(path)}: more than {DEPTH} images stand on one another"


def user_of(path: Path, *, writes: bool) -> str:
    """Which process has an image open so that a QEMU could not, told by QEMU's own locks; empty when none has.

    :param writes: whether it is to be written to.
    :raise OSError: when it cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        bytes_ = (_WRITES, _NO_READERS, _NO_WRITERS) if writes else (_WRITES, _NO_READERS)
        if not any(_is_locked(handle, byte) for byte in bytes_):
            return ""
        return _opener(os.fstat(handle))
    finally:
        os.close(handle)


def _is_locked(handle: int, byte: int) -> bool:
    asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
    try:
        answer = fcntl.fcntl(handle, fcntl.F_OFD_GETLK, asked)
    except OSError:  # a file system without locks: QEMU does without too
        return False
    return bool(struct.unpack("hhqqi4x", answer)[0] != fcntl.F_UNLCK)


def _opener(image: os.stat_result) -> str:
    """The process that has the image open; a lock does not tell whose it is."""
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            names = os.listdir(f"/proc/{pid}/fd")
            if int(pid) != os.getpid() and any(_is_same(f"/proc/{pid}/fd/{name}", image) for name in names):
                return f"{Path(f'/proc/{pid}/comm').read_text().strip()} (pid {pid})"
        except OSError:
            continue  # gone, or somebody else's
    return "another process"


def _is_same(path: str, image: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(path), image)
    except OSError:
        return False
