"""What keeps a guest from being left with too little: the wishes of its profile, and how they stand now."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from workbench.domain.balloon.safety.guard import Alarm
    from workbench.domain.balloon.safety.ramp import Ramp, Ramping


class Safety(Struct, frozen=True):
    """``floor``, ``ramp``, ``guard`` and ``presets`` of a profile's ``[balloon]``."""

    floor: int | None = None
    """Bytes; None: worked out from what the guest uses (:func:`workbench.domain.balloon.safety.floor.floor_of`)."""
    ramp: Ramp | None = None
    """None: all in one step."""
    guard: bool = False
    presets: tuple[tuple[str, str], ...] = ()
    """Names, each with a target as a person writes it, in the order of the profile."""
    statistics: int = 0
    """Seconds between two readings of the guest's statistics."""


class Wish(StrEnum):
    """What a person can ask of a guest's ramp and guard while it runs."""

    ARM = "arm the guard"
    DISARM = "disarm the guard"
    RAMP_ON = "large inflations go in steps"
    RAMP_OFF = "inflations go at once"
    STOP_RAMP = "leave the guest at the step that it is at"
    GO_ON = "go on with a ramp that was left"
    DISMISS = "what the guard did, and the ramp that was left, are read"


class Protection(Struct, frozen=True):
    """How ramp and guard of a running guest stand now."""

    ramp: Ramp | None = None
    """In which inflations go in this session; None: all at once."""
    paced: bool = False
    """Whether that is the armed guard's own pace, since no ramp is on."""
    ramping: Ramping | None = None
    """A ramp that is under way."""
    elsewhere: bool = False
    """Whether another workbench carries that ramp out, as the command line does."""
    left: Ramping | None = None
    """A ramp that was left at a step by a workbench that is gone."""
    armed: bool = False
    blind: str = ""
    """Why the armed guard cannot see; empty when it can."""
    alarm: Alarm | None = None
    """What the guard did last; None when it did nothing, or that was dismissed."""
