"""A guest's floor, ramp and guard, read from its directory and profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.safety.floor import floor_of
from workbench.domain.balloon.safety.status import SafetyStatus, last_act
from workbench.domain.profile.guest import safety_of
from workbench.engine.balloon.safety.guard import is_armed
from workbench.engine.balloon.safety.ramp import found
from workbench.engine.profiles.store import started_profile

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.domain.balloon.balloon import Balloon


def read_status(directory: Path, balloon: Balloon) -> SafetyStatus:
    """Read the current state; changes nothing."""
    safety = safety_of(started_profile(directory))
    ramping, lives = found(directory, balloon.reading.target) if balloon.reading is not None else (None, False)
    return SafetyStatus(
        floor=floor_of(balloon, safety.floor),
        ramp=safety.ramp,
        ramping=ramping,
        left=ramping is not None and not lives,
        guard=safety.guard,
        armed=is_armed(directory),
        acted=last_act(balloon.marks),
    )
