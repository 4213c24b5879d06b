"""The text area's document for a profile: keeps every line ending, so that the text is preserved byte for byte.

Textual's own document splits lines as ``str.splitlines`` does, even at U+2028 inside a value, and writes the first line
ending that it finds after every line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from textual.document._document import Document, EditResult

if TYPE_CHECKING:
    from textual.document._document import Location

_END = re.compile("(\r\n|\n|\r)")


def split_lines(text: str) -> tuple[list[str], list[str]]:
    """The lines, and the line endings between them: one fewer than lines. Joined, they are the text."""
    pieces = _END.split(text)
    return pieces[::2], pieces[1::2]


def location_at(text: str, offset: int) -> tuple[int, int]:
    """The line and column, from 0, of an offset that is not between CR and LF."""
    lines, _ = split_lines(text[:offset])
    return len(lines) - 1, len(lines[-1])


class ProfileDocument(Document):
    """A document in which each line keeps its own ending."""

    def __init__(self, text: str) -> None:
        super().__init__("")
        self._lines, self._ends = split_lines(text)

    @property
    def text(self) -> str:
        return self._joined(self._lines, self._ends)

    def with_ends_of(self, row: int, text: str) -> str:
        """Text typed or pasted at a line, with that line's ending."""
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
        """The location, or the end of the text if it is past that."""
        row, column = location
        return (row, column) if row < len(self._lines) else (len(self._lines) - 1, len(self._lines[-1]))

    @staticmethod
    def _joined(lines: list[str], ends: list[str]) -> str:
        return "".join(piece for pair in zip(lines, [*ends, ""], strict=True) for piece in pair)
