"""The search line of the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from workbench.ui.common.find_line import FindLine

if TYPE_CHECKING:
    from textual.binding import BindingType


class RecordFind(FindLine):
    """The search line, at the foot of the log."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="qmp.find-leave", tooltip="Close the search", show=False),
        Binding("up", "step(-1)", "Up", id="qmp.find-up", tooltip="Previous match", show=False),
        Binding("down", "step(1)", "Down", id="qmp.find-down", tooltip="Next match", show=False),
    ]

    def __init__(self) -> None:
        super().__init__("text in a command, reply or event", "record-count")

    def show_count(self, number: int, count: int) -> None:
        """:param number: the current match, from 1; 0 for none."""
        self.show_words(f"{number:,} of {count:,}" if count else "no matches" if self.text.strip() else "")
