"""Marks in a plot: a letter where something happened, and what the letters mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.marks import MarkKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.marks import Mark

LETTERS = {
    MarkKind.TAKE_BACK: ("O", "taken back", "alarm"),
    MarkKind.GUARD: ("G", "guard", "alarm"),
    MarkKind.RESET: ("R", "reset", "mark"),
    MarkKind.RAM_CHANGE: ("M", "RAM changed", "mark"),
    MarkKind.PAUSE: ("P", "paused", "mark"),
    MarkKind.RESUME: ("C", "runs on", "mark"),
    MarkKind.FOREIGN_REQUEST: ("X", "set elsewhere", "target"),
    MarkKind.REQUEST: ("T", "target set", "target"),
    MarkKind.RAMP: ("S", "ramp step", "target"),
}
"""Letter, words and colour of each. Where several fall into one cell, the first has it."""
RULED = frozenset({MarkKind.TAKE_BACK, MarkKind.GUARD, MarkKind.RESET, MarkKind.RAM_CHANGE})
"""What deserves a line up through the plot."""
_RANK = {kind: rank for rank, kind in enumerate(LETTERS)}


def placed(marks: Sequence[Mark], *, start: float, step: float, width: int) -> dict[int, MarkKind]:
    """The mark of each cell that has one, by its column.

    :param step: seconds of a cell.
    """
    found: dict[int, MarkKind] = {}
    for mark in marks:
        x = int((mark.time - start) // step)
        if 0 <= x < width and (x not in found or _RANK[mark.kind] < _RANK[found[x]]):
            found[x] = mark.kind
    return found


def explained(kinds: Sequence[MarkKind]) -> list[tuple[str, str, str]]:
    """Letter, words and colour of each of these kinds once, the weightiest first."""
    return [LETTERS[kind] for kind in sorted(set(kinds), key=_RANK.__getitem__)]
