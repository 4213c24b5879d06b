"""The device tree as lines: what stands in each, as a function of the tree, the nodes read, and what is opened.

Nothing of Textual here. A line is named by a key that stays the same across refreshes, so cursor and openings stay put
when devices come and go.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from workbench.domain.tree import PciDevice
from workbench.domain.virtio import DriverState, virtio_status_bits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from workbench.domain.qom import Child, Node, Property
    from workbench.domain.tree import DeviceTree

STATE_TONES = {
    DriverState.OK: "ok",
    DriverState.FAILED: "error",
    DriverState.NEEDS_RESET: "error",
    DriverState.NO_DRIVER: "warning",
    DriverState.UNKNOWN: "muted",
    DriverState.UNMAPPED: "muted",
}
"""Driver state -> tone of its word; the steps between are ``warning``."""
SHORT_STATES = {
    DriverState.NO_DRIVER: "none",
    DriverState.ACKNOWLEDGED: "ack",
    DriverState.FEATURES_OK: "feat",
    DriverState.NEEDS_RESET: "reset",
    DriverState.UNMAPPED: "unset",
    DriverState.UNKNOWN: "?",
}
"""For a pane too narrow for the words; the detail area says them."""

_CONTROL = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
_CONTROL |= dict.fromkeys((0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD)


def clean(text: str) -> str:
    """Text of a guest or of QEMU with its control and direction characters made visible: it cannot move our cursor."""
    return text.translate(_CONTROL)


@dataclass(frozen=True, slots=True)
class Row:
    """One line."""

    key: str
    """Names this line across refreshes."""
    guide: str
    """The tree's lines to the left of the text."""
    text: str
    value: str = ""
    """Stands at the right edge."""
    short_value: str = ""
    """The same where there is no room for it; empty = cut the value."""
    note: str = ""
    """Muted, after the text, where there is room: a device's id."""
    tone: str = ""
    """How the value is coloured: ``ok``, ``warning``, ``error``, ``muted`` or plain."""
    muted: bool = False
    """Whether the text is secondary too."""
    expandable: bool = False
    expanded: bool = False
    path: str = ""
    """QOM path to read when it is opened; empty when there is none."""
    parent: str = ""
    """Key of the line above it in the tree; empty for a root."""
    source: object = field(default=None, compare=False)
    """What the line shows: PciDevice, Property, Child, Bar …"""
    owner: PciDevice | None = field(default=None, compare=False)
    """The device that the line belongs to; None for a bus."""


