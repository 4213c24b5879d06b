"""The bus view: qdev buses and the devices on them, as in ``info qtree``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.devices.buses import ROOT
from workbench.ui.devices.row import Item, Row
from workbench.ui.devices.views.node import inside

if TYPE_CHECKING:
    from workbench.domain.devices.buses import Bus, BusDevice
    from workbench.ui.devices.row import Shown


def items(root: Bus | None, shown: Shown) -> list[Item]:
    """Every bus and every device from the main system bus down; buses are expanded by default."""
    if root is None:
        failed = shown.failed.get(ROOT)
        return [Item(Row(ROOT, "", failed or "reading …", muted=True, path=ROOT))]
    return [_bus(root, "", shown)]


def _bus(bus: Bus, parent: str, shown: Shown) -> Item:
    full = bool(bus.devices or bus.error)
    row = Row(
        bus.path, "", bus.name, bus.type, tone="muted", muted=True, note="" if full else "empty",
        expandable=full, default_open=full, expanded=full and shown.is_open(bus.path, default=True),
        path=bus.path, parent=parent, source=bus,
    )  # fmt: skip
    if not row.expanded:
        return Item(row)
    if bus.error:
        return Item(row, [Item(Row(f"{bus.path}#error", "", bus.error, muted=True, parent=row.key, path=bus.path))])
    return Item(row, [_device(device, row, shown) for device in bus.devices])


def _device(device: BusDevice, parent: Row, shown: Shown) -> Item:
    key = device.path
    row = Row(
        key, "", device.type, note=device.id, flag=shown.flags.get(device.id or device.path), expandable=True,
        expanded=shown.is_open(key), path=device.path, parent=parent.key, source=device,
    )  # fmt: skip
    pci = shown.tree.device(device.path) if shown.tree is not None else None
    row.value = str(pci.address) if pci is not None else ""
    row.tone = "muted"
    below = inside(row, shown) if row.expanded else []
    below.extend(_bus(bus, key, shown) for bus in device.buses)
    return Item(row, below)
