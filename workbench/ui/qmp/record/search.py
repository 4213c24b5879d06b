"""A search in the section of a record that is shown: the text, where it began, the matches. Independent of Textual."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.qmp.record.search import forget_index, prepare, search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workbench.ui.qmp.record.section import Section

PIECE = 20
"""Blocks in a piece of the index: a few milliseconds."""


class Match(Struct, frozen=True):
    """One match of a text."""

    serial: int
    """The message."""
    number: int
    """From 1, the oldest."""
    count: int
    """Number of all matches."""


class RecordSearch:
    """Searches all messages that the filter lets through, also those that are not in the log."""

    def __init__(self, section: Section, chosen: Callable[[], int]) -> None:
        """
        :param chosen: returns the serial of the message under the cursor; 0 without a cursor.
        """
        self._section = section
        self._chosen = chosen
        self.text = ""
        self._at = 0
        """The serial where the search began."""
        self._ahead: Iterator[None] = iter(())
        self._searched_to = 0
        """The record's end at the last count of the matches."""

    def begin(self) -> None:
        """Begin to search at the cursor, or at the end."""
        record = self._section.record
        if record is not None:
            self._at = self._chosen() or record.end
            self._ahead = prepare(record, self._section.filter)

    def prepare(self) -> bool:
        """Build the next piece of the index, while the user begins to type; return whether there is more."""
        return all(next(self._ahead, self) is not self for _ in range(PIECE))

    def forget(self) -> None:
        """Free the memory of the index."""
        if self._section.record is not None:
            forget_index(self._section.record)

    def seek(self, text: str) -> Match | None:
        """The last match of a text before the start of the search, or the first one after it."""
        self.text = text
        found = self._matches()
        return _match(found, max(0, bisect_right(found, self._at) - 1))

    def step(self, by: int) -> Match | None:
        """The next or previous match from the cursor, wrapping around."""
        found = self._matches()
        at = bisect_right(found, self._here) if by > 0 else bisect_left(found, self._here) - 1
        return _match(found, at % len(found)) if found else None

    def recount(self) -> tuple[int, int] | None:
        """The number of the last match up to the cursor, and of all; None if no messages came since the last search."""
        record = self._section.record
        if record is None or record.end == self._searched_to or not self.text.strip():
            return None
        found = self._matches()
        return bisect_right(found, self._here), len(found)

    @property
    def _here(self) -> int:
        return self._chosen() or self._at

    def _matches(self) -> list[int]:
        record = self._section.record
        if record is None:
            return []
        self._searched_to = record.end
        return search(record, self.text, self._section.filter)


def _match(found: list[int], at: int) -> Match | None:
    return Match(found[at], at + 1, len(found)) if found else None
