"""How fast a guest's balloon inflates and deflates, measured separately."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from workbench.domain.units import MIB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.balloon.reading import Sample


AT_REST = MIB
"""Bytes a second up to which a balloon counts as at rest."""

NEAR = 0.5
"""Seconds between two samples up to which they give a speed; over a longer time the balloon may have paused."""
WINDOW = 20
"""Most samples that a rate is taken from: two seconds of a moving guest."""


class Speeds(Struct, frozen=True):
    """Top speed of a guest's balloon in its last movement each way, in bytes a second; 0 if it never moved that way.

    Deflating is several times faster than inflating, so the two are kept apart. The rate is a mean over about a second
    and falls to 0 at the end of a movement, so the largest is kept.
    """

    inflating: float = 0.0
    deflating: float = 0.0
    moves: int = 0
    """Sign of the present movement's rate; 0 while the balloon is at rest."""

    @classmethod
    def over(cls, history: Sequence[Sample]) -> Speeds:
        """The speeds in a recorded history, oldest sample first."""
        speeds = cls()
        for at in range(1, len(history)):
            now, near = history[at].time, history[at].time - history[at - 1].time <= NEAR
            speeds = speeds.after(rate_of(history[max(0, at - WINDOW) : at + 1], now) if near else 0.0)
        return speeds

    def after(self, rate: float) -> Speeds:
        """The speeds after one more rate: bytes of ``actual`` a second, signed."""
        speed = abs(rate)
        if speed <= AT_REST:
            return replace(self, moves=0)
        way = 1 if rate > 0 else -1
        if way == 1:
            return Speeds(self.inflating, max(speed, self.deflating) if self.moves == way else speed, way)
        return Speeds(max(speed, self.inflating) if self.moves == way else speed, self.deflating, way)

    def towards(self, actual: int, target: int) -> float:
        """The speed from ``actual`` to ``target``, both in bytes."""
        return self.inflating if target < actual else self.deflating


RATE_WINDOW = 1.5
"""Seconds over which the rate is taken."""


def rate_of(samples: Sequence[Sample], now: float) -> float:
    """Bytes of ``actual`` a second over the last :data:`RATE_WINDOW` seconds, signed; 0 if it did not move."""
    recent: list[Sample] = []
    for sample in reversed(samples):
        recent.append(sample)
        if now - sample.time > RATE_WINDOW:
            break
    # The time at rest before a movement does not count.
    while len(recent) > 2 and recent[-2].actual == recent[-1].actual:
        recent.pop()
    if len(recent) < 2 or recent[0].time <= recent[-1].time:
        return 0.0
    # The clock may have been set back: use at least the time between the samples.
    return (recent[0].actual - recent[-1].actual) / (max(now, recent[0].time) - recent[-1].time)
