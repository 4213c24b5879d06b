"""The keys of the main screen: to each pane, and what works in all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

if TYPE_CHECKING:
    from textual.binding import BindingType

MAIN_KEYS: list[BindingType] = [
    Binding("g", "pane('guests')", "Guests", id="pane.guests", tooltip="Go to the list of guests", show=False),
    Binding("b", "pane('balloon')", "Balloon", id="pane.balloon", tooltip="Go to the balloon", show=False),
    Binding("colon", "pane('qmp')", "QMP", id="pane.qmp", tooltip="Go to the QMP console", key_display=":", show=False),
    Binding(
        "c", "pane('console')", "Console", id="pane.console", tooltip="Go to the guest's serial console", show=False
    ),
    Binding("d", "pane('devices')", "Devices", id="pane.devices", tooltip="Go to the device tree", show=False),
    Binding("h", "pane('host')", "Host", id="pane.host", tooltip="Go to the host pane", show=False),
    Binding("s", "start_chosen", "Start", id="guest.start", tooltip="Start the guest shown", show=False),
    Binding("question_mark", "help", "Help", id="help", tooltip="List all keys", key_display="?"),
    Binding(
        "ctrl+g",
        "show_file",
        "File",
        id="profile.file",
        tooltip="Show the path of the guest's profile",
        show=False,
    ),
]
