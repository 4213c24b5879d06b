"""What a target would do before it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.domain.units import MIB

if TYPE_CHECKING:
    from workbench.domain.balloon import Balloon


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a staged target would do."""

    target: int
    """Bytes."""
    available: int | None
    """Bytes that the guest would have left, by its own statistics; None when it said nothing."""
    seconds: float | None
    """Seconds to settle at the speed that was seen; None when none was seen."""
    risky: bool
    """Whether it would leave the guest too little: it is asked before it is sent."""


FLOOR_SHARE = 20
FLOOR = 32 * MIB
"""A target that would leave the guest less available memory than this, or than RAM / 20, is asked about first."""


def forecast(balloon: Balloon, target: int, speed: float) -> Forecast:
    """What would happen if ``target`` was sent now.

    :param speed: bytes a second seen when the balloon last moved; 0 when it was not seen to move.
    """
    reading = balloon.reading
    assert reading is not None
    stats = balloon.stats
    available = None
    if stats is not None and stats.available is not None:
        available = max(0, stats.available - (actual_at(balloon, stats.last_update) - target))
    seconds = abs(reading.actual - target) / speed if speed else None
    floor = max(FLOOR, reading.ram // FLOOR_SHARE)
    left = target if available is None else available
    return Forecast(target, available, seconds, risky=target < reading.actual and left < floor)


def actual_at(balloon: Balloon, when: float) -> int:
    """What the guest had when it last told of its memory, in bytes: its figures are seconds old, and it may have given since.

    QEMU stamps them with whole seconds (hw/virtio/virtio-balloon.c, ``balloon_stats_get_all``), so the most that it had
    in that second counts: then the forecast errs on the safe side.
    """
    assert balloon.reading is not None
    then = [sample.actual for sample in balloon.history if when - 0.2 <= sample.time <= when + 1.0]
    if then:
        return max(then)
    before = [sample.actual for sample in balloon.history if sample.time < when]
    return before[-1] if before else balloon.reading.actual
