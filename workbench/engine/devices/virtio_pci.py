"""Read a virtio-pci device's registers from outside the guest with HMP ``xp`` and ``i``, without side effects.

The registers of a virtio 1.x device are in BAR 4 (hw/virtio/virtio-pci.c, ``virtio_pci_device_plugged()``)::

    BAR 4 + 0x0000  common configuration   device_status at 0x14 (virtio 1.2, 4.1.4.3)
    BAR 4 + 0x1000  ISR                    cleared by reading: the guest would lose an interrupt
    BAR 4 + 0x2000  device configuration   the balloon's num_pages and actual
    BAR 4 + 0x3000  notify

A transitional device also has the registers of virtio 0.9 in the I/O ports of BAR 0 (``virtio_ioport_read()``): offered
features at 0, negotiated ones at 4, and the ISR at 0x13.

The functions therefore take a :class:`ModernBar` instead of an address, and each reads one register that is safe to read.
No select register is written, so only the half of the features that the guest selected last is visible.

The guest may move or unmap a BAR at any time: get a new one from ``query-pci`` after RESET and DEVICE_DELETED, and from
time to time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, cast

from msgspec import Struct

from workbench.domain.devices.pci import PciAddress, virtio_device_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BALLOON = 5
"""The virtio device id of a memory balloon (virtio 1.2, section 5)."""

_BAR = 4
_BAR_SIZE_MIN = 0x4000
"""Four regions of 4 KiB. virtio-vga's BAR 4 is smaller and holds MSI-X (hw/display/virtio-vga.c)."""
_QUEUE_COUNT = 0x12
_STATUS = 0x14
_CONFIG = 0x2000
_CONFIG_WORDS_MAX = 0x1000 // 4

_TRANSITIONAL = 0x1040
"""PCI device ids from here on have no legacy registers (virtio 1.2, 4.1.2)."""
_PORT = re.compile(r"^port[bwl]\[0x[0-9a-fA-F]+\] = (0x[0-9a-fA-F]+)\s*$")
_DUMP = re.compile(r"^[0-9a-fA-F]+:((?:\s+0x[0-9a-fA-F]+)+)\s*$")


class Execute(Protocol):
    """Run one QMP command: :meth:`workbench.engine.qmp.monitor.Monitor.execute`, with or without its origin bound."""

    async def __call__(self, command: str, arguments: Mapping[str, object] | None = None) -> object: ...


class ModernBar(Struct, frozen=True):
    """The mapped BAR 4 of one virtio device, as last reported by ``query-pci``."""

    address: int
    """Guest physical address."""
    bus: int
    slot: int
    function: int
    qdev_id: str
    ports: int | None = None
    """I/O address of a transitional device's legacy registers; None without them, or while they are not mapped."""

    @property
    def pci_address(self) -> PciAddress:
        return PciAddress(self.bus, self.slot, self.function)


def virtio_bars(pci: object) -> tuple[ModernBar, ...]:
    """Every mapped virtio register BAR in a reply to ``query-pci``, including those behind bridges."""
    return tuple(bar for device in pci_devices(pci) if (bar := modern_bar(device)) is not None)


def balloon_bar(pci: object) -> ModernBar | None:
    """The balloon's register BAR; None without a balloon, or while it is not mapped.

    A machine has at most one balloon (QEMU: system/balloon.c, ``qemu_add_balloon_handler()``).
    """
    for device in pci_devices(pci):
        if _virtio_id(device) == BALLOON:
            return modern_bar(device)
    return None


def balloon_unmapped(pci: object) -> bool:
    """Whether the balloon's register BAR is not mapped, so that no driver can be using it."""
    addresses = (_register_address(device) for device in pci_devices(pci) if _virtio_id(device) == BALLOON)
    return any(address is not None and not is_mapped(address) for address in addresses)


def modern_bar(device: Mapping[str, object]) -> ModernBar | None:
    """The register BAR of one device in ``query-pci``; None when it is not a modern virtio device or not mapped."""
    address = _register_address(device) if _virtio_id(device) is not None else None
    if address is None or not is_mapped(address):
        return None
    bus, slot, function = (cast("int", device.get(key, 0)) for key in ("bus", "slot", "function"))
    return ModernBar(address, bus, slot, function, str(device.get("qdev_id") or ""), _ports(device))


def is_mapped(address: int) -> bool:
    """Whether the BAR is in the guest's memory map.

    QEMU reports PCI_BAR_UNMAPPED (all ones) while the BAR is unset or memory decoding is off (hw/pci/pci.c,
    ``pci_bar_address()``); in JSON this is -1 or 2**64 - 1. A virtio BAR is never at address 0.
    """
    return 0 < address < 2**64 - 1


