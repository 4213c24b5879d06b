"""Marks in a plot: a letter where something happened, and what the letters mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.history.marks import LETTERS, MarkKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.balloon.history.marks import Mark

ALARMS = frozenset({MarkKind.TAKE_BACK, MarkKind.GUARD})
TARGETS = frozenset({MarkKind.REQUEST, MarkKind.FOREIGN_REQUEST, MarkKind.RAMP})
RULED = frozenset({MarkKind.TAKE_BACK, MarkKind.GUARD, MarkKind.RESET, MarkKind.RAM_CHANGE})
"""Marks with a vertical line through the plot."""
_RANK = {kind: rank for rank, kind in enumerate(LETTERS)}


def placed(marks: Sequence[Mark], *, start: float, step: float, width: int) -> dict[int, MarkKind]:
    """The mark of each cell that has one, by its column; the most important one where several share a cell.

    :param step: seconds per cell.
    """
    found: dict[int, MarkKind] = {}
    for mark in marks:
        x = int((mark.time - start) // step)
        if 0 <= x < width and (x not in found or _RANK[mark.kind] < _RANK[found[x]]):
            found[x] = mark.kind
    return found


def style_of(kind: MarkKind) -> str:
    """The name of the plot's colour for the mark's letter."""
    return "alarm" if kind in ALARMS else "target" if kind in TARGETS else "mark"


def explained(kinds: Sequence[MarkKind]) -> list[tuple[str, str, str]]:
    """Letter, meaning and colour of each of these kinds once, the most important first."""
    return [(*LETTERS[kind], style_of(kind)) for kind in sorted(set(kinds), key=_RANK.__getitem__)]
