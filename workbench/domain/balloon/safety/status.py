"""A guest's floor, ramp and guard as commands report them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.balloon.history.marks import MarkKind
from workbench.domain.balloon.safety.floor import floor_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.balloon.history.marks import Mark
    from workbench.domain.balloon.safety.floor import Floor
    from workbench.domain.balloon.safety.protection import Protection, Safety
    from workbench.domain.balloon.safety.ramp import Ramp, Ramping


class SafetyStatus(Struct, frozen=True):
    """Floor, ramp and guard of one guest."""

    floor: Floor | None = None
    """None until its balloon has been read."""
    ramp: Ramp | None = None
    """The profile's ramp."""
    ramping: Ramping | None = None
    """A ramp in progress, or interrupted at a step."""
    left: bool = False
    """Whether that ramp was interrupted: no workbench runs it any more."""
    guard: bool = False
    """Whether its profile arms the guard."""
    armed: bool = False
    """Whether a running workbench has armed it."""
    acted: Mark | None = None
    """The guard's last action, if no target was sent since."""


def status_of(balloon: Balloon, safety: Safety, protection: Protection) -> SafetyStatus:
    """The state of a guest's ``safety``, as its ``protection`` carries it out."""
    return SafetyStatus(
        floor=floor_of(balloon, safety.floor),
        ramp=safety.ramp,
        ramping=protection.ramping or protection.left,
        left=protection.left is not None,
        guard=safety.guard,
        armed=protection.armed,
        acted=last_act(balloon.marks),
    )


def last_act(marks: Sequence[Mark]) -> Mark | None:
    """The guard's mark, if there was no target or reset after it.

    The guard's own request for all RAM comes just before its mark.
    """
    asked = (MarkKind.REQUEST, MarkKind.FOREIGN_REQUEST, MarkKind.RESET, MarkKind.GUARD)
    last = next((mark for mark in reversed(marks) if mark.kind in asked), None)
    return last if last is not None and last.kind is MarkKind.GUARD else None
