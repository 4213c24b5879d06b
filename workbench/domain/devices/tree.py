"""A snapshot of a guest's device tree: PCI from ``query-pci``, joined with QOM paths and virtio status."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from msgspec import Struct
from msgspec.structs import replace

from workbench.domain.devices.pci import (
    VENDORS,
    Bar,
    Bridge,
    PciAddress,
    Window,
    class_name,
    device_name,
    virtio_device_id,
)
from workbench.domain.devices.qom import Child, Node, Property
from workbench.domain.devices.virtio import DriverState, virtio_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from workbench.domain.devices.virtio_config import ConfigField

__all__ = [
    "Child",
    "DeviceTree",
    "Node",
    "PciBus",
    "PciDevice",
    "Place",
    "Property",
    "Registers",
    "build_tree",
    "locate",
]


_SUBSYSTEM = {"subsystem-vendor", "subsystem"}
"""Members of a function's ids that are missing for a bridge."""


class PciDevice(Struct, frozen=True):
    """One PCI function."""

    address: PciAddress
    vendor: int
    device: int
    class_code: int
    """Base class and subclass, 16 bits."""
    class_name: str
    name: str
    """What it is: ``virtio-balloon``, ``AHCI``."""
    qdev_id: str = ""
    """The id it was created with; empty for devices of the board."""
    path: str = ""
    """Its QOM path; empty when unknown."""
    type: str = ""
    """Its QOM type, such as ``virtio-balloon-pci``; empty when unknown."""
    irq: int | None = None
    """Its legacy interrupt line; None when it has none."""
    pin: str = ""
    """The interrupt pin, ``A`` to ``D``; empty when it has none."""
    subsystem: tuple[int, int] | None = None
    """Subsystem vendor and device; None when it has none."""
    bars: tuple[Bar, ...] = ()
    status: int | None = None
    """The virtio device status byte; None when it is not a virtio device or cannot be read."""
    config: tuple[ConfigField, ...] = ()
    """Fields of the device's configuration space, if they change: only the balloon's."""
    driver: DriverState | None = None
    """Progress of the guest's driver; None when it is not a virtio device."""
    bridge: Bridge | None = None
    children: tuple[PciDevice, ...] = ()
    """Devices behind the bridge."""
    vendor_name: str = ""
    """Name of the vendor, such as ``Red Hat (virtio)``; empty when unknown."""
    title: str = ""
    """Name in the host's pci.ids, such as ``Virtio 1.0 memory balloon``; empty when unknown."""

    @property
    def key(self) -> str:
        """Identifies the device across refreshes: the QOM path, which survives a reset, otherwise the PCI address."""
        return self.path or f"pci:{self.address}"

    @property
    def virtio_id(self) -> int | None:
        """The virtio device id (5 is a balloon); None for other devices."""
        return virtio_device_id(self.vendor, self.device)

    @property
    def interrupt(self) -> str:
        """Its legacy interrupt in words: ``IRQ 10, pin A``; empty when it has none."""
        return "" if self.irq is None else f"IRQ {self.irq}" + (f", pin {self.pin}" if self.pin else "")

    @property
    def subsystem_ids(self) -> str:
        """``1af4:0001``; empty when it has none."""
        return "{:04x}:{:04x}".format(*self.subsystem) if self.subsystem else ""

    def with_registers(self, read: Registers) -> PciDevice:
        return replace(self, status=read.status, config=read.config, driver=_driver(self, read.status))


class PciBus(Struct, frozen=True):
    """A root bus."""

    number: int
    name: str = ""
    """Its name in QEMU, such as ``pcie.0``; empty when unknown."""
    devices: tuple[PciDevice, ...] = ()


