"""How ``actual`` moved while the target stood: memory that the guest took back, and inflation that fights it.

With deflate-on-oom a Linux guest that is about to kill a process leaks 256 pages (1 MiB) from its balloon instead, as often as
it must (drivers/virtio/virtio_balloon.c, ``virtio_balloon_oom_notify``). It writes the new ``actual`` and leaves it at that: a
balloon that was settled stays below its target until the target is sent again. One that was still inflating tries again five
times a second (``update_balloon_size_func`` queues itself), and the two take turns.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workbench.domain.balloon.reading import Reading, Sample

STILL = 2.0
"""Seconds for which a driver stands when it has nothing to begin with."""
PAUSE = 5.0
"""Seconds without growth after which more of it is another take-back."""
WINDOW = 15.0
"""Seconds in which turns are counted."""
TURNS = 4
"""Changes of direction from which actual oscillates."""


class TakeBack(Struct, frozen=True):
    """Memory that the guest took from its balloon though nobody raised the target."""

    began: float
    """Unix time of the last reading before it."""
    last: float
    """Unix time of the last reading that showed growth."""
    low: int
    """Bytes: actual before it."""
    high: int
    """Bytes: the most that actual was since."""

    @property
    def size(self) -> int:
        return self.high - self.low


class Watch(Struct, frozen=True):
    """What follows a guest from reading to reading, to tell memory that it takes back from a driver that comes or goes.

    A driver that is unloaded gives all back first, and one that is loaded begins with an empty balloon: after a reset, actual
    jumps up from what the driver before it held. Neither is a take-back.
    """

    run: TakeBack | None = None
    """The take-back since the target took its present value."""
    fresh: bool = True
    """Whether the driver may still have to begin anew: until it gives pages, stands for a while, or has another target."""
    still: float = 0.0
    """Unix time since which a fresh one stands; 0 = not yet."""

    def after(self, before: Reading | None, reading: Reading, *, driver_ok: bool) -> Watch:
        """With one reading more, and what is known of the driver now."""
        if not driver_ok:
            return Watch()
        if before is None:
            return self
        if before.ram != reading.ram:
            return Watch(fresh=self.fresh)
        if before.target != reading.target:
            return Watch(fresh=False)
        if self.fresh:
            if reading.actual != before.actual:
                return Watch(fresh=reading.actual > before.actual)
            still = self.still or before.time
            return Watch(fresh=reading.time - still < STILL, still=still)
        return Watch(_follow(self.run, before, reading), fresh=False)


def _follow(run: TakeBack | None, before: Reading, reading: Reading) -> TakeBack | None:
    """The take-back that goes on, or begins, with this reading; else the one before it."""
    # What grows up to the target is ordinary deflation.
    low = max(before.actual, reading.target)
    if reading.actual <= low:
        return run
    if run is None or reading.time - run.last > PAUSE:
        return TakeBack(before.time, reading.time, low, reading.actual)
    return replace(run, last=reading.time, high=max(run.high, reading.actual))


class Turns(Struct, frozen=True):
    """How actual went up and down. Sizes are bytes."""

    count: int
    """Changes of direction."""
    risen: int
    fallen: int
    seconds: float


def oscillation(samples: Sequence[Sample], *, target: int, since: float, now: float) -> Turns | None:
    """The turns of an ``actual`` that goes up and down above its target and comes no nearer; None when it does not.

    :param since: Unix time at which the target was sent.
    """
    recent = [one for one in samples if one.time >= max(since, now - WINDOW) and one.target == target]
    # The inflation before the first growth is no part of the fight.
    first = next((index for index, step in _steps(recent) if step > 0), None)
    if first is None or recent[-1].actual <= target:
        return None
    steps = [step for _, step in _steps(recent[first:])]
    count = sum((a > 0) != (b > 0) for a, b in pairwise(steps))
    risen, fallen = sum(step for step in steps if step > 0), -sum(step for step in steps if step < 0)
    # Progress would be falls that the rises do not eat up by half.
    if count < TURNS or 2 * risen < fallen:
        return None
    return Turns(count, risen, fallen, recent[-1].time - recent[first].time)


def rising(samples: Sequence[Sample], *, target: int) -> bool:
    """Whether the last movement of actual under this target was upwards."""
    last = 0
    for _, step in _steps([one for one in samples if one.target == target]):
        last = step
    return last > 0


def moved_at(samples: Sequence[Sample]) -> float:
    """Unix time of the last sample that has another actual than the one before it; 0 when none has."""
    last = 0.0
    for index, _ in _steps(samples):
        last = samples[index + 1].time
    return last


def _steps(samples: Sequence[Sample]) -> Iterator[tuple[int, int]]:
    """Each change of actual in bytes, with the index of the sample before it."""
    for index, (before, after) in enumerate(pairwise(samples)):
        if after.actual != before.actual:
            yield index, after.actual - before.actual
