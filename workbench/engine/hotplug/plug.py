"""Plug devices into a running QEMU, and find what goes away with one. The rules are in ``domain/hotplug``."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.devices.buses import BusDevice, flat, qdev_id
from workbench.domain.hotplug.leftovers import BACKENDS, Stake, behind
from workbench.domain.hotplug.unplug import PERIPHERAL
from workbench.domain.profile.devices.part import resolve
from workbench.domain.profile.devices.scsi import Disk
from workbench.engine.devices.buses import BusReader
from workbench.engine.start.prepare import make_image, remove
from workbench.errors import CommandFailed, NotFound

if TYPE_CHECKING:
    from workbench.domain.hotplug.plan import Offer
    from workbench.domain.hotplug.unplug import Plan, Step
    from workbench.engine.devices.qom import QomReader
    from workbench.engine.devices.virtio_pci import Execute

HINTS = {
    'Failed to get "': "the image is in use by another disk of this guest or by another process",
    "Image is not in qcow2 format": 'if the image is not qcow2, set format = "raw"',
    "Could not set up host forwarding rule": "the host port is in use, or QEMU lacks the privileges to bind it",
}
"""QEMU's errors for a backend (block/file-posix.c, block/qcow2.c, net/slirp.c) -> hint."""


async def plug(execute: Execute, plan: Plan, offer: Offer) -> None:
    """Create the device's backends, then the device. If QEMU rejects one, what was created before is removed again.

    :raise CommandFailed: when QEMU rejects a command.
    :raise HostError: when an image cannot be created.
    :raise MonitorError: when QEMU does not reply; it may still run the last command, so nothing is undone.
    """
    made = await _image(plan.part, offer) if isinstance(plan.part, Disk) else ()
    done: list[Step] = []
    try:
        for step in plan.steps:
            await execute(step.command, step.arguments)
            done.append(step)
    except CommandFailed as error:
        for step in reversed(done):
            with suppress(CommandFailed):
                await execute(step.undo, step.undo_arguments)
        remove(made)
        if any(step.undo == "device_del" for step in done):
            error.hint = f"its controller {plan.controller}, plugged in for it, is being unplugged again"
        error.hint = error.hint or next((hint for words, hint in HINTS.items() if words in error.description), "")
        raise


async def _image(disk: Disk, offer: Offer) -> tuple[Path, ...]:
    """Create a disk's image if it is missing and its size is given."""
    if disk.size is None or disk.file is None:
        return ()
    path = Path(resolve(disk.file, base=offer.base, home=offer.home))
    if os.path.lexists(path):
        return ()
    await make_image(disk, path, disk.size)
    return (path,)


async def behind_of(qom: QomReader, name: str) -> Stake:
    """What goes away with a device.

    :raise NotFound: when there is no device with that id.
    """
    path = f"{PERIPHERAL}/{name}"
    types = {child.name: child.type for child in await qom.children(PERIPHERAL)}
    if name not in types:
        hint = f"devices with an id: {', '.join(sorted(types)) or 'none'}"
        raise NotFound(f"{name!r} is not a device of this guest", hint=hint)
    below = flat(await BusReader(qom).root())
    device = next((one for _, one in below if isinstance(one, BusDevice) and one.path == path), None)
    on_it = [one.path for bus in (device.buses if device else ()) for _, one in flat(bus) if isinstance(one, BusDevice)]
    values = await asyncio.gather(*(qom.values(one, BACKENDS) for one in (path, *on_it)))
    # A virtio device and its transport show the same backends.
    rest = {one.words: one for found in values for one in behind(found)}
    return Stake(types[name], tuple(filter(None, map(qdev_id, on_it))), tuple(rest.values()))
