"""Undo and redo of the targets sent to one guest in this session."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

KEPT = 200
"""Depth of the undo history."""


class Way(StrEnum):
    """Whether a target is new, or sent by undo or redo."""

    NEW = "new"
    UNDO = "undo"
    REDO = "redo"


class Targets(Struct, frozen=True):
    """Targets in bytes, nearest last: those before the present one, and those undone."""

    before: tuple[int, ...] = ()
    undone: tuple[int, ...] = ()

    def next(self, way: Way) -> int | None:
        """The target that undo or redo sends; None if there is none."""
        stack = self.before if way is Way.UNDO else self.undone
        return stack[-1] if stack and way is not Way.NEW else None

    def sent(self, target: int, *, replaced: int, way: Way) -> Targets:
        """The history after ``target`` replaced ``replaced``; resending the same target adds nothing."""
        if way is Way.UNDO and self.before:
            return Targets(self.before[:-1], (*self.undone, replaced))
        if way is Way.REDO and self.undone:
            return Targets((*self.before, replaced)[-KEPT:], self.undone[:-1])
        if target == replaced:
            return self
        return Targets((*self.before, replaced)[-KEPT:])
