"""Names and values in aligned columns that do not move when the values change."""

from __future__ import annotations

from msgspec import Struct
from textual.content import Content


class Column(Struct, frozen=True):
    """A name at the left and its value at the right of a column of fixed width."""

    name: str
    value: str
    style: str = ""
    name_style: str = "$foreground-muted"
    short: str = ""
    """The name where there is no room for all of it; the default is its last word."""


CELL = 18
"""Minimum columns of the screen for one name and its value."""
CELL_MOST = 26


def grid(rows: list[list[Column]], width: int, *, fit: int = 3, least: int = CELL) -> Content:
    """Aligned rows; where ``fit`` columns do not fit side by side, two do, and the others follow below.

    :param fit: maximum number side by side.
    :param least: minimum columns of the screen for one name and its value.
    """
    gap = 1 if width < 2 * CELL + 2 else 2 if width < 64 else 4
    if width < fit * least + (fit - 1) * gap:
        gap = 1
    fit = fit if width >= fit * least + (fit - 1) * gap else 2
    cell = min(CELL_MOST, (width - (fit - 1) * gap) // fit)
    lines = [row[:fit] for row in rows]
    spill = [column for row in rows for column in row[fit:]]
    lines += [spill[at : at + fit] for at in range(0, len(spill), fit)]
    space = Content(" " * gap)
    return Content("\n").join(space.join([_cell(column, cell) for column in line]) for line in lines if line)


def _cell(column: Column, width: int) -> Content:
    # "host holds" becomes "holds" where both words and the value do not fit.
    whole = not column.name or len(column.name) + len(column.value) < width
    name = column.name if whole else column.short or column.name.split()[-1]
    room = max(1, width - len(name))
    return Content.assemble((name, column.name_style), (f"{column.value:>{room}}", column.style))
