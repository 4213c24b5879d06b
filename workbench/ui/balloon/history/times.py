"""The line of times below a plot: its two ends, round times between them, and the time that one value covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.history.window import moment, ticks

if TYPE_CHECKING:
    from workbench.domain.balloon.history.window import Window

COARSE = 4
"""Cells that one value may cover before the line shows how much time that is."""


def time_line(window: Window, start: float, cell: float, width: int, *, fineness: float) -> str:
    """Exactly ``width`` cells; what does not fit is left out.

    :param start: Unix time of the left edge.
    :param cell: seconds per cell.
    :param fineness: seconds that the coarsest value in the plot covers.
    """
    line, end = [" "] * width, start + width * cell
    right = "now" if window.end is None else moment(end, window.length)[-width:]
    left = "" if window.end is None else moment(start, window.length)
    if len(left) + len(right) + 2 > width:
        left = ""
    line[width - len(right) :] = right
    line[: len(left)] = left
    if words := resolution(fineness, cell, width - len(left) - len(right) - 4):
        line[len(left) + 2 : len(left) + 2 + len(words)] = words
    for tick in ticks(start, end, width):
        x = int((tick.time - start) / cell)
        begin = x - len(tick.label) // 2
        room = slice(begin - 1, begin + len(tick.label) + 1)
        if begin >= 1 and room.stop <= width and set(line[room]) == {" "}:
            line[begin : begin + len(tick.label)] = tick.label
    return "".join(line)


def resolution(seconds: float, cell: float, room: int) -> str:
    """The time that one value covers, where that is far more than a cell: shorter gaps are not visible.

    :param cell: seconds per cell.
    :param room: cells for the text.
    """
    if seconds <= COARSE * cell:
        return ""
    for words in ("one value per {} min, no finer gaps", "{} min a value", "\u2264 {} min"):
        if len(text := words.format(-int(-seconds // 60))) <= room:
            return text
    return ""
