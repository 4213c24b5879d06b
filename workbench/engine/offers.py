"""What a running guest has for one more device: a free id, buses with room, and the properties of its type.

Properties are asked of a second QEMU of the same program that is started for the question and ended after it:
``device-list-properties`` for a type that a guest does not have may load a module into it, or end it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.buses import Bus, BusDevice, flat
from workbench.domain.hotplug import PERIPHERAL, Kind
from workbench.domain.plugging import DRIVERS, STEMS, FreeBus, Offer
from workbench.engine.build import converse
from workbench.engine.profiles import read_profile, started_profile
from workbench.engine.types import parse_properties

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from workbench.domain.profile import GuestProfile
    from workbench.domain.type_info import PropertyInfo
    from workbench.engine.buses import BusReader
    from workbench.engine.qom import QomReader
    from workbench.engine.state import Running

PORTS = frozenset({"pcie-root-port", "ioh3420", "xio3130-downstream"})
"""Bridges whose one slot takes a device while the guest runs (hw/pci-bridge)."""
ROOT_PCI = "/pci.0"
"""The i440FX's root bus takes devices at any time; a q35's ``pcie.0`` never does."""
SLOTS = 32
LUNS = 256
"""Of one target (hw/scsi/virtio-scsi.c, VIRTIO_SCSI_MAX_LUN is 16383; Linux asks for 256 without REPORT LUNS)."""
CONSOLES = 31
"""Ports of one virtio serial controller (hw/char/virtio-serial-bus.c, max_ports)."""


async def offer(running: Running, qom: QomReader, buses: BusReader, kind: Kind, pid: int) -> Offer:
    """What the guest has for one more device of a kind.

    :param pid: QEMU's process.
    :raise workbench.errors.HostError: when a second QEMU cannot be asked.
    :raise workbench.errors.MonitorError: when the guest's does not answer.
    """
    live, root, properties = await asyncio.gather(
        qom.children(PERIPHERAL), buses.root(), asyncio.to_thread(properties_of, kind, f"/proc/{pid}/exe")
    )
    taken = {child.name for child in live}
    base = str(Path(running.facts.profile).parent) if running.facts.profile else str(running.path)
    reserved = await asyncio.to_thread(_profile_ids, running)
    free = next(name for number in range(10_000) if (name := f"{STEMS[kind]}{number}") not in taken | reserved)
    found = tuple([one async for one in _free(kind, root, qom)])
    return Offer(kind, free, found, properties, frozenset(taken), str(running.path), base, str(Path.home()))


async def _free(kind: Kind, root: Bus, qom: QomReader) -> AsyncIterator[FreeBus]:
    """Buses that one more device of a kind fits on, those of the profile first."""
    for owner, bus in _buses(root):
        if kind in (Kind.NET, Kind.RNG):
            if owner.type in PORTS and not bus.devices and not bus.error:
                yield FreeBus(bus.name)
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
    """Every bus with the device that brings it."""
    for _, one in flat(root):
        if isinstance(one, BusDevice):
            for bus in one.buses:
                yield one, bus


def _profile_ids(running: Running) -> set[str]:
    """Ids that the guest's profile uses, now or at the start: one that is kept must not meet them."""
    ids: set[str] = set()
    path = Path(running.facts.profile)
    profiles: list[GuestProfile | None] = [started_profile(running.path)]
    if running.facts.profile and path.exists():
        profiles.append(read_profile(path, name=running.name).profile)
    for profile in profiles:
        if profile is not None:
            ids |= {name for name, _ in profile.ids()}
    return ids


def properties_of(kind: Kind, program: str) -> Mapping[str, Mapping[str, PropertyInfo]]:
    """Driver -> its properties by name, of a QEMU that is started for the question.

    :raise HostError: when that cannot be done.
    """
    questions = [("device-list-properties", {"typename": driver}) for driver in DRIVERS[kind]]
    answers = converse(program, questions)
    return {
        driver: {one.name: one for one in parse_properties(answer.get("return"))}
        for driver, answer in zip(DRIVERS[kind], answers, strict=True)
    }
