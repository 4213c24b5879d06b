"""The lines of a profile's text, from which the text comes back as it was, byte by byte.

Textual's own document ends a line wherever ``str.splitlines`` does, at U+2028 within a value too, and gives every line
the end that it found first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from textual.document._document import Document, EditResult

if TYPE_CHECKING:
    from textual.document._document import Location

_END = re.compile("(\r\n|\n|\r)")


def split_lines(text: str) -> tuple[list[str], list[str]]:
    """The lines, and the ends between them: one less than lines. Together they are the text."""
    pieces = _END.split(text)
    return pieces[::2], pieces[1::2]


def location_at(text: str, offset: int) -> tuple[int, int]:
    """The line and column, from 0, of an offset that is not between CR and LF."""
    lines, _ = split_lines(text[:offset])
    return len(lines) - 1, len(lines[-1])


class ProfileDocument(Document):
    """Each line keeps its own end."""

    def __init__(self, text: str) -> None:
        super().__init__("")
        self._lines, self._ends = split_lines(text)

    @property
    def text(self) -> str:
        return self._joined(self._lines, self._ends)

    def with_ends_of(self, row: int, text: str) -> str:
        """A text that is typed or pasted at a line, with the line ends that are usual there."""
        usual = self._ends[min(row, len(self._ends) - 1)] if self._ends else "\n"
        return _END.sub(lambda _: usual, text)

    def get_text_range(self, start: Location, end: Location) -> str:
        (top, left), (bottom, right) = sorted((self._within(start), self._within(end)))
        lines = self._lines[top : bottom + 1]
        lines[-1] = lines[-1][:right]
        lines[0] = lines[0][left:]
        return self._joined(lines, self._ends[top:bottom])

    def replace_range(self, start: Location, end: Location, text: str) -> EditResult:
        (top, left), (bottom, right) = sorted((self._within(start), self._within(end)))
        replaced = self.get_text_range(start, end)
        lines, ends = split_lines(text)
        after = self._lines[bottom][right:]
        lines[0] = self._lines[top][:left] + lines[0]
        column = len(lines[-1])
        lines[-1] += after
        self._lines[top : bottom + 1] = lines
        self._ends[top:bottom] = ends
        return EditResult((top + len(lines) - 1, column), replaced)

    def _within(self, location: Location) -> Location:
        """The location, or the end of the text for one that is beyond it."""
        row, column = location
        return (row, column) if row < len(self._lines) else (len(self._lines) - 1, len(self._lines[-1]))

    @staticmethod
    def _joined(lines: list[str], ends: list[str]) -> str:
        return "".join(piece for pair in zip(lines, [*ends, ""], strict=True) for piece in pair)
