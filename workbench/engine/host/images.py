"""Checks disk images before QEMU opens them: format, backing chain, and whether another process has them open."""

from __future__ import annotations

import fcntl
import os
import re
import struct
from pathlib import Path

from workbench.domain.host.images import HEAD, QCOW2, image_format, packed_with, read_qcow2
from workbench.engine.storage.files import shown

DEPTH = 64
"""Maximum length of a backing chain: far more than is ever used, and an end for a cycle."""
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.ASCII)
"""A backing image that is not a file: ``json:``, ``nbd:`` …"""

_WRITES, _NO_WRITERS, _NO_READERS = 101, 201, 200
"""Bytes of an image that QEMU locks: it writes, no other process may write, no other process may read (QEMU:
block/file-posix.c, RAW_LOCK_PERM_BASE; include/block/block-common.h, BLK_PERM_WRITE)."""


def read_head(path: Path) -> bytes:
    """The first bytes of an image.

    :raise OSError: if it cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        return file.read(HEAD)


def format_trouble(path: Path, wanted: str, *, disk: bool) -> str:
    """Why an image does not have the profile's format, or lacks a backing image; empty if it is fine.

    :raise OSError: if it cannot be read.
    """
    head = read_head(path)
    found = image_format(head)
    if found and found != wanted:
        if found == "qcow2":
            return f'{shown(path)} is a qcow2 image, but format = "{wanted}"'
        return f"{shown(path)} is a {found} image: convert it with qemu-img convert -O qcow2"
    packed = packed_with(head)
    if packed and disk:
        return f"{shown(path)} is compressed with {packed}: decompress it first"
    if wanted != "qcow2":
        return ""
    return f'{shown(path)} is not a qcow2 image, but format = "qcow2"' if not found else _chain_trouble(path, head)


def _chain_trouble(path: Path, head: bytes) -> str:
    """What is wrong with a qcow2 image's header, or with its backing chain."""
    for _ in range(DEPTH):
        header = read_qcow2(head)
        if header is None:
            return f"{shown(path)} is a truncated qcow2 image"
        if header.version not in (2, 3):
            return f"{shown(path)} has qcow2 version {header.version:,}, which QEMU does not support"
        if not header.backing or _ELSEWHERE.match(header.backing):
            return ""
        below = path.parent / header.backing
        try:
            head = read_head(below)
        except OSError as error:
            return (
                f"{shown(path)}: backing file {shown(below)}: {error.strerror}; if it was moved, update the path with "
                "qemu-img rebase -u"
            )
        if not head.startswith(QCOW2):
            return ""
        path = below
    return f"{shown(path)}: more than {DEPTH} images in its backing chain"


def user_of(path: Path, *, writes: bool) -> str:
    """The process whose QEMU locks on an image would keep another QEMU from opening it; empty if there is none.

    :param writes: whether the image is to be written to.
    :raise OSError: if it cannot be read.
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
    except OSError:  # a file system without locks: QEMU does not use them there either
        return False
    return bool(struct.unpack("hhqqi4x", answer)[0] != fcntl.F_UNLCK)


def _opener(image: os.stat_result) -> str:
    """The process that has the image open; a lock does not show its owner."""
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            names = os.listdir(f"/proc/{pid}/fd")
            if int(pid) != os.getpid() and any(_is_same(f"/proc/{pid}/fd/{name}", image) for name in names):
                return f"{Path(f'/proc/{pid}/comm').read_text().strip()} (pid {pid})"
        except OSError:
            continue  # gone, or owned by another user
    return "another process"


def _is_same(path: str, image: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(path), image)
    except OSError:
        return False
