"""Draws the lines of a log: the colours of their roles, marked matches, the cursor and the selection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.strip import Strip

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from workbench.ui.qmp.record.entries import Line

DRAWN = 128
"""Drawn lines that are cached: more than a screen shows. Each takes about 80 objects with its own caches; caching all
lines would add 30 ms to each garbage collection."""


class Drawing:
    """Keeps the lines that were drawn last."""

    def __init__(self, style: Callable[[str], Style]) -> None:
        """
        :param style: returns the style of a role of the log; that of ``match`` too.
        """
        self._style = style
        self.drawn: LRUCache[Line, Strip] = LRUCache(DRAWN)
        """The last lines that were drawn, without marks; see :data:`DRAWN`."""
        self.pattern: re.Pattern[str] | None = None
        """Marks its matches."""

    def draw(self, line: Line, cursor: Style | None, selected: tuple[tuple[int, int], Style] | None) -> Strip:
        """A line in its colours, with its matches marked.

        :param cursor: the style of the line if the cursor is on it.
        :param selected: what is selected with the mouse, start and end in characters, and its style.
        """
        strip = self._coloured(line)
        if cursor is not None:
            strip = Strip([Segment(s.text, (s.style or cursor) + Style(bgcolor=cursor.bgcolor)) for s in strip])
        if self.pattern is not None:
            style = self._style("match")
            for match in self.pattern.finditer(line.text):
                strip = _marked(strip, line.text, match.span(), style)
        return strip if selected is None else _marked(strip, line.text, *selected)

    def _coloured(self, line: Line) -> Strip:
        """The line in its colours, until the theme changes."""
        strip = self.drawn.get(line)
        if strip is None:
            strip = self.drawn[line] = Strip(Segment(text, self._style(role)) for text, role in line.pieces)
        return strip


def _marked(strip: Strip, text: str, span: tuple[int, int], style: Style) -> Strip:
    """The strip with a span of its text in another style; an end of -1 is the end of the text."""
    start = cell_len(text[: span[0]])
    end = strip.cell_length if span[1] == -1 else cell_len(text[: span[1]])
    if start >= end:
        return strip
    before, marked, after = strip.crop(0, start), strip.crop(start, end), strip.crop(end)
    return Strip.join([before, Strip([Segment(s.text, (s.style or style) + style) for s in marked]), after])