class DeviceTree(Struct, frozen=True):
    machine: str
    """The machine type, such as ``pc-q35-7.2``; empty when it could not be read."""
    buses: tuple[PciBus, ...] = ()

    def __iter__(self) -> Iterator[PciDevice]:
        """Every device, those behind a bridge after the bridge."""
        for bus in self.buses:
            yield from _flat(bus.devices)

    def with_registers(self, registers: Mapping[PciAddress, Registers]) -> DeviceTree:
        """The same tree with the driver states from the registers of virtio devices."""
        return self._each(lambda device: device.with_registers(registers.get(device.address, Registers())))

    def with_later(self, key: str, later: Registers) -> DeviceTree:
        """The same tree with new registers for the device with this key."""
        return self._each(lambda device: device.with_registers(later) if device.key == key else device)

    def with_names(self, names: Mapping[tuple[int, int], tuple[str, str]]) -> DeviceTree:
        """The same tree with names from a list of PCI ids; vendors missing there keep their name in :data:`VENDORS`."""

        def named(device: PciDevice) -> PciDevice:
            vendor, title = names.get((device.vendor, device.device), ("", ""))
            return replace(device, vendor_name=vendor or device.vendor_name, title=title)

        return self._each(named)

    def _each(self, change: Callable[[PciDevice], PciDevice]) -> DeviceTree:
        return replace(self, buses=tuple(replace(bus, devices=_changed(bus.devices, change)) for bus in self.buses))

    def device(self, key: str) -> PciDevice | None:
        """The device with a given key, QOM path, qdev id or PCI address; None when there is none."""
        wanted = (key, key.removeprefix("0000:"))
        for device in self:
            if device.key == key or str(device.address) in wanted or (device.qdev_id and device.qdev_id == key):
                return device
        return None


class Registers(Struct, frozen=True):
    """Registers read from one virtio device."""

    status: int | None = None
    """The device status byte; None when it could not be read."""
    config: tuple[ConfigField, ...] = ()


class Place(Struct, frozen=True):
    """Where a PCI device is in QOM: relates a QOM path to a slot."""

    path: str
    type: str
    devfn: int = -1
    """Slot and function (the property ``addr``); -1 when not read."""
    bus_path: str = ""
    """QOM path of its ``parent_bus``; empty when not read."""


def build_tree(
    pci: object,
    *,
    machine: str = "",
    places: Iterable[Place] = (),
) -> DeviceTree:
    """Build the tree from QEMU's replies.

    :param pci: the reply to ``query-pci``.
    :param machine: the property ``type`` of ``/machine``.
    :param places: every QOM object that may be one of the devices.
    """
    reply = [bus for bus in pci if isinstance(bus, dict)] if isinstance(pci, list) else []
    buses = [(_int(bus.get("bus")), tuple(_devices(bus.get("devices")))) for bus in reply]
    buses.sort(key=lambda bus: bus[0])  # QEMU lists those of expanders first
    found = locate(buses, places)
    joined = (PciBus(number, _bus_name(devices, found), _join(devices, found)) for number, devices in buses)
    return DeviceTree(machine.removesuffix("-machine"), tuple(joined))


def locate(buses: Iterable[tuple[int, Sequence[PciDevice]]], places: Iterable[Place]) -> dict[PciAddress, Place]:
    """Match slots to QOM paths: by id, or by ``addr`` on a parent bus whose number is known.

    Ambiguous matches are left out.
    """
    places = tuple(places)
    by_path = {place.path: place for place in places}
    found: dict[PciAddress, Place] = {}
    for number, devices in buses:
        behind: dict[str, int] = {}  # QOM path of a bridge -> number of the bus behind it
        for device in _flat(devices):
            place = by_path.get(f"/machine/peripheral/{device.qdev_id}") if device.qdev_id else None
            if place is None:
                matches = [
                    other
                    for other in places
                    if other.devfn == device.address.devfn and _bus_number(other, behind, number) == device.address.bus
                ]
                place = matches[0] if len(matches) == 1 else None
            if place is not None:
                found[device.address] = place
                if device.bridge is not None and device.bridge.secondary:  # 0 until the firmware has numbered it
                    behind[place.path] = device.bridge.secondary
    return found


def _bus_number(place: Place, behind: Mapping[str, int], root: int) -> int | None:
    """The number of the bus that an object is on; None when unknown.

    A bus object is a child of its bridge, or of its host bridge (``/machine/q35/pcie.0``). With several root buses, only
    the first is recognised.
    """
    owner = place.bus_path.rpartition("/")[0]
    if owner in behind:
        return behind[owner]
    is_host_bridge = owner.count("/") == 2
    return 0 if is_host_bridge and root == 0 else None


