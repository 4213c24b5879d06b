"""The files that a profile names: there, readable, and what the profile says they are."""

from __future__ import annotations

import os
import stat
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.argv import resolve
from workbench.engine.monitor import SUN_PATH_MAX
from workbench.engine.profiles import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workbench.domain.devices.part import Path as Place
    from workbench.domain.devices.scsi import Disk
    from workbench.domain.problems import Problem
    from workbench.domain.profile import GuestProfile
    from workbench.engine.profiles import LoadedProfile

QCOW2_MAGIC = b"QFI\xfb"
"""The first bytes of a qcow2 image (QEMU: docs/interop/qcow2.txt)."""


def file_problems(loaded: LoadedProfile) -> tuple[Problem, ...]:
    """What is wrong with the files that a profile names, at their keys; nothing for a profile that has problems itself."""
    if loaded.profile is None:
        return ()
    base, home = str(loaded.path.parent), str(Path.home())
    problems = []
    for place, text, look in _named_files(loaded.profile):
        path = resolve(text, base=base, home=home)
        try:
            message = look(Path(path))
        except OSError as error:
            message = f"{shown(path)}: {error.strerror}"
        if message:
            problems.append(loaded.parsed.problem(loaded.file, place, message))
    return tuple(sorted(problems))


def _named_files(profile: GuestProfile) -> Iterator[tuple[Place, str, Callable[[Path], str]]]:
    """Each path in a profile with its place, and what must be true of it: a look gives what is wrong, or nothing."""
    if profile.boot.kernel is not None:
        yield ("boot", "kernel"), profile.boot.kernel, _file_trouble
    if profile.boot.initrd is not None:
        yield ("boot", "initrd"), profile.boot.initrd, _file_trouble
    if profile.firmware.code is not None:
        yield ("firmware", "code"), profile.firmware.code, _file_trouble
    if profile.firmware.vars is not None:
        yield ("firmware", "vars"), profile.firmware.vars, _output_trouble  # made when it is missing
    for index, net in enumerate(profile.net):
        if net.path is not None:
            yield ("net", index, "path"), net.path, _socket_trouble if net.listen else _peer_trouble
    for index, scsi in enumerate(profile.scsi):
        for number, disk in enumerate(scsi.disk):
            if disk.file is not None:
                yield ("scsi", index, "disk", number, "file"), disk.file, partial(_disk_trouble, disk)
    if profile.rng is not None:
        yield ("rng", "source"), profile.rng.source, _source_trouble
    for index, port in enumerate(profile.serial):
        if port.path is not None:
            look = {"socket": _socket_trouble, "file": _output_trouble}[port.backend]
            yield ("serial", index, "path"), port.path, look


def _file_trouble(path: Path) -> str:
    """A file that QEMU reads whole."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        return f"{shown(path)} is {_kind(mode)}, not a file"
    return "" if _may(path, os.R_OK) else f"{shown(path)}: you may not read it"


def _disk_trouble(disk: Disk, path: Path) -> str:
    if disk.size is not None and not os.path.lexists(path):
        return _parent_trouble(path)  # it is made at the start
    trouble = _file_trouble(path)
    if trouble:
        return trouble
    if not disk.read_only and disk.media == "disk" and not _may(path, os.W_OK):
        return f"{shown(path)}: you may not write to it; read-only = true does without"
    with path.open("rb") as image:
        is_qcow2 = image.read(len(QCOW2_MAGIC)) == QCOW2_MAGIC
    if is_qcow2 != (disk.image_format == "qcow2"):
        return f'{shown(path)} is {"a" if is_qcow2 else "no"} qcow2 image, and format = "{disk.image_format}"'
    return ""


def _source_trouble(path: Path) -> str:
    """A file or a device that entropy is read from."""
    if stat.S_ISDIR(path.stat().st_mode):
        return f"{shown(path)} is a directory"
    return "" if _may(path, os.R_OK) else f"{shown(path)}: you may not read it"


def _socket_trouble(path: Path) -> str:
    """A socket that QEMU will make. It removes what stands there, whatever that is (util/qemu-sockets.c, unix_listen_saddr())."""
    if len(os.fsencode(path)) > SUN_PATH_MAX:
        return f"a socket's path can have {SUN_PATH_MAX} bytes, and this has {len(os.fsencode(path))}"
    if os.path.lexists(path) and not stat.S_ISSOCK(path.lstat().st_mode):
        return f"{shown(path)} is there already and is no socket: QEMU would remove it"
    return _parent_trouble(path)


def _peer_trouble(path: Path) -> str:
    """A socket that another QEMU listens on."""
    if not path.exists():
        return f"there is no socket {shown(path)}: start the guest first that listens there"
    return "" if stat.S_ISSOCK(path.stat().st_mode) else f"{shown(path)} is no socket"


def _output_trouble(path: Path) -> str:
    """A file that QEMU will append to."""
    if not path.exists():
        return _parent_trouble(path)
    if path.is_dir():
        return f"{shown(path)} is a directory"
    return "" if _may(path, os.W_OK) else f"{shown(path)}: you may not write to it"


def _parent_trouble(path: Path) -> str:
    parent = path.parent
    if not parent.is_dir():
        return f"there is no directory {shown(parent)}"
    return "" if _may(parent, os.W_OK | os.X_OK) else f"{shown(parent)}: you may not write there"


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=True)


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a device" if stat.S_ISBLK(mode) or stat.S_ISCHR(mode) else "a socket or a pipe"
