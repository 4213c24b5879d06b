"""How fast a guest's balloon was seen to move, each way by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from workbench.domain.balloon.reading import Sample
from workbench.domain.units import MIB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.balloon.reading import Sample

STANDS = MIB
"""Bytes a second below which a balloon counts as standing still."""

NEAR = 0.5
"""Seconds between two samples up to which they tell a speed: it may have stood in a longer time."""
WINDOW = 20
"""Samples that a rate is taken from at most: two seconds of a guest that moves."""


class Speeds(Struct, frozen=True):
    """What a guest's balloon reached, when it last moved, in bytes a second; 0 where it was not seen to move that way.

    Deflating is several times as fast as inflating, so one tells nothing of the other. The rate is a mean over about a
    second, so at the end of each movement it falls to nothing: the largest of a movement is kept.
    """

    inflating: float = 0.0
    deflating: float = 0.0
    moves: int = 0
    """The way of the movement that goes on, the sign of its rate: 0 while the balloon stands."""

    @classmethod
    def over(cls, history: Sequence[Sample]) -> Speeds:
        """What was recorded before anybody looked, oldest first."""
        speeds = cls()
        for at in range(1, len(history)):
            now, near = history[at].time, history[at].time - history[at - 1].time <= NEAR
            speeds = speeds.after(rate_of(history[max(0, at - WINDOW) : at + 1], now) if near else 0.0)
        return speeds

    def after(self, rate: float) -> Speeds:
        """With one more rate, in bytes of ``actual`` a second, signed."""
        speed = abs(rate)
        if speed <= STANDS:
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
    """Bytes of ``actual`` a second over the last :data:`RATE_WINDOW` seconds, signed; 0 when it did not move."""
    recent: list[Sample] = []
    for sample in reversed(samples):
        recent.append(sample)
        if now - sample.time > RATE_WINDOW:
            break
    # What it stood still before it began to move is not part of its speed.
    while len(recent) > 2 and recent[-2].actual == recent[-1].actual:
        recent.pop()
    if len(recent) < 2 or recent[0].time <= recent[-1].time:
        return 0.0
    # The clock may have been set back since: never less time than lies between the samples.
    return (recent[0].actual - recent[-1].actual) / (max(now, recent[0].time) - recent[-1].time)
