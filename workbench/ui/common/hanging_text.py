"""Text in columns: what does not fit continues below its own column, not at the left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.events import Resize

    Hung = tuple[Content, int]
    """A line, and the column at which its continuation starts."""

LEAST = 24
"""Minimum columns of a continuation; where its own column leaves fewer, it starts further left."""
SHALLOW = 4
"""The column at which it starts then."""


class HangingText(Static):
    """Lines that are wrapped again when the width changes."""

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
    """One line, wrapped to a width; not wrapped while the width is unknown (0)."""
    if not width or content.cell_length <= width:
        return [content]
    if width - column < LEAST:
        column = min(column, SHALLOW)
    first, *more = content[column:].wrap(width - column)
    return [content[:column] + first, *(Content(" " * column) + line for line in more)]
