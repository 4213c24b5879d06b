"""What a key of the balloon panel asks for. The panel posts it as a message; see :mod:`workbench.ui.balloon.requests`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.balloon.diagnosis.causes import State

if TYPE_CHECKING:
    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.balloon.safety.forecast import Forecast
    from workbench.domain.balloon.safety.protection import ProtectionRequest
    from workbench.domain.balloon.target_undo import Way
    from workbench.domain.guest.snapshot import GuestSnapshot

NO_READING = "No reading of the balloon yet"


class Refuse(Struct, frozen=True):
    """The key does nothing now."""

    reason: str


class SendTarget(Struct, frozen=True):
    """Set the guest's target to ``plan.target`` bytes."""

    guest: str
    plan: Forecast
    before: int
    """The target that it replaces, in bytes."""
    way: Way


class ChoosePreset(Struct, frozen=True):
    """Choose one of the presets."""


class Protect(Struct, frozen=True):
    """Change ramp or guard."""

    guest: str
    request: ProtectionRequest


Effect = Refuse | SendTarget | ChoosePreset | Protect


def live_balloon(snapshot: GuestSnapshot | None) -> Balloon | None:
    """The balloon of a guest that is running."""
    return snapshot.balloon if snapshot is not None and snapshot.phase.alive else None


def refuse(snapshot: GuestSnapshot | None) -> Refuse:
    """Why a key that needs a balloon does nothing."""
    balloon = live_balloon(snapshot)
    if snapshot is None:
        return Refuse("No guest is chosen")
    if not snapshot.phase.alive:
        return Refuse(f"{snapshot.name} is not running")
    if balloon is None:
        return Refuse(snapshot.trouble or NO_READING)
    if balloon.verdict.state is State.ABSENT:
        return Refuse(balloon.verdict.cause)
    return Refuse(NO_READING)
