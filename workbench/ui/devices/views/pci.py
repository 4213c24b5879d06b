"""The PCI view: root buses, functions, bridges, and in each function its registers and properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.devices.virtio import DriverState, virtio_status_bits
from workbench.domain.units import format_size
from workbench.ui.devices.row import Item, Row, group, leaf
from workbench.ui.devices.views.node import inside
from workbench.ui.devices.views.virtio import features, queues

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.devices.tree import DeviceTree, PciDevice
    from workbench.ui.devices.row import Shown

STATE_TONES = {
    DriverState.OK: "ok",
    DriverState.FAILED: "error",
    DriverState.NEEDS_RESET: "error",
    DriverState.NO_DRIVER: "warning",
    DriverState.UNKNOWN: "muted",
    DriverState.UNMAPPED: "muted",
}
"""Driver state -> tone of its word; any other state is ``warning``."""
SHORT_STATES = {
    DriverState.NO_DRIVER: "none",
    DriverState.ACKNOWLEDGED: "ack",
    DriverState.FEATURES_OK: "feat",
    DriverState.NEEDS_RESET: "reset",
    DriverState.UNMAPPED: "unset",
    DriverState.UNKNOWN: "?",
}
"""Short forms for a narrow pane; the detail area has the full words."""


def items(tree: DeviceTree, shown: Shown) -> list[Item]:
    """Every root bus with its devices."""
    found = []
    for bus in tree.buses:
        key = f"bus:{bus.number}"
        row = Row(
            key, "", bus.name or f"bus {bus.number}", tree.machine, tone="muted", expandable=True, default_open=True,
            expanded=shown.is_open(key, default=True), source=bus,
        )  # fmt: skip
        below = [_device(device, row, shown) for device in bus.devices] if row.expanded else []
        found.append(Item(row, below))
    return found


def device_row(device: PciDevice, parent: str, shown: Shown) -> Row:
    """The line of a PCI function; the same in every view."""
    state = device.driver
    return Row(
        device.key,
        "",
        f"{device.address} {device.name}",
        value=str(state or ""),
        short_value=SHORT_STATES.get(state, str(state)) if state is not None else "",
        note=device.qdev_id,
        flag=shown.flags.get(device.qdev_id or device.path),
        tone=STATE_TONES.get(state, "warning") if state is not None else "",
        expandable=True,
        expanded=shown.is_open(device.key),
        path=device.path,
        parent=parent,
        source=device,
    )


def _device(device: PciDevice, parent: Row, shown: Shown) -> Item:
    row = device_row(device, parent.key, shown)
    below = list(_registers(device, row, shown)) if row.expanded else []
    below.extend(_device(child, row, shown) for child in device.children)
    return Item(row, below)


def _registers(device: PciDevice, row: Row, shown: Shown) -> Iterator[Item]:
    """The inside of an expanded function: registers, then its own properties, then the common ones."""
    for one in device.config:
        yield leaf(f"{row.key}#{one.name}", row, one.name, f"{one.value:,}", hint=one.words, source=one)
    if device.status is not None:
        tone = STATE_TONES.get(device.driver or DriverState.UNKNOWN, "warning")
        yield leaf(f"{row.key}#status", row, "status", _status_bit(device), tone=tone, source=device)
    if not device.path:
        yield leaf(f"{row.key}#unknown", row, "QOM path unknown", muted=True)
    else:
        node = shown.nodes.get(device.path)
        if node is not None and node.virtio is not None:
            yield from features(node.virtio, row, shown)
            yield from queues(node.virtio, row, shown)
    if device.bridge is not None:
        yield _windows(device, row, shown)
    if device.bars:
        yield _bars(device, row, shown)
    if device.path:
        yield from inside(row, shown)


def _status_bit(device: PciDevice) -> str:
    """The name of the status bit that decides its state; the detail area has all of them."""
    if device.driver is DriverState.OK:
        return "DRIVER_OK"
    bits = virtio_status_bits(device.status or 0)
    return bits[-1] if bits else "0"


def _bars(device: PciDevice, row: Row, shown: Shown) -> Item:
    folded = group(f"{row.key}#bars", row, "BARs", str(len(device.bars)), shown)
    if folded.row.expanded:
        for bar in device.bars:
            name = "ROM" if bar.index == 6 else f"BAR {bar.index} {bar.kind}"
            place = "not mapped" if bar.address is None else f"{bar.address:#x}"
            size = format_size(bar.size)
            folded.below.append(
                leaf(
                    f"{row.key}#bar:{bar.index}", folded.row, f"{name:<12} {size}", place, muted=bar.address is None,
                    source=bar,
                )
            )  # fmt: skip
    return folded


def _windows(device: PciDevice, row: Row, shown: Shown) -> Item:
    """The ranges that the bridge forwards to the buses behind it."""
    assert device.bridge is not None
    bridge = device.bridge
    buses = f"bus {bridge.secondary:02x}" if bridge.secondary else "no bus number yet"
    folded = group(f"{row.key}#windows", row, "windows", buses, shown, source=bridge)
    if folded.row.expanded:
        for window in bridge.windows:
            text = f"{window.start:#x}…{window.end:#x}" if window.is_open else "closed"
            folded.below.append(
                leaf(f"{row.key}#window:{window.kind}", folded.row, window.kind, text, muted=not window.is_open)
            )
    return folded
