"""QEMU's qdev buses as a tree, like ``info qtree``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = "/machine/unattached/sysbus"
"""QOM path of the main system bus (hw/core/sysbus.c, ``main_system_bus_create()``)."""


class Bus(Struct, frozen=True):
    """A bus and the devices on it."""

    name: str
    """Such as ``pcie.0``; what ``device_add bus=`` takes."""
    type: str
    path: str
    devices: tuple[BusDevice, ...] = ()
    """In order of creation."""
    error: str = ""
    """Why its devices could not be read; empty when they could."""


class BusDevice(Struct, frozen=True):
    """A device on a bus, with the buses that it provides."""

    type: str
    path: str
    buses: tuple[Bus, ...] = ()

    @property
    def id(self) -> str:
        """The id it was created with; empty for devices of the board."""
        return qdev_id(self.path)


def qdev_id(path: str) -> str:
    """The id of the device at a QOM path; only devices with an id are below ``peripheral``."""
    above, _, name = path.rpartition("/")
    return name if above == "/machine/peripheral" else ""


def id_in(path: str) -> str:
    """The id of the device that is or contains a QOM path; empty when it has none."""
    return path.removeprefix(above).partition("/")[0] if path.startswith(above := "/machine/peripheral/") else ""


def bus_name(path: str) -> str:
    """The name of the bus at a QOM path. The main system bus is ``sysbus`` in QOM, but ``main-system-bus`` elsewhere."""
    return "main-system-bus" if path == ROOT else path.rpartition("/")[2]


def flat(bus: Bus, depth: int = 0) -> Iterator[tuple[int, Bus | BusDevice]]:
    """Buses and devices in depth-first order, each with its depth."""
    yield depth, bus
    for device in bus.devices:
        yield depth + 1, device
        for below in device.buses:
            yield from flat(below, depth + 2)


def sits_on(root: Bus, path: str) -> list[str]:
    """The device that is or contains a QOM path, then the buses and devices above it, nearest first.

    Empty when it is not on any bus.
    """
    chain: list[str] = []
    found: list[str] = []
    for depth, one in flat(root):
        chain[depth:] = [one.path]
        if (path == one.path or path.startswith(f"{one.path}/")) and (not found or len(one.path) > len(found[-1])):
            found = list(chain)
    return found[::-1]