def pci_devices(pci: object) -> Iterator[Mapping[str, object]]:
    """Every device in a reply to ``query-pci``, those behind a bridge after the bridge."""
    for bus in pci if isinstance(pci, list) else ():
        yield from _walk(cast("Mapping[str, object]", bus).get("devices"))


async def read_status(execute: Execute, bar: ModernBar) -> int | None:
    """The device status byte; None when it cannot be read."""
    values = await _dump(execute, "b", bar.address + _STATUS, 1)
    return values[0] if values else None


async def read_config(execute: Execute, bar: ModernBar, words: int) -> tuple[int, ...] | None:
    """The first 32-bit words of the device configuration; None when they cannot be read.

    For the balloon: ``num_pages``, then ``actual``, in 4 KiB pages.
    """
    if not 0 < words <= _CONFIG_WORDS_MAX:
        raise ValueError(f"can read 1 to {_CONFIG_WORDS_MAX} words, not {words}")
    return await _dump(execute, "w", bar.address + _CONFIG, words)


async def read_selected(execute: Execute, bar: ModernBar) -> tuple[int, ...] | None:
    """Which half of the offered features the guest selected last and that half, then the same for negotiated features.

    The four words are read atomically: no virtual CPU can access a register in between.
    """
    return await _dump(execute, "w", bar.address, 4)


async def read_queue_count(execute: Execute, bar: ModernBar) -> int | None:
    """The number of queues (``num_queues``); None when it cannot be read."""
    values = await _dump(execute, "h", bar.address + _QUEUE_COUNT, 1)
    return values[0] if values else None


async def read_ports(execute: Execute, bar: ModernBar) -> tuple[int, int] | None:
    """Bits 0 to 31 of the offered and of the negotiated features; None without legacy registers."""
    if bar.ports is None:
        return None
    found = []
    for offset in (0, 4):
        text = await execute("human-monitor-command", {"command-line": f"i /1wx {bar.ports + offset:#x}"})
        match = _PORT.match(str(text).strip())
        if match is None:
            return None
        found.append(int(match[1], 16))
    return found[0], found[1]


def parse_dump(text: str) -> tuple[int, ...]:
    """The values in a hexadecimal dump by ``x`` or ``xp``; empty when QEMU could not read all of them.

    Addresses have 16 digits up to QEMU 10 and as many as needed in 11 (monitor/hmp-cmds.c, ``memory_dump()``).
    """
    values: list[int] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        match = _DUMP.match(line.strip())
        if match is None:
            return ()
        values.extend(int(word, 16) for word in match[1].split())
    return tuple(values)


def _register_address(device: Mapping[str, object]) -> int | None:
    """The address of BAR 4 in ``query-pci``, mapped or not; None when it does not hold virtio registers."""
    for region in cast("Sequence[Mapping[str, object]]", device.get("regions") or ()):
        if region.get("bar") == _BAR and region.get("type") == "memory":
            size, address = region.get("size"), region.get("address")
            if isinstance(size, int) and isinstance(address, int) and size >= _BAR_SIZE_MIN:
                return address
    return None


def _ports(device: Mapping[str, object]) -> int | None:
    """The I/O address of BAR 0 of a transitional device, if it is mapped."""
    ids = cast("Mapping[str, int]", device.get("id"))
    for region in cast("Sequence[Mapping[str, object]]", device.get("regions") or ()):
        address = region.get("address")
        if (region.get("bar"), region.get("type")) == (0, "io") and ids["device"] < _TRANSITIONAL:
            return address if isinstance(address, int) and is_mapped(address) else None
    return None


async def _dump(execute: Execute, unit: str, address: int, count: int) -> tuple[int, ...] | None:
    line = f"xp /{count}{unit}x {address:#x}"
    text = await execute("human-monitor-command", {"command-line": line})
    values = parse_dump(str(text))
    return values if len(values) == count else None


def _walk(devices: object) -> Iterator[Mapping[str, object]]:
    for device in devices if isinstance(devices, list) else ():
        yield device
        bridge = device.get("pci_bridge")
        if isinstance(bridge, dict):
            yield from _walk(bridge.get("devices"))


def _virtio_id(device: Mapping[str, object]) -> int | None:
    ids = device.get("id")
    if not isinstance(ids, dict):
        return None
    vendor, device_id = ids.get("vendor"), ids.get("device")
    return virtio_device_id(vendor, device_id) if isinstance(vendor, int) and isinstance(device_id, int) else None
