"""What a running guest offers for another device: a free id, buses with room, and the properties of its type.

Properties are queried from a second, temporary QEMU process of the same program: ``device-list-properties`` for a type
that the guest does not have may load a module into its QEMU, or crash it.
"""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.devices.buses import Bus, BusDevice, flat
from workbench.domain.hotplug.plan import CONTROLLERS, DRIVERS, STEMS, FreeBus, Offer
from workbench.domain.hotplug.unplug import PERIPHERAL, Kind
from workbench.domain.profile.devices.serial import SERIAL_ID
from workbench.domain.profile.ids import ids_of
from workbench.engine.devices.types import parse_properties
from workbench.engine.hotplug.backends import read_backends
from workbench.engine.profiles.qemu_build import converse
from workbench.engine.profiles.store import read_profile, started_profile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence

    from workbench.domain.devices.type_info import PropertyInfo
    from workbench.domain.profile.guest import GuestProfile
    from workbench.engine.devices.buses import BusReader
    from workbench.engine.devices.qom import QomReader
    from workbench.engine.devices.virtio_pci import Execute
    from workbench.engine.state.directory import Running

PORTS = frozenset({"pcie-root-port", "ioh3420", "xio3130-downstream"})
"""Bridges with one slot that supports hotplug (hw/pci-bridge)."""
ROOT_PCI = "/pci.0"
"""The root bus of the i440FX supports hotplug; a q35's ``pcie.0`` does not."""
SLOTS = 32
LUNS = 256
"""LUNs of one target (hw/scsi/virtio-scsi.c, VIRTIO_SCSI_MAX_LUN is 16383; Linux scans 256 without REPORT LUNS)."""
CONSOLES = 31
"""Ports of one virtio serial controller (hw/char/virtio-serial-bus.c, max_ports)."""


async def offer(running: Running, execute: Execute, qom: QomReader, buses: BusReader, kind: Kind, pid: int) -> Offer:
    """What the guest offers for another device of a kind.

    :param pid: QEMU's process.
    :raise workbench.errors.HostError: when a second QEMU cannot be queried.
    :raise workbench.errors.MonitorError: when the guest's QEMU does not reply.
    """
    live, root, there, properties = await asyncio.gather(
        qom.children(PERIPHERAL),
        buses.root(),
        read_backends(execute),
        asyncio.to_thread(properties_of, kind, f"/proc/{pid}/exe"),
    )
    taken = {child.name for child in live}
    left = {name: ", ".join(one.words for one in there.of(name, unused=False)) for name in there.namesakes() - taken}
    base = str(Path(running.facts.profile).parent) if running.facts.profile else str(running.path)
    reserved = await asyncio.to_thread(_profile_ids, running)
    used = taken | reserved | left.keys()
    found = tuple([one async for one in _free(kind, root, qom)]) or _behind_controller(
        kind, [one async for one in _free(Kind.NET, root, qom)], used
    )
    free = _next_id(STEMS[kind], used)
    return Offer(kind, free, found, properties, frozenset(taken), left, str(running.path), base, str(Path.home()))


def _next_id(stem: str, used: Collection[str]) -> str:
    return next(name for number in itertools.count() if (name := f"{stem}{number}") not in used)


def _behind_controller(kind: Kind, slots: Sequence[FreeBus], used: Collection[str]) -> tuple[FreeBus, ...]:
    """The bus of a controller that would be plugged in first, if there is a slot for it."""
    name = _next_id("scsi", used) if kind is Kind.DISK else SERIAL_ID
    if kind not in CONTROLLERS or not slots or name in used:
        return ()  # a profile has at most one serial controller
    slot = slots[0].name
    words = f"of a new {CONTROLLERS[kind]} {name} on {slot}"
    return (FreeBus(f"{name}.0", words, controller=name, slot=slot),)


async def _free(kind: Kind, root: Bus, qom: QomReader) -> AsyncIterator[FreeBus]:
    """Buses with room for another device of a kind, those of the profile first."""
    for owner, bus in _buses(root):
        if kind in (Kind.NET, Kind.RNG):
            if owner.type in PORTS and not bus.devices and not bus.error:
                yield FreeBus(bus.name, port=True)
            elif bus.path.endswith(ROOT_PCI) and (room := SLOTS - len(bus.devices)) > 0:
                yield FreeBus(bus.name, f"({room} slots)" if room > 1 else "(1 slot)")
        elif kind is Kind.DISK and bus.type == "SCSI" and bus.name.endswith(".0"):
            taken = {await qom.value(device.path, "lun") for device in bus.devices}
            lun = next((number for number in range(LUNS) if number not in taken), None)
            if lun is not None:
                yield FreeBus(bus.name, f"(LUN {lun})", lun)
        elif kind is Kind.SERIAL and bus.type == "virtio-serial-bus" and len(bus.devices) < CONSOLES:
            yield FreeBus(bus.name)


def _buses(root: Bus) -> Iterator[tuple[BusDevice, Bus]]:
    """Every bus with the device that provides it."""
    for _, one in flat(root):
        if isinstance(one, BusDevice):
            for bus in one.buses:
                yield one, bus


def _profile_ids(running: Running) -> set[str]:
    """Ids in the guest's profile, now or when it was started: a device that is kept must not collide with them."""
    ids: set[str] = set()
    path = Path(running.facts.profile)
    profiles: list[GuestProfile | None] = [started_profile(running.path)]
    if running.facts.profile and path.exists():
        profiles.append(read_profile(path, name=running.name).profile)
    for profile in profiles:
        if profile is not None:
            ids |= {name for name, _ in ids_of(profile)}
    return ids


def properties_of(kind: Kind, program: str) -> Mapping[str, Mapping[str, PropertyInfo]]:
    """Driver -> its properties by name, queried from a temporary QEMU process.

    :raise HostError: when the query fails.
    """
    questions = [("device-list-properties", {"typename": driver}) for driver in DRIVERS[kind]]
    answers = converse(program, questions)
    return {
        driver: {one.name: one for one in parse_properties(answer.get("return"))}
        for driver, answer in zip(DRIVERS[kind], answers, strict=True)
    }
