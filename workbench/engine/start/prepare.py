"""What a start makes before QEMU runs: missing disk images and UEFI variables. A start that fails takes them away again."""

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

QEMU_IMG_HINT = "Debian and Ubuntu: apt-get install qemu-utils"


async def prepare(plan: Plan) -> tuple[Path, ...]:
    """Make what the profile wants made, and give the files that were.

    :raise HostError: when one cannot be made; then none is left.
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
    """Take away what :func:`prepare` made."""
    for path in made:
        with suppress(FileNotFoundError):
            path.unlink()


async def make_image(disk: Disk, path: Path, size: int) -> None:
    """An empty image. It is made beside its place and gets its name when it is whole."""
    program = shutil.which("qemu-img")
    if program is None:
        raise HostError(f"{path} is to be made, and there is no qemu-img", hint=QEMU_IMG_HINT)
    part = path.parent / f".{path.name}.{os.getpid()}"
    argv = (program, "create", "-q", "-f", disk.image_format, "--", str(part), str(size))
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        _, output = await process.communicate()
        if process.returncode != 0:
            words = output.decode(errors="replace").strip().removeprefix("qemu-img: ")
            raise HostError(f"{path} of {format_size(size)} cannot be made: {words}")
        try:
            os.link(part, path)  # not over a file that came there meanwhile
        except FileExistsError as error:
            raise HostError(
                f"{path} was made by somebody else just now", hint="start again: it is taken as it is"
            ) from error
        except OSError as error:
            raise HostError(f"{path} cannot be made: {error.strerror}") from error
    finally:
        remove([part])
