"""Checks the files that a profile names: that they exist, are readable, and have the stated format."""

from __future__ import annotations

import os
import stat
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.host.images import image_format, is_kernel
from workbench.domain.profile.devices.part import key_text, resolve
from workbench.engine.host.images import format_trouble, read_head
from workbench.engine.qmp.monitor import SUN_PATH_MAX
from workbench.engine.storage.files import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workbench.domain.profile.devices.part import Path as Place
    from workbench.domain.profile.devices.scsi import Disk
    from workbench.domain.profile.guest import GuestProfile
    from workbench.domain.profile.problems import Problem
    from workbench.engine.profiles.store import LoadedProfile
FLASH_SECTOR = 4096


def file_problems(loaded: LoadedProfile) -> tuple[Problem, ...]:
    """Problems with the files that a profile names, at their keys.

    In a profile with errors, only the files in its valid tables are checked.
    """
    if loaded.partial is None:
        return ()
    base, home = str(loaded.path.parent), str(Path.home())
    problems = []
    seen: dict[str, tuple[Place, Use]] = {}
    for place, text, use, look in _named_files(loaded.partial):
        path = Path(resolve(text, base=base, home=home))
        try:
            message = look(path)
        except OSError as error:
            message = f"{shown(path)}: {error.strerror}"
        other, other_use = seen.setdefault(os.path.realpath(path), (place, use))
        if not message and other != place and not (use is other_use and use in _SHARED):
            message = f"{shown(path)} is already used by {key_text(other)}"
        if message:
            problems.append(loaded.parsed.problem(loaded.file, place, message))
    return tuple(sorted(problems))


class Use(Enum):
    """What a guest does with a file."""

    READS = "reads"
    APPENDS = "appends"
    OWNS = "owns"
    """Writes or creates it: nothing else in the guest can use it."""


_SHARED = (Use.READS, Use.APPENDS)
"""Uses that two devices can share."""


def _named_files(profile: GuestProfile) -> Iterator[tuple[Place, str, Use, Callable[[Path], str]]]:
    """Each path in a profile with its place, its use, and a check, which returns what is wrong or an empty string."""
    boot, firmware = profile.boot, profile.firmware
    if boot.kernel is not None:
        yield ("boot", "kernel"), boot.kernel, Use.READS, _kernel_trouble
    if boot.initrd is not None:
        yield ("boot", "initrd"), boot.initrd, Use.READS, _file_trouble
    if firmware.code is not None:
        yield ("firmware", "code"), firmware.code, Use.READS, _flash_trouble
    if firmware.vars is not None:
        yield ("firmware", "vars"), firmware.vars, Use.OWNS, _variables_trouble
    for index, net in enumerate(profile.net):
        if net.path is not None:
            yield ("net", index, "path"), net.path, Use.OWNS, _socket_trouble if net.listen else _peer_trouble
    for index, scsi in enumerate(profile.scsi):
        for number, disk in enumerate(scsi.disk):
            if disk.file is not None:
                use = Use.OWNS if disk.writes else Use.READS
                yield ("scsi", index, "disk", number, "file"), disk.file, use, partial(_disk_trouble, disk)
    for index, rng in enumerate(profile.rng):
        yield ("rng", index, "source"), rng.source, Use.READS, _source_trouble
    for index, port in enumerate(profile.serial):
        if port.path is not None and port.backend in ("socket", "file"):
            use, look = (Use.OWNS, _socket_trouble) if port.backend == "socket" else (Use.APPENDS, _output_trouble)
            yield ("serial", index, "path"), port.path, use, look


def _file_trouble(path: Path) -> str:
    """Check a file that QEMU reads whole."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        return f"{shown(path)} is {_kind(mode)}, not a file"
    return "" if _may(path, os.R_OK) else f"{shown(path)}: no read permission"


def _kernel_trouble(path: Path) -> str:
    trouble = _file_trouble(path)
    if trouble or is_kernel(read_head(path)):
        return trouble
    return f"{shown(path)} is not a kernel that QEMU can boot: bzImage (arch/x86/boot/bzImage in a build), multiboot or ELF"


def _flash_trouble(path: Path) -> str:
    """Check an image for the board's flash, with sectors of 4 KiB (QEMU: hw/i386/pc_sysfw.c, pc_system_flash_map())."""
    trouble = _file_trouble(path)
    if trouble or image_format(read_head(path)) == "qcow2":
        return trouble
    size = path.stat().st_size
    if size and size % FLASH_SECTOR == 0:
        return ""
    return f"{shown(path)} is not a UEFI image: its size, {size:,} bytes, is not a multiple of 4,096"


def _variables_trouble(path: Path) -> str:
    """Check a variable store, which is created if it is missing."""
    trouble = _output_trouble(path)
    return trouble or (_flash_trouble(path) if path.exists() else "")


def _disk_trouble(disk: Disk, path: Path) -> str:
    if disk.size is not None and not os.path.lexists(path):
        return _parent_trouble(path)  # created at the start
    trouble = _file_trouble(path)
    if trouble:
        return trouble
    if disk.writes and not _may(path, os.W_OK):
        return f"{shown(path)}: no write permission; read-only = true needs none"
    return format_trouble(path, disk.image_format, disk=disk.media == "disk")


def _source_trouble(path: Path) -> str:
    """Check a file or device that entropy is read from."""
    if stat.S_ISDIR(path.stat().st_mode):
        return f"{shown(path)} is a directory"
    return "" if _may(path, os.R_OK) else f"{shown(path)}: no read permission"


def _socket_trouble(path: Path) -> str:
    """Check a socket that QEMU will create, removing any file in its place (util/qemu-sockets.c, unix_listen_saddr())."""
    if len(os.fsencode(path)) > SUN_PATH_MAX:
        return f"a socket's path can have at most {SUN_PATH_MAX} bytes, this has {len(os.fsencode(path))}"
    if os.path.lexists(path) and not stat.S_ISSOCK(path.lstat().st_mode):
        return f"{shown(path)} exists and is not a socket: QEMU would remove it"
    return _parent_trouble(path)


def _peer_trouble(path: Path) -> str:
    """Check a socket that another QEMU listens on."""
    if not path.exists():
        return f"no socket at {shown(path)}: start the guest that listens there first"
    return "" if stat.S_ISSOCK(path.stat().st_mode) else f"{shown(path)} is not a socket"


def _output_trouble(path: Path) -> str:
    """Check a file that QEMU will append to."""
    if not path.exists():
        return _parent_trouble(path)
    if path.is_dir():
        return f"{shown(path)} is a directory"
    return "" if _may(path, os.W_OK) else f"{shown(path)}: no write permission"


def _parent_trouble(path: Path) -> str:
    parent = path.parent
    if not parent.is_dir():
        return f"no such directory: {shown(parent)}"
    return "" if _may(parent, os.W_OK | os.X_OK) else f"{shown(parent)}: no write permission"


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=True)


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a device" if stat.S_ISBLK(mode) or stat.S_ISCHR(mode) else "a socket or a pipe"
