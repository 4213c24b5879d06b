"""What a target would do before it is sent."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.balloon.diagnosis.causes import STALE_STATISTICS, Cause, State
from workbench.domain.balloon.safety.floor import actual_at, floor_of
from workbench.domain.balloon.safety.gain import expected_gain
from workbench.domain.balloon.safety.ramp import settle_time
from workbench.domain.units import MIB, mib

if TYPE_CHECKING:
    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.balloon.safety.floor import Floor
    from workbench.domain.balloon.safety.gain import Gain
    from workbench.domain.balloon.safety.ramp import Ramp


class Risk(Enum):
    """Why a target is asked about before it is sent."""

    BELOW_FLOOR = "below-floor"
    LITTLE_LEFT = "little-left"
    """The guest would have little available memory left."""


class Forecast(Struct, frozen=True):
    """What a staged target would do."""

    target: int
    """Bytes."""
    available: int | None
    """Bytes that the guest would have left, by its own statistics; None when it said nothing."""
    age: float | None
    """Seconds since the guest said so, where that is too long ago to be sure of; None else."""
    seconds: float | None
    """Seconds to settle at the speed that was seen, the waits of a ramp included; None when none was seen."""
    risk: Risk | None = None
    """Why it is asked about before it is sent; None when it is not."""
    risk_words: str = ""
    """The same in words."""
    floor: Floor | None = None
    steps: int = 1
    """How many targets lead there: more than one with a ramp."""
    gain: Gain | None = None
    """What the host would gain; None when nothing is known of what it holds, or nothing would move."""
    waits: str = ""
    """For what the target would wait once it is sent, in words; empty when the guest can begin."""

    @property
    def risky(self) -> bool:
        """Whether it is asked about before it is sent."""
        return self.risk is not None


WAITS = {
    Cause.NO_DRIVER: "waits for a driver",
    Cause.STARTING: "waits for its driver",
    Cause.STALE_AFTER_RESET: "waits for its driver",
    Cause.PAUSED: "waits until the guest runs",
}
"""With these a target moves nothing yet."""
LEFT_SHARE = 20
LEFT = 32 * MIB
"""A target that would leave the guest less available memory than this, or than RAM / 20, is asked about first."""


def forecast(
    balloon: Balloon, target: int, speed: float, *, floor: int | None = None, ramp: Ramp | None = None
) -> Forecast:
    """What would happen if ``target`` was sent now.

    :param speed: bytes a second seen when the balloon last moved; 0 when it was not seen to move.
    :param floor: ``[balloon] floor`` of the guest's profile in bytes; None when it has none.
    :param ramp: in which an inflation would go; None for all at once.
    """
    reading = balloon.reading
    assert reading is not None
    stats = balloon.stats
    available = age = None
    if stats is not None and stats.available is not None:
        available = max(0, stats.available - (actual_at(balloon, stats) - target))
        if any(note.code in STALE_STATISTICS for note in balloon.verdict.notes):
            age = max(0.0, reading.time - stats.last_update)
    steps = ramp.steps(reading.actual, target) if ramp else 1
    seconds = settle_time(reading.actual - target, speed, ramp) if speed else None
    least = floor_of(balloon, floor)
    risk, risk_words = None, ""
    if target < reading.actual:
        enough = max(LEFT, reading.ram // LEFT_SHARE)
        if least is not None and target < least.size:
            risk, risk_words = Risk.BELOW_FLOOR, f"below the floor of {mib(least.size)}"
        elif available is not None and available < enough:
            risk, risk_words = Risk.LITTLE_LEFT, f"less than {mib(enough)} left"
    verdict = balloon.verdict
    waits = next((WAITS[code] for code in (verdict.code, *(note.code for note in verdict.notes)) if code in WAITS), "")
    gain = expected_gain(balloon, target)
    if verdict.state is State.ABSENT:
        seconds = gain = None  # what a driver will do that is not there yet, nobody knows
    return Forecast(target, available, age, seconds, risk, risk_words, least, steps, gain, waits)
