"""The ids of a profile's devices in QEMU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.profile.board import root_ports
from workbench.domain.profile.devices.balloon import BALLOON_ID
from workbench.domain.profile.devices.display import DISPLAY_ID
from workbench.domain.profile.devices.serial import SERIAL_ID
from workbench.domain.profile.memory import VIRTIO_MEM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.profile.devices.part import Path
    from workbench.domain.profile.devices.scsi import Scsi
    from workbench.domain.profile.guest import GuestProfile

PORT_ID = "pcie-port"
"""The prefix of the root ports' ids; a number follows."""


def with_ids(profile: GuestProfile) -> GuestProfile:
    """The profile with an id for each device that has none."""
    return replace(
        profile,
        net=tuple(replace(net, id=net.id or f"net{i}") for i, net in enumerate(profile.net)),
        serial=tuple(replace(port, id=port.id or f"port{i}") for i, port in enumerate(profile.serial)),
        rng=tuple(replace(rng, id=rng.id or f"rng{i}") for i, rng in enumerate(profile.rng)),
        scsi=tuple(_with_disk_ids(profile.scsi)),
    )


def _with_disk_ids(controllers: tuple[Scsi, ...]) -> Iterator[Scsi]:
    """The controllers with ids; disks are numbered across all of them."""
    count = 0
    for index, scsi in enumerate(controllers):
        disks = tuple(replace(disk, id=disk.id or f"disk{i}") for i, disk in enumerate(scsi.disk, count))
        count += len(disks)
        yield replace(scsi, id=scsi.id or f"scsi{index}", disk=disks)


def ids_of(profile: GuestProfile) -> Iterator[tuple[str, Path]]:
    """Every device's id in QEMU and its path in the profile."""
    if profile.balloon is not None:
        yield BALLOON_ID, ("balloon",)
    if profile.serial:
        yield SERIAL_ID, ("serial",)
    if profile.display is not None:
        yield DISPLAY_ID, ("display",)
    if profile.memory.virtio_mem is not None:
        yield VIRTIO_MEM, ("memory", "virtio-mem")
    for number in range(root_ports(profile)):
        yield f"{PORT_ID}{number}", ("root-ports",)
    for index, net in enumerate(profile.net):
        yield str(net.id), ("net", index, "id")
    for index, scsi in enumerate(profile.scsi):
        yield str(scsi.id), ("scsi", index, "id")
        for number, disk in enumerate(scsi.disk):
            yield str(disk.id), ("scsi", index, "disk", number, "id")
    for index, port in enumerate(profile.serial):
        yield str(port.id), ("serial", index, "id")
    for index, rng in enumerate(profile.rng):
        yield str(rng.id), ("rng", index, "id")
