"""The four views of the device tree, and the lines of each."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from workbench.ui.devices.row import Flag, Item, Row, flatten
from workbench.ui.devices.views import bus as bus_rows
from workbench.ui.devices.views import pci as pci_rows
from workbench.ui.devices.views import qom as qom_rows
from workbench.ui.devices.views import virtio as virtio_rows

if TYPE_CHECKING:
    from workbench.ui.devices.row import Shown


class View(StrEnum):
    """In the order of their keys, 1 to 4."""

    PCI = "PCI"
    BUS = "bus"
    QOM = "QOM"
    VIRTIO = "virtio"


def rows(view: View, shown: Shown) -> list[Row]:
    """Every visible line, from the top; none while the tree is unknown."""
    if shown.tree is None:
        return []
    if view is View.PCI:
        found = pci_rows.items(shown.tree, shown)
    elif view is View.BUS:
        found = bus_rows.items(shown.buses, shown)
    elif view is View.QOM:
        found = qom_rows.items(shown)
    else:
        found = virtio_rows.items(shown.tree, shown, pci_rows.device_row)
    if view is not View.QOM:
        found += _absent(shown)
    return list(flatten(found))


def _absent(shown: Shown) -> list[Item]:
    """Differences from the profile that no running device shows: missing devices, and settings of the guest."""
    others = [one for one in shown.differences if not one.path]
    if not others:
        return []
    root = Row("drift", "", "other differences", str(len(others)), tone="warning", expandable=True)
    root.default_open, root.expanded = True, shown.is_open("drift", default=True)
    below = [
        Item(
            Row(f"drift#{one.name}", "", one.name, hint=one.words, flag=Flag(str(one.kind)), parent="drift", source=one)
        )
        for one in others
    ]
    return [Item(root, below if root.expanded else [])]
