"""Divides the balloon panel's rows: the plot gets what it needs to be readable, the ledger the fullest form that then fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.content import Content

PLOT = 11
"""Rows for a well readable plot: six for the lines, the rest for marks, times and legend."""
PLOT_LEAST = 7
"""Rows below which the plot is useless."""
STAGED_ROWS = ((100, 2), (60, 3), (44, 4), (0, 5))
"""Minimum width, and the rows of a staged target from that width: reserved, so that nothing moves when one is staged."""


def height(content: Content, width: int) -> int:
    """Rows of a text; 0 for an empty one."""
    if not content.plain:
        return 0
    lines = content.plain.split("\n")
    if all(cell_len(line) <= width for line in lines):  # the usual case; wrapping takes a hundred times as long
        return len(lines)
    return len(content.wrap(max(1, width)))


def staged_rows(content: Content, width: int) -> int:
    """Rows for the staged target, whether or not one is staged."""
    usual = next(rows for least, rows in STAGED_ROWS if width >= least)
    return max(usual, height(content, width))


def choose(
    forms: Sequence[Content], rows: int, width: int, *, fullest: int = 0, alone: bool = False
) -> tuple[int | None, bool]:
    """The ledger's form, None if none fits, and whether the plot is drawn. While the plot is drawn, fewer rows never give a
    fuller form: a staged target or a message takes a row or two and must not change the ledger that way.

    :param forms: of the ledger, the fullest first.
    :param rows: for ledger and plot together.
    :param fullest: the first form allowed.
    :param alone: without the plot, whatever room there is.
    """
    # A blank row separates it from what is above.
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
