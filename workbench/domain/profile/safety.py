"""How a profile protects its guest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.safety.protection import Safety
from workbench.domain.balloon.safety.ramp import parse_ramp

if TYPE_CHECKING:
    from workbench.domain.profile.guest import GuestProfile


def safety_of(profile: GuestProfile | None) -> Safety:
    """The safety settings of a profile; the defaults without a profile or a balloon."""
    balloon = profile.balloon if profile is not None else None
    if balloon is None:
        return Safety()
    ramp = parse_ramp(balloon.ramp) if balloon.ramp is not None else None
    return Safety(balloon.floor, ramp, balloon.guard, balloon.presets, balloon.statistics)
