"""How a guest is kept from being left with too little, as it stands now: what a command can say that does not stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.balloon.history.marks import MarkKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.balloon.history.marks import Mark
    from workbench.domain.balloon.safety.floor import Floor
    from workbench.domain.balloon.safety.ramp import Ramp, Ramping


class Standing(Struct, frozen=True):
    """Floor, ramp and guard of one guest."""

    floor: Floor | None = None
    """None while nothing was read of its balloon."""
    ramp: Ramp | None = None
    """Its profile's."""
    ramping: Ramping | None = None
    """A ramp that is under way, or was left at a step."""
    left: bool = False
    """Whether nobody carries that ramp out any more."""
    guard: bool = False
    """Whether its profile arms the guard."""
    armed: bool = False
    """Whether a workbench that lives has armed it."""
    acted: Mark | None = None
    """What the guard did, when nothing was asked of the guest since."""


def last_act(marks: Sequence[Mark]) -> Mark | None:
    """The guard's mark, when no target was sent after it and the guest did not start over.

    The guard's own request for all RAM stands just before its mark.
    """
    asked = (MarkKind.REQUEST, MarkKind.FOREIGN_REQUEST, MarkKind.RESET, MarkKind.GUARD)
    last = next((mark for mark in reversed(marks) if mark.kind in asked), None)
    return last if last is not None and last.kind is MarkKind.GUARD else None
