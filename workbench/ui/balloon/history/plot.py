"""The plot of a balloon's history: target, actual, host resident and guest available, with marks for events."""

from __future__ import annotations

import re
import time
from bisect import bisect_left
from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar, Literal

from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from workbench.domain.balloon.history.marks import LETTERS
from workbench.domain.balloon.history.samples import GAP, Past, coarsest, columns
from workbench.domain.balloon.history.window import Window
from workbench.ui.balloon.history.legend import legend
from workbench.ui.balloon.history.marks import RULED, placed, style_of
from workbench.ui.balloon.history.times import time_line
from workbench.ui.common.braille import NO_OWNER, Row, draw
from workbench.ui.words import short_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style
    from textual.geometry import Size

    from workbench.domain.balloon.history.marks import Mark, MarkKind
    from workbench.domain.balloon.history.picture import Scene
    from workbench.domain.balloon.reading import Sample

AXIS = 7
"""Columns left of the plot, for the scale."""
NAMES = ("target", "actual", "resident", "available")
"""Where two meet, the first has the cell; target and actual alternate, so that both are seen where they are equal."""
TURNS = 2
RULE = "\N{BOX DRAWINGS LIGHT QUADRUPLE DASH VERTICAL}"
_RUNS = re.compile(rb"(.)\1*", re.DOTALL)
"""Cells of one owner each."""
ROOM_FOR_MARKS = 6
"""Rows from which the marks have a row of their own; below that they overwrite the times."""
QUARTERS = 13
"""Rows from which the scale has quarters."""
_START, _TIME = attrgetter("start"), attrgetter("time")
Move = Literal["closer", "wider", "earlier", "later", "oldest", "now"]
"""How the user changes the period that the plot shows."""


