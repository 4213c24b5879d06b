"""What keeps a guest from being left with too little: the wishes of its profile, and how they stand now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.domain.ramp import parse_ramp

if TYPE_CHECKING:
    from workbench.domain.profile import GuestProfile
    from workbench.domain.ramp import Ramp


@dataclass(frozen=True, slots=True)
class Safety:
    """``floor``, ``ramp``, ``guard`` and ``presets`` of a profile's ``[balloon]``."""

    floor: int | None = None
    """Bytes; None: worked out from what the guest uses (:func:`workbench.domain.floor.floor_of`)."""
    ramp: Ramp | None = None
    """None: all in one step."""
    guard: bool = False
    presets: tuple[tuple[str, str], ...] = ()
    """Names, each with a target as a person writes it, in the order of the profile."""
    statistics: int = 0
    """Seconds between two readings of the guest's statistics."""


def safety_of(profile: GuestProfile | None) -> Safety:
    """What a profile wishes; the defaults without a profile or a balloon."""
    balloon = profile.balloon if profile is not None else None
    if balloon is None:
        return Safety()
    ramp = parse_ramp(balloon.ramp) if balloon.ramp is not None else None
    return Safety(balloon.floor, ramp, balloon.guard, balloon.presets, balloon.statistics)
