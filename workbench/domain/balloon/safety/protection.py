"""A guest's protection against too little memory: its profile's settings, and the state of ramp and guard."""

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
    """Bytes; None: computed from the guest's use (:func:`workbench.domain.balloon.safety.floor.floor_of`)."""
    ramp: Ramp | None = None
    """None: a single step."""
    guard: bool = False
    presets: tuple[tuple[str, str], ...] = ()
    """Names and their targets as written, in the profile's order."""
    statistics: int = 0
    """Polling interval of the guest's statistics in seconds."""


class ProtectionRequest(StrEnum):
    """A request to a running guest's ramp or guard."""

    ARM = "arm the guard"
    DISARM = "disarm the guard"
    RAMP_ON = "ramp large inflations"
    RAMP_OFF = "inflate in a single step"
    STOP_RAMP = "stop the ramp at the present step"
    CONTINUE_RAMP = "continue the interrupted ramp"
    DISMISS = "dismiss the guard's alarm and the interrupted ramp"


class Protection(Struct, frozen=True):
    """The state of a running guest's ramp and guard."""

    ramp: Ramp | None = None
    """The ramp for inflations in this session; None: a single step."""
    paced: bool = False
    """Whether that is the armed guard's own pace, as no ramp is on."""
    ramping: Ramping | None = None
    """The ramp in progress."""
    elsewhere: bool = False
    """Whether another workbench runs that ramp, such as the command line."""
    left: Ramping | None = None
    """A ramp interrupted at a step when its workbench exited."""
    armed: bool = False
    blind: str = ""
    """Why the armed guard is blind; empty if it is not."""
    alarm: Alarm | None = None
    """The guard's last alarm; None if there was none, or it was dismissed."""