class HistoryPlot(Widget):
    """Steps drawn with braille dots, with a scale at the left, and marks, times and a legend below."""

    DEFAULT_CSS = """
    HistoryPlot { height: 1fr; min-height: 0; }
    HistoryPlot > .plot--axis { color: $foreground-muted; }
    HistoryPlot > .plot--rule { color: $foreground-muted; }
    HistoryPlot > .plot--mark { color: $foreground; text-style: bold; }
    HistoryPlot > .plot--alarm { color: $error; text-style: bold; }
    HistoryPlot > .plot--target { color: $target; }
    HistoryPlot > .plot--actual { color: $actual; }
    HistoryPlot > .plot--resident { color: $resident; }
    HistoryPlot > .plot--available { color: $available; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"plot--{name}" for name in ("axis", "rule", "mark", "alarm", *NAMES)
    }  # fmt: skip

    class PastWanted(Message):
        """The plot needs more of the history than it has."""

        def __init__(self, plot: HistoryPlot, start: float, step: float) -> None:
            super().__init__()
            self.plot = plot
            self.start = start
            """Unix time."""
            self.step = step
            """Seconds that one span may cover."""

        @property
        def control(self) -> HistoryPlot:
            return self.plot

    def __init__(self) -> None:
        super().__init__()
        self.window = Window()
        self.samples: tuple[Sample, ...] = ()
        self.marks: tuple[Mark, ...] = ()
        self.ram = 0
        self.now = 0.0
        self.past = Past()
        self._wanted: tuple[float, float, float] | None = None
        """Start and step of the past last asked for, and the time that it reaches at least."""
        self._to_oldest = False
        self._styles: dict[str, Style] = {}
        """The colours; looking each up in each line would take longer than drawing it."""
        self.rows: list[Row] = []
        """The rows of cells that are drawn, from the top; empty while there is nothing to draw."""
        self._below: tuple[dict[int, MarkKind], str] = ({}, "")
        """Marks by column, and the line of times."""

    def show(
        self, samples: tuple[Sample, ...], ram: int, now: float | None = None, marks: tuple[Mark, ...] = ()
    ) -> None:
        """Draw these samples; ``now`` is the Unix time of the right edge while the plot is live."""
        self.samples, self.ram, self.marks = samples, ram, marks
        self.now = time.time() if now is None else now
        self._redraw(self.size)

    def forget(self) -> None:
        """Drop the past that was read, for another guest."""
        self.past, self._wanted, self._to_oldest = Past(), None, False
        self.window = Window(self.window.length)

    def take(self, past: Past) -> None:
        """Draw the past that was asked for."""
        self.past = past
        if self._to_oldest and past.oldest is not None:
            self._to_oldest = False
            self.window = self.window.ending(past.oldest + self.window.length, self.now)
        self._redraw(self.size)

    def move(self, how: Move) -> None:
        """Zoom or pan."""
        window, now = self.window, self.now
        if how in ("closer", "wider"):
            self.window = window.zoomed(1 if how == "wider" else -1)
        elif how in ("earlier", "later"):
            self.window = self._bounded(window.panned(1 if how == "later" else -1, now))
        elif how == "oldest":
            self._to_oldest = True
            self._want(0.0, self.window.length / max(1, 2 * self._width(self.size)))
        else:
            self.window = Window(window.length)
        self._redraw(self.size)

    def scene(self, name: str) -> Scene | None:
        """What is shown, for a picture; None while the plot is empty."""
        from workbench.domain.balloon.history.picture import Scene

        if not self.rows:
            return None
        start, step = self.window.columns(self.now, 2 * self._width(self.size))
        end = start + step * 2 * self._width(self.size)
        spans = self.past.spans
        if self.samples:
            spans = spans[: bisect_left(spans, self.samples[0].time, key=_START)]
        return Scene(name, self.ram, Past(spans), self.samples, self.marks, start, end)

    def _bounded(self, window: Window) -> Window:
        """A window that does not begin before the start of the history, as far as that is known."""
        oldest = self.past.oldest
        if window.end is None or oldest is None:
            return window
        return window.ending(max(window.end, min(oldest + window.length / 4, self.now - 1)), self.now)

    def on_resize(self) -> None:
        self._redraw(self.size)

    # Drawing.

    def _width(self, size: Size) -> int:
        return max(0, size.width - AXIS)

    def _height(self, size: Size) -> int:
        return size.height - (3 if size.height >= ROOM_FOR_MARKS else 2)

    def _redraw(self, size: Size) -> None:
        width, height = self._width(size), self._height(size)
        before = (self.rows, self._below)
        self.rows, self._below = [], ({}, "")
        if width > 8 and height > 1 and self.ram and (self.samples or self.past.spans):
            start, step = self.window.columns(self.now, 2 * width)
            self._ask(start, step)
            self._below = self._marks_and_times(start, step, width)
            drawn = draw(
                self._columns(start, step, 2 * width), width=width, height=height, low=0, high=self.ram, turns=TURNS
            )
            self.rows = [_ruled(row, self._below[0]) for row in drawn]
        if (self.rows, self._below) != before:
            self.refresh()

    def _columns(self, start: float, step: float, count: int) -> Sequence[Sequence[tuple[int, int, int] | None]]:
        """The four series: the past read from the history until the samples at hand begin."""
        samples, spans = self.samples, self.past.spans
        if samples:
            spans = spans[: bisect_left(spans, samples[0].time, key=_START)]
        spans = spans[max(0, bisect_left(spans, start - GAP, key=_START) - 1) :]
        first = max(0, bisect_left(samples, start - GAP, key=_TIME) - 1)
        return columns(spans, samples[first:], start=start, step=step, count=count, now=self.now)

    def _ask(self, start: float, step: float) -> None:
        """Ask for the past before the samples at hand, unless it is there or being read."""
        first = self.samples[0].time if self.samples else self.now
        if start >= first:
            return
        if self._wanted is not None:
            asked, fineness, reach = self._wanted
            if asked <= start and fineness <= step < 4 * fineness and first <= reach:
                return
        self._want(start, step)

    def _want(self, start: float, step: float) -> None:
        # A little more than is shown, for the next step of panning.
        first = self.samples[0].time if self.samples else self.now
        self._wanted = (start - self.window.length, step, max(first, self.now))
        self.post_message(self.PastWanted(self, self._wanted[0], step))

    def _marks_and_times(self, start: float, step: float, width: int) -> tuple[dict[int, MarkKind], str]:
        marks = placed(self.marks, start=start, step=2 * step, width=width)
        end = start + 2 * width * step
        first = self.samples[0].time if self.samples else end
        fineness = coarsest(self.past.spans, start, min(end, first))
        return marks, time_line(self.window, start, 2 * step, width, fineness=fineness)

    # Lines of the screen.

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        base = self._style("")
        if not self.rows:
            return Strip([]).adjust_cell_length(width, base)
        if y < len(self.rows):
            segments = [Segment(self._scale(y, len(self.rows)), self._style("axis")), *self._cells(self.rows[y])]
        elif y == height - 1:
            parts = legend(NAMES, list(self._below[0].values()), width, AXIS)
            segments = [Segment(part.text, self._style(part.style)) for part in parts]
        elif y == height - 2:
            segments = self._times(own_row=height >= ROOM_FOR_MARKS)
        else:
            segments = [Segment(" " * AXIS, base), *self._letters(" " * self._width(self.size))]
        return Strip(segments).adjust_cell_length(width, base)

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            self._styles[name] = self.get_component_rich_style(f"plot--{name}") if name else self.rich_style
        return self._styles[name]

    def notify_style_update(self) -> None:
        """The theme changed."""
        super().notify_style_update()
        self._styles.clear()

    def _scale(self, y: int, rows: int) -> str:
        """The label of a row: RAM at the top, half in the middle, 0 at the bottom; quarters where there is room."""
        parts = 4 if rows >= QUARTERS else 2 if rows > 4 else 1
        for part in range(parts + 1):
            if y == round((rows - 1) * (parts - part) / parts):
                size = self.ram * part // parts
                return f"{short_size(size) if size else '0':>{AXIS - 2}} \u2524"
        return " " * (AXIS - 1) + "\u2502"

    def _cells(self, row: Row) -> list[Segment]:
        styles = {index: self._style(name) for index, name in enumerate((*NAMES, "rule"))}
        styles[NO_OWNER] = self._style("")
        segments: list[Segment] = []
        text, owners = row
        for run in _RUNS.finditer(owners):
            begin, end = run.span()
            segments.append(Segment(text[begin:end], styles[owners[begin]]))
        return segments

    def _times(self, *, own_row: bool) -> list[Segment]:
        name = Segment(f"{self.window.name:>{AXIS - 1}} ", self._style("axis"))
        line = self._below[1]
        return [name, Segment(line, self._style("axis"))] if own_row else [name, *self._letters(line)]

    def _letters(self, line: str) -> list[Segment]:
        """A line with the marks in it."""
        segments: list[Segment] = []
        begin = 0
        for x, kind in sorted(self._below[0].items()):
            letter = Segment(LETTERS[kind][0], self._style(style_of(kind)))
            segments += [Segment(line[begin:x], self._style("axis")), letter]
            begin = x + 1
        return [*segments, Segment(line[begin:], self._style("axis"))]


def _ruled(row: Row, marks: dict[int, MarkKind]) -> Row:
    """The row with a faint line at each ruled mark, where nothing is drawn."""
    columns = [x for x, kind in marks.items() if kind in RULED and row.owners[x] == NO_OWNER]
    if not columns:
        return row
    text, owners = list(row.text), bytearray(row.owners)
    for x in columns:
        text[x], owners[x] = RULE, len(NAMES)
    return Row("".join(text), bytes(owners))
