"""Search in a record: the typed text, the matches, and the current match."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.widget import Widget

from workbench.domain.qmp.record.search import Filter, forget_index, pattern, prepare, search
from workbench.ui.qmp.record.find_line import RecordFind
from workbench.ui.qmp.record.log import TrafficLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.binding import BindingType
    from textual.timer import Timer

    from workbench.domain.qmp.record.record import Record

AHEAD = 0.01
"""Seconds between two pieces of the index, built while the user begins to type."""
RECOUNT = 1.0
"""Seconds between two counts of the matches while messages arrive."""
PIECE = 20
"""Blocks in such a piece: a few milliseconds."""


class FindingPane(Widget):
    """The searching part of the record's pane."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "Find", id="qmp.find", tooltip="Search all messages", show=False),
        Binding("n", "next(1)", "Next", id="qmp.next", tooltip="Next match", show=False),
        Binding("N", "next(-1)", "Previous", id="qmp.previous", tooltip="Previous match", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._log = TrafficLog()
        self._find = RecordFind()
        self._record: Record | None = None
        self._filter = Filter()
        self._at = 0
        """The serial where the search began, or of the current match."""
        self._ahead: Iterator[None] = iter(())
        self._preparing: Timer | None = None
        self._recounting: Timer | None = None
        self._searched_to = 0
        """The record's end at the last count of the matches."""

    def _go_to(self, serial: int) -> None:
        """Move the cursor to a message, loading it if needed."""
        raise NotImplementedError

    def action_find(self) -> None:
        record = self._record
        if record is None:
            return
        self._at = self._log.chosen_serial or record.end
        self._find.open()
        self._ahead = prepare(record, self._filter)
        if self._preparing is None:
            self._preparing = self.set_interval(AHEAD, self._prepare)
        if self._recounting is None:
            self._recounting = self.set_interval(RECOUNT, self._recount)

    def _recount(self) -> None:
        """Update the number of matches: messages arrive during a search."""
        if self._record is None or self._record.end == self._searched_to or not self._find.text.strip():
            return
        found = self._search()
        self._find.show_count(bisect_right(found, self._log.chosen_serial or self._at), len(found))

    def _prepare(self) -> None:
        for _ in range(PIECE):
            if next(self._ahead, self) is self:
                self._end_preparing()
                return

    def _end_preparing(self) -> None:
        if self._preparing is not None:
            self._preparing.stop()
            self._preparing = None

    @on(RecordFind.Changed)
    def _sought(self, message: RecordFind.Changed) -> None:
        """Go to the last match before the start of the search while typing, or to the first one after it."""
        message.stop()
        self._log.mark(pattern(message.text))
        found = self._search()
        before = bisect_right(found, self._at)
        if found:
            self._go_to_match(found, max(0, before - 1))
        else:
            self._find.show_count(0, 0)

    @on(RecordFind.Stepped)
    def _stepped(self, message: RecordFind.Stepped) -> None:
        message.stop()
        self.action_next(message.by)

    def action_next(self, by: int) -> None:
        """Go to the next or previous match, wrapping around."""
        found = self._search()
        if not found:
            if self._find.text.strip():
                self.notify(f"Not found: {self._find.text}", timeout=2, markup=False)
            return
        here = self._log.chosen_serial or self._at
        at = bisect_right(found, here) if by > 0 else bisect_left(found, here) - 1
        self._go_to_match(found, at % len(found))

    def _go_to_match(self, found: list[int], at: int) -> None:
        self._go_to(found[at])
        self._find.show_count(at + 1, len(found))

    def _search(self) -> list[int]:
        if self._record is None:
            return []
        self._searched_to = self._record.end
        return search(self._record, self._find.text, self._filter)

    @on(RecordFind.Closed)
    def _leave_find(self, message: RecordFind.Closed) -> None:
        message.stop()
        self._end_preparing()
        if self._recounting is not None:
            self._recounting.stop()
            self._recounting = None
        if not message.keep:
            self._log.mark(None)
            if self._record is not None:
                forget_index(self._record)
        self._log.focus()