def _join(devices: Iterable[PciDevice], places: Mapping[PciAddress, Place]) -> tuple[PciDevice, ...]:
    def join(device: PciDevice) -> PciDevice:
        place = places.get(device.address)
        return replace(device, path=place.path, type=place.type) if place else device

    return _changed(devices, join)


def _changed(devices: Iterable[PciDevice], change: Callable[[PciDevice], PciDevice]) -> tuple[PciDevice, ...]:
    """Apply a change to each device and those behind it."""
    return tuple(replace(change(device), children=_changed(device.children, change)) for device in devices)


def _driver(device: PciDevice, status: int | None) -> DriverState | None:
    if device.virtio_id is None:
        return None
    if status is not None:
        return virtio_status(status)
    registers = [bar for bar in device.bars if bar.index == 4 and bar.kind == "memory" and bar.size >= 0x4000]
    return DriverState.UNMAPPED if registers and registers[0].address is None else DriverState.UNKNOWN


def _bus_name(devices: Iterable[PciDevice], found: Mapping[PciAddress, Place]) -> str:
    paths = (found[device.address].bus_path for device in devices if device.address in found)
    return next((path.rpartition("/")[2] for path in paths if path), "")


def _flat(devices: Iterable[PciDevice]) -> Iterator[PciDevice]:
    for device in devices:
        yield device
        yield from _flat(device.children)


def _devices(reply: object) -> Iterator[PciDevice]:
    """The devices of one bus in ``query-pci``, ordered by address."""
    found = [_device(entry) for entry in reply if isinstance(entry, dict)] if isinstance(reply, list) else []
    yield from sorted(found, key=lambda device: device.address)


def _device(entry: Mapping[str, object]) -> PciDevice:
    ids = _mapping(entry.get("id"))
    info = _mapping(entry.get("class_info"))
    vendor, device, code = _int(ids.get("vendor")), _int(ids.get("device")), _int(info.get("class"))
    name = class_name(code, info.get("desc"))
    irq = entry.get("irq")
    return PciDevice(
        PciAddress(_int(entry.get("bus")), _int(entry.get("slot")), _int(entry.get("function"))),
        vendor,
        device,
        code,
        name,
        device_name(vendor, device, name),
        qdev_id=str(entry.get("qdev_id") or ""),
        irq=irq if isinstance(irq, int) else None,
        pin="ABCD"[pin - 1] if 1 <= (pin := _int(entry.get("irq_pin"))) <= 4 else "",
        subsystem=(_int(ids["subsystem-vendor"]), _int(ids["subsystem"])) if ids.keys() >= _SUBSYSTEM else None,
        vendor_name=VENDORS.get(vendor, ""),
        bars=_bars(entry.get("regions")),
        bridge=_bridge(entry.get("pci_bridge")),
        children=tuple(_devices(_mapping(entry.get("pci_bridge")).get("devices"))),
    )


def _bars(reply: object) -> tuple[Bar, ...]:
    regions = [_mapping(region) for region in reply] if isinstance(reply, list) else []
    return tuple(
        Bar(
            _int(region.get("bar")),
            str(region.get("type", "")),
            _int(region.get("size")),
            address if 0 < (address := _int(region.get("address"))) < 2**64 - 1 else None,
            prefetchable=region.get("prefetch") is True,
            wide=region.get("mem_type_64") is True,
        )
        for region in regions
    )


def _bridge(reply: object) -> Bridge | None:
    if not isinstance(reply, dict):
        return None
    bus = _mapping(reply.get("bus"))
    ranges = (("io", "io_range"), ("memory", "memory_range"), ("prefetchable", "prefetchable_range"))
    windows = tuple(
        Window(kind, _int(_mapping(bus[key]).get("base")), _int(_mapping(bus[key]).get("limit")))
        for kind, key in ranges
        if key in bus
    )
    return Bridge(_int(bus.get("secondary")), _int(bus.get("subordinate")), windows)


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
