"""How the balloon panel shares out its rows: the plot gets what it needs to be read, and the ledger the form that then fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.content import Content

PLOT = 11
"""Rows with which the plot can be read well: six for the lines, the rest for marks, times and legend."""
PLOT_LEAST = 7
"""Rows below which it says nothing."""
STAGED_ROWS = ((100, 2), (60, 3), (44, 4), (0, 5))
"""Rows that a staged target takes, by the width from which: kept free, so that nothing moves when one is staged."""


def height(content: Content, width: int) -> int:
    """Rows that a text takes; none for an empty one."""
    if not content.plain:
        return 0
    lines = content.plain.split("\n")
    if all(cell_len(line) <= width for line in lines):  # as nearly always, and wrapping takes a hundred times as long
        return len(lines)
    return len(content.wrap(max(1, width)))


def staged_rows(content: Content, width: int) -> int:
    """Rows for the staged target, whether one is staged or not."""
    usual = next(rows for least, rows in STAGED_ROWS if width >= least)
    return max(usual, height(content, width))


def choose(
    forms: Sequence[Content], rows: int, width: int, *, fullest: int = 0, alone: bool = False
) -> tuple[int | None, bool]:
    """Which form the ledger has, None for no room at all, and whether the plot is drawn. With fewer rows no form is fuller, as
    long as the plot is drawn: what is staged or told below takes a row or two, and must not make another form of it.

    :param forms: of the ledger, the fullest first.
    :param rows: that ledger and plot have together.
    :param fullest: the first form that may be taken.
    :param alone: without the plot, whatever room there is.
    """
    # A blank row keeps it apart from what stands above.
    sizes = [(number, height(form, width) + 1) for number, form in enumerate(forms) if number >= fullest]
    if not alone:
        for number, size in sizes:
            if rows - size >= PLOT:
                return number, True
        if rows - sizes[-1][1] >= PLOT_LEAST:
            return sizes[-1][0], True
    for number, size in sizes:
        if size <= rows:
            return number, False
    return None, False