@dataclass(slots=True)
class _Item:
    """A line before its guides are known."""

    row: Row
    below: list[_Item] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Opened:
    """What the lines are made of, beyond the tree itself."""

    expanded: Collection[str]
    """Keys of the lines that are open."""
    nodes: Mapping[str, Node]
    """What was read, by QOM path."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """QOM path -> why it could not be read."""


def rows(tree: DeviceTree, opened: Opened) -> list[Row]:
    """Every line that is to be seen, from the top."""
    items = []
    for bus in tree.buses:
        name = bus.name or f"bus {bus.number}"
        key = f"bus:{bus.number}"
        below = [_device(device, opened, key) for device in bus.devices]
        items.append(_Item(Row(key, "", name, note="", value=tree.machine, tone="muted", source=bus), below))
    lines: list[Row] = []
    for item in items:
        lines.append(item.row)
        lines.extend(_flatten(item.below, ""))
    return lines


def _flatten(items: list[_Item], indent: str, owner: PciDevice | None = None) -> Iterator[Row]:
    """The lines below one another, each with its guides and the device that it belongs to."""
    for item in items:
        row, last = item.row, item is items[-1]
        mine = row.source if isinstance(row.source, PciDevice) else owner
        corner = "└" if last else "├"
        mark = "▾" if row.expanded else "▸" if row.expandable else " "
        text, value, note = clean(row.text), clean(row.value), clean(row.note)
        yield replace(row, guide=f"{indent}{corner}{mark}", text=text, value=value, note=note, owner=mine)
        yield from _flatten(item.below, indent + ("  " if last else "│ "), mine)


def _device(device: PciDevice, opened: Opened, parent: str) -> _Item:
    state = device.driver
    key = device.key
    row = Row(
        key,
        "",
        f"{device.address} {device.name}",
        value=str(state or ""),
        short_value=SHORT_STATES.get(state, str(state)) if state is not None else "",
        note=device.qdev_id,
        tone=STATE_TONES.get(state, "warning") if state is not None else "",
        expandable=True,
        expanded=key in opened.expanded,
        path=device.path,
        parent=parent,
        source=device,
    )
    below = list(_device_inside(device, opened)) if row.expanded else []
    below.extend(_device(child, opened, key) for child in device.children)
    return _Item(row, below)


def _device_inside(device: PciDevice, opened: Opened) -> Iterator[_Item]:
    """What an opened device shows: registers first, then its own properties, then what every device has."""
    key = device.key
    for one in device.config:
        yield _leaf(f"{key}#{one.name}", key, one.name, f"{one.value:,}", source=one)
    if device.status is not None:
        tone = STATE_TONES.get(device.driver or DriverState.UNKNOWN, "warning")
        yield _leaf(f"{key}#status", key, "status", _status_bit(device), tone=tone, source=device)
    node = opened.nodes.get(device.path)
    if not device.path:
        yield _leaf(f"{key}#unknown", key, "its QOM path cannot be told", muted=True)
    elif node is not None:
        yield from _features(node, key, opened)
        yield from _node_inside(node, key, opened)
    else:
        yield _unread(device.path, key, opened)
    if device.bars:
        yield _bars(device, key, opened)


def _status_bit(device: PciDevice) -> str:
    """The name of the bit that its state comes from; the detail area has all of them."""
    if device.driver is DriverState.OK:
        return "DRIVER_OK"
    bits = virtio_status_bits(device.status or 0)
    return bits[-1] if bits else "0"


def _unread(path: str, key: str, opened: Opened) -> _Item:
    failed = opened.failed.get(path)
    if failed is not None:
        return _leaf(f"{key}#unread", key, failed, tone="error", muted=True)
    return _leaf(f"{key}#unread", key, "reading …", muted=True)


def _features(node: Node, key: str, opened: Opened) -> Iterator[_Item]:
    virtio = node.virtio
    if virtio is None:
        return
    if virtio.offered is None or virtio.negotiated is None:
        yield _leaf(f"{key}#features", key, "features", "not readable", tone="muted", source=virtio)
        return
    agreed = set(virtio.negotiated)
    count = f"{len(agreed)} of {len(virtio.offered)}"
    group = _group(f"{key}#features", key, "features", count, opened, source=virtio)
    if group.row.expanded:
        names = [*virtio.offered, *sorted(agreed.difference(virtio.offered))]
        group.below = [
            _leaf(
                f"{key}#feature:{name}",
                group.row.key,
                name,
                "on" if name in agreed else "off",
                muted=name not in agreed,
            )
            for name in names
        ]
    yield group


def _node_inside(node: Node, key: str, opened: Opened) -> Iterator[_Item]:
    """Properties, the common ones folded away, and children."""
    own = [one for one in node.properties if not one.is_common]
    common = [one for one in node.properties if one.is_common]
    yield from (_property(one, key) for one in sorted(own, key=_name))
    if common:
        group = _group(f"{key}#common", key, "more properties" if own else "properties", str(len(common)), opened)
        if group.row.expanded:
            group.below = [_property(one, group.row.key) for one in sorted(common, key=_name)]
        yield group
    if node.children:
        group = _group(f"{key}#children", key, "QOM children", str(len(node.children)), opened)
        if group.row.expanded:
            group.below = [_child(child, group.row.key, opened) for child in node.children]
        yield group


def _child(child: Child, parent: str, opened: Opened) -> _Item:
    key = f"qom:{child.path}"
    row = Row(
        key,
        "",
        child.name,
        value=child.type,
        tone="muted",
        expandable=True,
        expanded=key in opened.expanded,
        path=child.path,
        parent=parent,
        source=child,
    )
    item = _Item(row)
    if row.expanded:
        node = opened.nodes.get(child.path)
        item.below = list(_node_inside(node, key, opened)) if node else [_unread(child.path, key, opened)]
    return item


def _bars(device: PciDevice, key: str, opened: Opened) -> _Item:
    group = _group(f"{key}#bars", key, "BARs", str(len(device.bars)), opened)
    if group.row.expanded:
        for bar in device.bars:
            name = "ROM" if bar.index == 6 else f"BAR {bar.index} {bar.kind}"
            place = "not mapped" if bar.address is None else f"{bar.address:#x}"
            group.below.append(
                _leaf(f"{key}#bar:{bar.index}", group.row.key, name, place, muted=bar.address is None, source=bar)
            )
    return group


def _property(one: Property, parent: str) -> _Item:
    tone = "muted" if one.error or not one.text else ""
    text = one.text or ("none" if one.type.startswith("link<") else "empty")
    return _leaf(f"{parent}#property:{one.name}", parent, one.name, text, tone=tone, source=one)


def _name(one: Property) -> str:
    return one.name


def _leaf(
    key: str, parent: str, text: str, value: str = "", *, tone: str = "", muted: bool = False, source: object = None
) -> _Item:
    return _Item(Row(key, "", text, value, tone=tone, muted=muted, parent=parent, source=source))


def _group(key: str, parent: str, text: str, value: str, opened: Opened, source: object = None) -> _Item:
    return _Item(
        Row(
            key, "", text, value, tone="muted", muted=True, expandable=True, expanded=key in opened.expanded,
            parent=parent, source=source,
        )
    )  # fmt: skip
