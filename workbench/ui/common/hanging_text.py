"""Text in columns: what does not fit goes on below its own column, and not at the left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.events import Resize

    Hung = tuple[Content, int]
    """A line, and the column at which its continuation stands."""

LEAST = 24
"""Columns of a continuation; where its own column leaves fewer, it stands further left."""
SHALLOW = 4
"""There."""


class HangingText(Static):
    """Lines that are broken anew when the width changes."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._lines: Sequence[Hung] = ()

    def show(self, lines: Iterable[Hung]) -> None:
        self._lines = tuple(lines)
        self._break()

    def on_resize(self, _event: Resize) -> None:
        self._break()

    def _break(self) -> None:
        width = self.content_size.width
        lines = [line for content, column in self._lines for line in hung(content, column, width)]
        self.update(Content("\n").join(lines))


def hung(content: Content, column: int, width: int) -> list[Content]:
    """One line, broken at a width; all of it on one line while that is not known."""
    if not width or content.cell_length <= width:
        return [content]
    if width - column < LEAST:
        column = min(column, SHALLOW)
    first, *more = content[column:].wrap(width - column)
    return [content[:column] + first, *(Content(" " * column) + line for line in more)]
