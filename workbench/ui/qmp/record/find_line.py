"""The line in which one types what to find in the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from workbench.ui.common.find_line import FindLine

if TYPE_CHECKING:
    from textual.binding import BindingType


class RecordFind(FindLine):
    """Stands at the foot of the log while something is looked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="qmp.find-leave", tooltip="Look for nothing any more", show=False),
        Binding("up", "step(-1)", "Up", id="qmp.find-up", tooltip="The match before", show=False),
        Binding("down", "step(1)", "Down", id="qmp.find-down", tooltip="The match after", show=False),
    ]

    def __init__(self) -> None:
        super().__init__("any part of a command, a reply or an event", "record-count")

    def show_count(self, number: int, count: int) -> None:
        """:param number: the match that one is at, from 1; 0 for none."""
        self.show_words(f"{number:,} of {count:,}" if count else "nothing found" if self.text.strip() else "")
