"""One frame of the history's plot: from the readings to the lines of the screen.

The plot is our own, drawn with braille dots, because the libraries exceeded the limit: textual-plot took 21 to 23 ms for
such a frame and 75 to 110 ms to import (numpy), textual-hires-canvas 14 ms.
"""

from __future__ import annotations

import asyncio
import time

from textual.app import App, ComposeResult

from workbench.domain.balloon.history.marks import Mark, MarkKind
from workbench.domain.balloon.history.samples import Past, fold, span_of
from workbench.domain.balloon.history.window import Window
from workbench.ui.balloon.history.plot import AXIS, HistoryPlot
from workbench.ui.theme import DARK, series_variables

from .figures import Figure, latency
from .past import MONTH, samples

POINTS = 600
WIDTH, HEIGHT = AXIS + POINTS // 2, 40
FRAMES = 200
WARM_UP = 20
LIMIT = 8.0
"""Milliseconds."""
NOW = 1_800_000_000.0
RAM = 512 << 20


class PlotApp(App[None]):
    """An app with only the plot."""

    def compose(self) -> ComposeResult:
        yield HistoryPlot()

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.theme = DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return series_variables({"warning": "#f5b14c", "primary": "#4ea1f3", "secondary": "#a58cf0"})

    def get_css_variables(self) -> dict[str, str]:
        variables = super().get_css_variables()
        return {**variables, **series_variables(variables)}


def measure() -> list[Figure]:
    minute, month = asyncio.run(_measure())
    return [
        latency("plot frame", minute, 0.5, LIMIT),
        latency("plot frame, a month", month, 0.5, LIMIT),
    ]


async def _measure() -> tuple[list[float], list[float]]:
    app = PlotApp()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        plot = app.query_one(HistoryPlot)
        await pilot.pause()
        minute = _frames(plot, Window(60), 0.1)
        month_of_it = samples(NOW - MONTH, NOW - 120, 60.0)  # as the engine provides it, in spans of one column
        plot.past = Past(tuple(fold(map(span_of, month_of_it), MONTH / POINTS)), NOW - MONTH)
        month = _frames(plot, Window(MONTH), MONTH / POINTS)
    return minute, month


def _frames(plot: HistoryPlot, window: Window, step: float) -> list[float]:
    """Seconds per frame; time advances by one column each, so that everything is redrawn."""
    plot.window = window
    history = tuple(samples(NOW - 120, NOW + FRAMES, 0.1))
    marks = tuple(Mark(NOW - 7.0 * turn, MarkKind.RESET, "reset") for turn in range(8))
    times = []
    for frame in range(FRAMES):
        now = NOW + frame * step
        recent = history[frame : frame + 1200]
        begun = time.perf_counter()
        plot.show(recent, RAM, now, marks)
        for y in range(plot.size.height):
            plot.render_line(y)
        times.append(time.perf_counter() - begun)
    return times[WARM_UP:]
