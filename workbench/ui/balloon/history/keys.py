"""The keys of the history plot. Each has an id for keys.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

if TYPE_CHECKING:
    from textual.binding import BindingType

HISTORY_KEYS: list[BindingType] = [
    Binding(
        "z",
        "history('closer')",
        "Zoom in",
        id="history.closer",
        tooltip="Zoom the plot in, down to 1 minute",
        show=False,
    ),
    Binding(
        "Z",
        "history('wider')",
        "Zoom out",
        id="history.wider",
        tooltip="Zoom the plot out, up to 30 days",
        show=False,
    ),
    Binding(
        "left", "history('earlier')", "Earlier", id="history.earlier", tooltip="Move back in the history", show=False
    ),
    Binding(
        "right", "history('later')", "Later", id="history.later", tooltip="Move forward in the history", show=False
    ),
    Binding(
        "home", "history('oldest')", "Oldest", id="history.oldest", tooltip="To the start of the history", show=False
    ),
    Binding("0,end", "history('now')", "Now", id="history.now", tooltip="Follow live", show=False),
    Binding("w", "picture", "Picture", id="history.picture", tooltip="Save the plot as a picture", show=False),
]
