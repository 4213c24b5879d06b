"""The device tree as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.compare.drift import Kind
from workbench.domain.devices.buses import Bus, flat
from workbench.domain.devices.virtio import virtio_status_bits
from workbench.domain.devices.virtqueue import queue_name
from workbench.domain.units import size_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workbench.domain.compare.drift import Difference
    from workbench.domain.devices.qom import Child
    from workbench.domain.devices.tree import DeviceTree, PciDevice
    from workbench.domain.devices.virtio import Virtio


def pci_lines(tree: DeviceTree, depth: int | None = None) -> Iterator[str]:
    """The PCI tree: one line for a device, its BARs below it.

    :param depth: levels of buses to print, from the root bus; None: all.
    """
    for bus in tree.buses:
        yield " ".join(filter(None, (tree.machine, bus.name or f"bus {bus.number}")))
        yield from _devices(bus.devices, "", depth)


def _devices(devices: tuple[PciDevice, ...], indent: str, depth: int | None) -> Iterator[str]:
    for device in devices:
        last = device is devices[-1]
        yield f"{indent}{'└' if last else '├'} {_line(device)}".rstrip()
        below = indent + ("  " if last else "│ ")
        for detail in _function(device):
            yield f"{below}  {detail}"
        for bar in device.bars:
            place = "not mapped" if bar.address is None else f"{bar.address:#x}"
            kind = "ROM" if bar.index == 6 else f"BAR {bar.index}"
            yield f"{below}  {kind:<5}  {bar.kind:<6} {size_words(bar.size):>8}  {place}  {bar.manner}".rstrip()
        if depth is None or depth > 1:
            yield from _devices(device.children, below, None if depth is None else depth - 1)


def _function(device: PciDevice) -> Iterator[str]:
    """What is below a function besides its BARs: names of its ids, interrupt line, and the windows of a bridge."""
    names = " ".join(filter(None, (device.vendor_name, device.title)))
    subsystem = f"subsystem {device.subsystem_ids}" if device.subsystem else ""
    if known := "  ".join(filter(None, (names, subsystem, device.interrupt))):
        yield known
    if device.bridge is not None:
        yield f"buses  {device.bridge.secondary:02x} to {device.bridge.subordinate:02x}"
        for window in device.bridge.windows:
            place = f"{window.start:#x} to {window.end:#x}" if window.is_open else "closed"
            yield f"window {window.kind:<12} {place}"


def _line(device: PciDevice) -> str:
    ids = f"{device.vendor:04x}:{device.device:04x}"
    driver = str(device.driver or "")
    return f"{device.address} {device.name:<16} {ids} {driver:<12} {device.class_name:<24} {device.qdev_id}"


def bus_lines(root: Bus, depth: int | None = None) -> Iterator[str]:
    """Buses and devices like ``info qtree``, without properties.

    :param depth: levels to print; None: all.
    """
    for level, one in flat(root):
        if depth is None or level < depth:
            word, name = ("bus", one.name) if isinstance(one, Bus) else ("dev", one.id)
            type_name = f"{one.type}{f' ({one.error})' if isinstance(one, Bus) and one.error else ''}"
            shown = f"{name} ({type_name})" if word == "bus" else f"{type_name} {name}".rstrip()
            yield f"{'  ' * level}{word}: {shown}"


def drift_lines(name: str, differences: Sequence[Difference]) -> Iterator[str]:
    """Drift: extra, missing and changed devices."""
    if not differences:
        yield f"{name} matches its profile"
    width = max((len(one.name) for one in differences), default=0)
    marks = {Kind.EXTRA: "+", Kind.MISSING: "-", Kind.CHANGED: "≠"}
    for one in differences:
        what = f"{marks[one.kind]} {one.name:<{width}}  {one.kind}"
        yield "  ".join(filter(None, (what, one.type, one.words, one.place)))


def qom_lines(found: list[tuple[int, Child]]) -> Iterator[str]:
    """The composition tree: names indented, with their types."""
    yield "/"
    for depth, child in found:
        yield f"{'  ' * depth}{child.name} ({child.type})"


def virtio_lines(device: PciDevice, virtio: Virtio) -> Iterator[str]:
    """One virtio device: status, configuration, features, queues."""
    yield f"{device.address} {device.name} {device.qdev_id}".rstrip()
    bits = " ".join(virtio_status_bits(virtio.status or 0))
    yield f"  {'status':<10}  {': '.join(filter(None, (virtio.driver or 'unknown', bits)))}"
    for field in virtio.config:
        yield f"  {field.name:<10}  {f'{field.value:,} {field.unit}'.rstrip()}{f' ({field.words})' if field.words else ''}"
    for title, features in (("offered", virtio.offered), ("negotiated", virtio.negotiated)):
        if features is not None:
            yield f"  {title:<10}  {' '.join(features) or 'none'}"
    if virtio.note:
        yield f"  {'features':<10}  {virtio.note}"
    for queue in virtio.queues or ():
        name = queue_name(virtio.device_id, queue.index, len(virtio.queues or ()), virtio.offered)
        state = f"{queue.in_flight} in flight" if queue.ready else "not set up"
        indices = f"avail {queue.available} of {queue.seen}, used {queue.used}"
        yield f"  {f'queue {queue.index}':<10}  {name:<18} {queue.size:>5} descriptors  {indices}  {state}"
    if virtio.queues_note:
        yield f"  {'queues':<10}  {virtio.queues_note}"
    if virtio.vhost:
        yield f"  {'vhost':<10}  served outside QEMU, whose own indices do not move"
