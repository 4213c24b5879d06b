"""The keys that move a balloon's history. Each has an id, by which a user can move it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

if TYPE_CHECKING:
    from textual.binding import BindingType

HISTORY_KEYS: list[BindingType] = [
    Binding(
        "z", "history('closer')", "Zoom in", id="history.closer", tooltip="A shorter stretch of the history", show=False
    ),
    Binding("Z", "history('wider')", "Zoom out", id="history.wider", tooltip="A longer one, up to 30 days", show=False),
    Binding("left", "history('earlier')", "Earlier", id="history.earlier", tooltip="Back in the history", show=False),
    Binding("right", "history('later')", "Later", id="history.later", tooltip="Forward in the history", show=False),
    Binding("home", "history('oldest')", "Oldest", id="history.oldest", tooltip="Where the history begins", show=False),
    Binding("0,end", "history('now')", "Now", id="history.now", tooltip="Back to now, which moves on", show=False),
    Binding("w", "picture", "Picture", id="history.picture", tooltip="Save the history as a picture", show=False),
]
