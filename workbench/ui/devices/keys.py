"""The device pane's keys. Each has an id for keys.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

if TYPE_CHECKING:
    from textual.binding import BindingType

DEVICE_KEYS: list[BindingType] = [
    Binding("1", "view('PCI')", "PCI", id="devices.pci", tooltip="View PCI: slots, bridges, drivers", show=False),
    Binding("2", "view('bus')", "Bus", id="devices.bus", tooltip="View bus, as in info qtree", show=False),
    Binding("3", "view('QOM')", "QOM", id="devices.qom", tooltip="View QOM: QEMU's composition tree", show=False),
    Binding(
        "4", "view('virtio')", "virtio", id="devices.virtio", tooltip="View virtio: features and queues", show=False
    ),
    Binding(
        "plus", "level(1)", "More", id="devices.more", key_display="+", tooltip="Expand one more level", show=False
    ),
    Binding(
        "minus", "level(-1)", "Less", id="devices.less", key_display="-", tooltip="Collapse the deepest level",
        show=False,
    ),
    Binding(
        "asterisk", "open_below", "Expand all", id="devices.open-below", key_display="*",
        tooltip="Expand everything below the cursor", show=False,
    ),
    Binding(
        "right_square_bracket", "details(1)", "Details down", id="devices.details-down", key_display="]",
        tooltip="Scroll the details down", show=False,
    ),
    Binding(
        "left_square_bracket", "details(-1)", "Details up", id="devices.details-up", key_display="[",
        tooltip="Scroll the details up", show=False,
    ),
    Binding("slash", "find", "Find", id="devices.find", key_display="/", tooltip="Search names, types, ids and values"),
    Binding("n", "next(1)", "Next", id="devices.next", tooltip="Next match", show=False),
    Binding("N", "next(-1)", "Previous", id="devices.previous", tooltip="Previous match", show=False),
    Binding("u", "undo", "Undo", id="devices.undo", tooltip="Undo the last change of a property", show=False),
    Binding("y", "copy_path", "Copy path", id="devices.copy", tooltip="Copy the QOM path", show=False),
    Binding("a", "plug", "Plug in", id="devices.plug", tooltip="Plug a device into the running guest"),
    Binding("x", "unplug", "Unplug", id="devices.unplug", tooltip="Unplug this device; asks first"),
    Binding("K", "keep", "Keep it", id="devices.keep", tooltip="Add this device to the profile", show=False),
    Binding("z", "zoom", "Zoom", id="devices.zoom", tooltip="Zoom this pane to the whole screen, or back"),
    Binding("r", "refresh_devices", "Refresh", id="devices.refresh", tooltip="Refresh what is expanded"),
]  # fmt: skip
