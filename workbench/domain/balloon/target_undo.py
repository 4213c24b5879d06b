"""The targets that one guest was given in this session: what undo and redo go along."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

KEPT = 200
"""Targets that undo goes back at the most: more than anybody counts, in a session in which keys send live."""


class Way(StrEnum):
    """What a target is in the session's order."""

    NEW = "new"
    UNDO = "undo"
    REDO = "redo"


class Targets(Struct, frozen=True):
    """Targets in bytes, the nearest last: those before the present one, and those that were undone."""

    before: tuple[int, ...] = ()
    undone: tuple[int, ...] = ()

    def next(self, way: Way) -> int | None:
        """The target that undo or redo sends; None when there is none."""
        stack = self.before if way is Way.UNDO else self.undone
        return stack[-1] if stack and way is not Way.NEW else None

    def sent(self, target: int, *, replaced: int, way: Way) -> Targets:
        """After ``target`` was sent in place of ``replaced``; the same again is nothing to undo."""
        if way is Way.UNDO and self.before:
            return Targets(self.before[:-1], (*self.undone, replaced))
        if way is Way.REDO and self.undone:
            return Targets((*self.before, replaced)[-KEPT:], self.undone[:-1])
        if target == replaced:
            return self
        return Targets((*self.before, replaced)[-KEPT:])
