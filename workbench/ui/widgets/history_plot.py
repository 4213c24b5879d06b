"""The balloon's past, drawn: target, actual and host resident over the last minutes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from workbench.ui.braille import Cell, draw, resample
from workbench.ui.words import MINUS, short_size

if TYPE_CHECKING:
    from rich.style import Style
    from textual.geometry import Size

    from workbench.domain.balloon import Sample

WINDOW = 120.0
"""Seconds that the plot shows."""
AXIS = 6
"""Columns left of the plot, for the scale."""
NAMES = ("actual", "target", "resident")
"""Where two meet, the first has the cell: the target shows where the guest is not there yet."""
LEGEND = {"target": "target", "actual": "actual", "resident": "host resident"}


class HistoryPlot(Widget):
    """Steps, drawn with braille dots, with a scale in front and a legend below."""

    DEFAULT_CSS = """
    HistoryPlot { height: 1fr; min-height: 0; }
    HistoryPlot > .plot--axis { color: $foreground-muted; }
    HistoryPlot > .plot--target { color: $target; }
    HistoryPlot > .plot--actual { color: $actual; }
    HistoryPlot > .plot--resident { color: $resident; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"plot--axis", "plot--target", "plot--actual", "plot--resident"}

    samples: reactive[tuple[Sample, ...]] = reactive((), repaint=False)
    ram: reactive[int] = reactive(0, repaint=False)
    now: reactive[float] = reactive(0.0, repaint=False)
    """Unix time of the right edge; 0 = the newest sample."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[list[Cell]] = []

    def show(self, samples: tuple[Sample, ...], ram: int, now: float | None = None) -> None:
        """Draw these samples; ``now`` is the Unix time of the right edge."""
        self.samples, self.ram = samples, ram
        self.now = time.time() if now is None else now
        self._redraw(self.size)

    def on_resize(self) -> None:
        self._redraw(self.size)

    def _redraw(self, size: Size) -> None:
        width, height = size.width - AXIS, size.height - 2
        before, self._rows = self._rows, []
        if width > 8 and height > 2 and self.samples and self.ram:
            step = WINDOW / (2 * width)
            # The edge moves by whole dots: a plot whose every column shifts by a fraction flickers.
            start = (self.now // step + 1) * step - WINDOW
            times = [sample.time for sample in self.samples]
            series = [
                resample(
                    times, [getattr(sample, name) for sample in self.samples], start=start, step=step, count=2 * width
                )
                for name in NAMES
            ]
            self._rows = draw(series, width=width, height=height, low=0, high=self.ram)
        if self._rows != before:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        axis = self.get_component_rich_style("plot--axis", partial=True)
        base = self.rich_style
        if y < len(self._rows):
            segments = [Segment(self._scale(y, len(self._rows)), base + axis), *self._cells(self._rows[y], base)]
        elif y == height - 2 and self._rows:
            ago = f"{MINUS}{WINDOW / 60:.0f} min"
            segments = [Segment(" " * AXIS + ago.ljust(width - AXIS - 3) + "now", base + axis)]
        elif y == height - 1 and self._rows:
            segments = self._legend(base, axis)
        else:
            segments = []
        return Strip(segments).adjust_cell_length(width, base)

    def _scale(self, y: int, rows: int) -> str:
        """The label of a row: RAM at the top, half in the middle, 0 at the bottom."""
        labels = {0: self.ram, rows - 1: 0}
        if rows > 4:
            labels[(rows - 1) // 2] = self.ram // 2
        text = short_size(labels[y]) if labels.get(y) else "0"
        return f"{text:>{AXIS - 2}} \u2524" if y in labels else " " * (AXIS - 1) + "\u2502"

    def _cells(self, row: list[Cell], base: Style) -> list[Segment]:
        styles = [base + self.get_component_rich_style(f"plot--{name}", partial=True) for name in NAMES]
        segments: list[Segment] = []
        run, owner = "", -1
        for cell in row:
            if cell.series != owner and run:
                segments.append(Segment(run, styles[owner] if owner >= 0 else base))
                run = ""
            owner = cell.series
            run += cell.character
        segments.append(Segment(run, styles[owner] if owner >= 0 else base))
        return segments

    def _legend(self, base: Style, axis: Style) -> list[Segment]:
        segments = [Segment(" " * AXIS, base)]
        for name in LEGEND:
            style = base + self.get_component_rich_style(f"plot--{name}", partial=True)
            segments += [Segment("\u2501\u2501 ", style), Segment(f"{LEGEND[name]}   ", base + axis)]
        return segments
