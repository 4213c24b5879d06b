"""The search line of the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding

from workbench.ui.common.find_line import FindLine

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.timer import Timer

    from workbench.ui.qmp.record.search import RecordSearch

AHEAD = 0.01
"""Seconds between two pieces of the index, built while the user begins to type."""
RECOUNT = 1.0
"""Seconds between two counts of the matches while messages arrive."""


class RecordFind(FindLine):
    """The search line, at the foot of the log. While it is open, the index is built and new messages are counted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="qmp.find-leave", tooltip="Close the search", show=False),
        Binding("up", "step(-1)", "Up", id="qmp.find-up", tooltip="Previous match", show=False),
        Binding("down", "step(1)", "Down", id="qmp.find-down", tooltip="Next match", show=False),
    ]

    def __init__(self, search: RecordSearch) -> None:
        super().__init__("text in a command, reply or event", "record-count")
        self._search = search
        self._preparing: Timer | None = None
        self._recounting: Timer | None = None

    def open(self) -> None:
        self._search.begin()
        super().open()
        self._stop()
        self._preparing = self.set_interval(AHEAD, self._prepare)
        self._recounting = self.set_interval(RECOUNT, self._recount)

    def show_count(self, number: int, count: int) -> None:
        """:param number: the current match, from 1; 0 for none."""
        self.show_words(f"{number:,} of {count:,}" if count else "no matches" if self.text.strip() else "")

    def _prepare(self) -> None:
        if not self._search.prepare() and self._preparing is not None:
            self._preparing.stop()

    def _recount(self) -> None:
        counted = self._search.recount()
        if counted is not None:
            self.show_count(*counted)

    @on(FindLine.Closed)
    def _stop(self) -> None:
        for timer in (self._preparing, self._recounting):
            if timer is not None:
                timer.stop()
