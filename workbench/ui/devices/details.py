"""The details of the line under the cursor, as labels and texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from workbench.domain.compare.drift import Difference
from workbench.domain.devices.buses import Bus, BusDevice, id_in
from workbench.domain.devices.pci import Bar, Bridge
from workbench.domain.devices.qom import Child, Property
from workbench.domain.devices.search import Spot
from workbench.domain.devices.sources import source_file
from workbench.domain.devices.tree import PciBus, PciDevice
from workbench.domain.devices.type_info import Access, access
from workbench.domain.devices.virtio import Virtio, virtio_status_bits
from workbench.domain.devices.virtio_config import ConfigField
from workbench.domain.devices.virtqueue import Queue
from workbench.ui.devices.views.node import brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workbench.ui.devices.row import Row, Shown


class Background(Struct, frozen=True):
    """Sources of the details other than the lines."""

    profile_lines: Mapping[str, str] = field(default_factory=dict)
    """qdev id -> ``demo.toml:14``, the profile line that created the device."""
    version: str = ""
    """QEMU's version: files move in its source tree."""
    read_only: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Type and property -> QEMU's error when it refused to set it."""


def details(row: Row, shown: Shown, back: Background) -> Iterator[tuple[str, str]]:
    """Label and text for the detail area."""
    what = row.source
    if isinstance(what, Property):
        yield from _property(what, row, shown, back)
    elif isinstance(what, Bar):
        yield "BAR", f"{row.value}, {what.size:,} bytes, {' '.join(filter(None, (what.manner, what.kind)))}"
    elif isinstance(what, ConfigField):
        yield "config", f"{what.name}: {what.value:,} {what.unit}".rstrip() + (f", {what.words}" if what.words else "")
    elif isinstance(what, Virtio) and what.note:
        yield "features", what.note
    elif isinstance(what, Virtio) and what.vhost:
        yield "vhost", "served outside QEMU, whose own indices do not move"
    elif isinstance(what, Difference):
        yield "drift", f"{what.name} {what.kind}: {what.words}"
        yield "profile", what.place or "not in the profile"
    elif isinstance(what, PciBus):
        yield "bus", f"{what.name or 'bus'} (number {what.number:02x}) of {row.value}"
    elif isinstance(what, Bus):
        yield "bus", f"{what.name} ({what.type})"
    elif isinstance(what, Spot):
        yield "found", f"{what.title}: {brief(what.value)}"
    elif not isinstance(what, PciDevice | BusDevice | Child | Bridge) and row.value:
        label = "queue" if isinstance(what, Queue) else "feature" if "#feature:" in row.key else "line"
        yield label, f"{row.text.strip()}: {row.value}{f', {row.hint}' if row.hint else ''}"
    yield from _object(row, shown, back)


def _property(one: Property, row: Row, shown: Shown, back: Background) -> Iterator[tuple[str, str]]:
    node = shown.nodes.get(row.path)
    info = shown.types.get(node.type) if node is not None else None
    known = info.properties.get(one.name) if info is not None else None
    yield "name", f"{one.name} ({one.type})"
    yield "value", one.error or brief(one.value) or "empty"
    if info is not None and (changed := info.changed_default(one)) is not None:
        yield "default", brief(changed.default) or "empty"
    if known is not None and known.description:
        yield "about", known.description
    if node is not None:
        refused = back.read_only.get((node.type, one.name))
        kind, why = (Access.READ_ONLY, refused) if refused else access(node, one, info)
        yield "set", f"{kind}{f': {why}' if why else ''}" if kind is not Access.SETTABLE else "press enter to change it"


def _object(row: Row, shown: Shown, back: Background) -> Iterator[tuple[str, str]]:
    """The object that the line belongs to."""
    pci = _pci(row, shown)
    type_name = type_of(row, shown)
    name = pci.qdev_id if pci is not None and pci.path == row.path else _id(row.path)
    if (name or id_in(row.path)) in shown.pending:
        yield "unplug", f"{shown.pending[name or id_in(row.path)]}: the guest has not released it yet"
    for one in shown.differences:
        if row.path and one.path == row.path:
            yield "drift", f"{one.kind}: {one.words}{f' ({one.place})' if one.place else ''}"
    if type_name:
        yield "type", type_name
    if row.path or pci is not None:
        yield "QOM", row.path or "unknown"
    if type_name:
        yield "source", source_file(type_name, back.version) or "unknown"
        if (info := shown.types.get(type_name)) is not None:
            yield "parents", "unknown" if info.parents is None else ", ".join(info.parents)
    if name and name in back.profile_lines:
        yield "profile", back.profile_lines[name]
    if pci is not None:
        yield from _function(pci)


def _function(device: PciDevice) -> Iterator[tuple[str, str]]:
    if device.driver is not None:
        bits = ", ".join(virtio_status_bits(device.status or 0))
        yield "driver", f"{device.driver}{f': {bits}' if bits else ''}"
    names = ", ".join(filter(None, (device.vendor_name, device.title or device.name)))
    subsystem = f" · subsystem {device.subsystem_ids}" if device.subsystem else ""
    yield "ids", f"{device.vendor:04x}:{device.device:04x} {names}{subsystem}"
    irq = f" · {device.interrupt}" if device.interrupt else ""
    yield "PCI", f"{device.address} · class {device.class_code:04x} {device.class_name}{irq}"
    if device.bridge is not None:
        windows = ", ".join(f"{w.kind} {w.start:#x}…{w.end:#x}" for w in device.bridge.windows if w.is_open)
        buses = f"{device.bridge.secondary:02x} to {device.bridge.subordinate:02x}"
        yield "behind", f"buses {buses}; {windows or 'no open window'}"


def _pci(row: Row, shown: Shown) -> PciDevice | None:
    """The PCI function that the line belongs to; None if there is none."""
    if isinstance(row.source, PciDevice):
        return row.source
    return shown.tree.device(row.path) if shown.tree is not None and row.path else None


def type_of(row: Row, shown: Shown) -> str:
    """The QOM type of the object that a line belongs to; empty when unknown."""
    pci = _pci(row, shown)
    if isinstance(row.source, BusDevice | Child | Bus):
        return row.source.type
    node = shown.nodes.get(row.path)
    return (node.type if node is not None else "") or (pci.type if pci is not None else "")


def _id(path: str) -> str:
    above, _, name = path.rpartition("/")
    return name if above == "/machine/peripheral" else ""
