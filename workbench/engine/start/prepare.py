"""Creates missing disk images and UEFI variables before a start; a failed start removes them again."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.units import format_size
from workbench.engine.host.firmware import make_variables
from workbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.domain.profile.devices.scsi import Disk
    from workbench.engine.start.plan import Plan

QEMU_IMG_HINT = "Debian and Ubuntu: sudo apt-get install qemu-utils"


async def prepare(plan: Plan) -> tuple[Path, ...]:
    """Create the missing files and return them.

    :raise HostError: if one cannot be created; then none is left.
    """
    made: list[Path] = []
    try:
        if plan.launch.flash is not None and make_variables(plan.profile, plan.launch.flash):
            made.append(Path(plan.launch.flash.vars))
        for disk in (disk for scsi in plan.profile.scsi for disk in scsi.disk):
            if disk.size is None or disk.file is None:
                continue
            path = Path(plan.launch.path(disk.file))
            if not os.path.lexists(path):
                await make_image(disk, path, disk.size)
                made.append(path)
    except BaseException:
        remove(made)
        raise
    return tuple(made)


def remove(made: Iterable[Path]) -> None:
    """Remove the files that :func:`prepare` created."""
    for path in made:
        with suppress(FileNotFoundError):
            path.unlink()


async def make_image(disk: Disk, path: Path, size: int) -> None:
    """Create an empty image under a temporary name, and rename it once it is complete."""
    program = shutil.which("qemu-img")
    if program is None:
        raise HostError(f"cannot create {path}: qemu-img is not installed", hint=QEMU_IMG_HINT)
    part = path.parent / f".{path.name}.{os.getpid()}"
    argv = (program, "create", "-q", "-f", disk.image_format, "--", str(part), str(size))
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        _, output = await process.communicate()
        if process.returncode != 0:
            words = output.decode(errors="replace").strip().removeprefix("qemu-img: ")
            raise HostError(f"cannot create {path} ({format_size(size)}): {words}")
        try:
            os.link(part, path)  # do not overwrite a file created in between
        except FileExistsError as error:
            raise HostError(
                f"{path} was just created by another process", hint="start again to use it as it is"
            ) from error
        except OSError as error:
            raise HostError(f"cannot create {path}: {error.strerror}") from error
    finally:
        remove([part])
