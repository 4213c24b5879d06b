"""Forecast the effect of a target before it is sent."""

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
    """Why a target needs confirmation."""

    BELOW_FLOOR = "below-floor"
    LITTLE_LEFT = "little-left"
    """The guest would have little available memory left."""


class Forecast(Struct, frozen=True):
    """The expected effect of a staged target."""

    target: int
    """Bytes."""
    available: int | None
    """Bytes that the guest would have available, by its statistics; None if it reports none."""
    age: float | None
    """Age of that report in seconds if it is out of date, else None."""
    seconds: float | None
    """Seconds to settle at the measured speed, including a ramp's waits; None if no speed was measured."""
    risk: Risk | None = None
    """Why it needs confirmation; None if it does not."""
    risk_words: str = ""
    """The same for people."""
    floor: Floor | None = None
    steps: int = 1
    """Number of targets to send: more than one with a ramp."""
    gain: Gain | None = None
    """What the host would gain; None if its resident memory is unknown, or nothing would move."""
    waits: str = ""
    """What the target would wait for after it is sent; empty if the guest can start at once."""

    @property
    def risky(self) -> bool:
        """Whether it needs confirmation."""
        return self.risk is not None


WAITS = {
    Cause.NO_DRIVER: "waits for a driver",
    Cause.STARTING: "waits for its driver",
    Cause.STALE_AFTER_RESET: "waits for its driver",
    Cause.PAUSED: "waits until the guest runs",
}
"""Causes with which a target has no effect yet."""
LEFT_SHARE = 20
LEFT = 32 * MIB
"""A target that leaves less available memory than this, or than RAM / 20, needs confirmation."""


def forecast(
    balloon: Balloon, target: int, speed: float, *, floor: int | None = None, ramp: Ramp | None = None
) -> Forecast:
    """The effect of sending ``target`` now.

    :param speed: bytes a second in the balloon's last movement; 0 if none was seen.
    :param floor: ``[balloon] floor`` of the guest's profile in bytes; None if it has none.
    :param ramp: the ramp for an inflation; None for a single step.
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
        seconds = gain = None  # unknown until there is a driver
    return Forecast(target, available, age, seconds, risk, risk_words, least, steps, gain, waits)
