"""Lines drawn with braille dots: two columns and four rows of dots in each cell, one series' colour for each cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BLANK = 0x2800
"""U+2800 BRAILLE PATTERN BLANK; the dots are the bits above it."""
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot, by row and column (Unicode 15, 8.7 Braille Patterns)."""


@dataclass(frozen=True, slots=True)
class Cell:
    character: str
    series: int
    """Index of the series whose colour the cell has; -1 for an empty cell."""


EMPTY = Cell(" ", -1)


def draw(
    series: Sequence[Sequence[float | None]], *, width: int, height: int, low: float, high: float
) -> list[list[Cell]]:
    """Rows of cells for some series, drawn as steps.

    :param series: for each series ``2 * width`` values from left to right, one for each column of dots; None leaves a
        gap. Where two series share a cell, the one that comes first in ``series`` gives the colour.
    :param low: the value at the bottom row of dots.
    :param high: the value at the top row of dots; above ``low``.
    """
    bits = [[0] * width for _ in range(height)]
    owners = [[-1] * width for _ in range(height)]
    rows = height * 4 - 1
    scale = rows / (high - low)
    for index in reversed(range(len(series))):
        before: int | None = None
        for x, value in enumerate(series[index]):
            if value is None:
                before = None
                continue
            y = rows - round((min(max(value, low), high) - low) * scale)
            for dot in _between(before, y):
                bits[dot // 4][x // 2] |= _DOTS[dot % 4][x % 2]
                owners[dot // 4][x // 2] = index
            before = y
    return [
        [Cell(chr(BLANK + bit), owner) if bit else EMPTY for bit, owner in zip(bit_row, owner_row, strict=True)]
        for bit_row, owner_row in zip(bits, owners, strict=True)
    ]


def _between(before: int | None, now: int) -> range:
    """The rows of dots that join a step: the new one, and those passed on the way to it."""
    if before is None or before == now:
        return range(now, now + 1)
    return range(before + 1, now + 1) if now > before else range(now, before)


def resample(
    times: Sequence[float], values: Sequence[float | None], *, start: float, step: float, count: int
) -> list[float | None]:
    """The value that held at each of ``count`` moments from ``start``: the last one known by then.

    :param times: ascending; as many as ``values``.
    """
    result: list[float | None] = []
    at = 0
    held: float | None = None
    for index in range(count):
        until = start + (index + 1) * step
        while at < len(times) and times[at] <= until:
            held = values[at]
            at += 1
        result.append(held)
    return result
