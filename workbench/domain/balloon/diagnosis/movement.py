"""Movements of ``actual`` under an unchanged target: memory that the guest took back, and inflation that fights it.

With deflate-on-oom, a Linux guest about to OOM-kill a process takes 256 pages (1 MiB) from its balloon instead, as often as
needed (drivers/virtio/virtio_balloon.c, ``virtio_balloon_oom_notify``). It only writes the new ``actual``: a balloon that
had settled stays off its target until the target is sent again. One that was still inflating retries five times a second
(``update_balloon_size_func`` requeues itself), and the two fight.
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
"""Seconds at rest after which a new driver counts as having started."""
PAUSE = 5.0
"""Seconds without growth after which further growth is another take-back."""
WINDOW = 15.0
"""Seconds over which turns are counted."""
TURNS = 4
"""Changes of direction from which actual counts as oscillating."""


class TakeBack(Struct, frozen=True):
    """Memory that the guest took from its balloon without a higher target."""

    began: float
    """Unix time of the last reading before it."""
    last: float
    """Unix time of the last reading that showed growth."""
    low: int
    """Bytes: actual before it."""
    high: int
    """Bytes: the highest actual since."""

    @property
    def size(self) -> int:
        return self.high - self.low


class Watch(Struct, frozen=True):
    """Tells take-backs from drivers being loaded and unloaded, reading by reading.

    A driver returns everything when it is unloaded and starts with an empty balloon when it is loaded, so that actual jumps
    up after a reset. Neither is a take-back.
    """

    run: TakeBack | None = None
    """The last take-back under the present target."""
    fresh: bool = True
    """Whether the driver may not have started yet: until it gives pages, is at rest for a while, or has another target."""
    still: float = 0.0
    """Unix time since which a fresh driver is at rest; 0 = not yet."""
    reloaded: float = 0.0
    """Unix time at which a driver was found to have been unloaded and loaded again between two looks at it; 0 = never."""

    def after(self, before: Reading | None, reading: Reading, *, driver_ok: bool, asked: float = 0.0) -> Watch:
        """The state after one more reading.

        :param asked: Unix time at which the target was last sent.
        """
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
        if self.run is not None and self.run.last >= asked and _was_reload(self.run, before, reading):
            return Watch(fresh=False, reloaded=reading.time)
        return Watch(_follow(self.run, before, reading), fresh=False, reloaded=self.reloaded)


def _was_reload(run: TakeBack, before: Reading, reading: Reading) -> bool:
    """Whether what looked like a take-back was a driver unloaded and loaded again: the balloon was at its target, emptied, and
    inflates again without being asked. A driver whose memory was taken does not.

    The moment at which it is empty may lie between two readings, with inflation right after it.
    """
    emptied = run.high >= reading.ram or (run.last == before.time and 2 * run.size >= reading.ram - run.low)
    return emptied and run.low == reading.target and reading.actual < before.actual


def _follow(run: TakeBack | None, before: Reading, reading: Reading) -> TakeBack | None:
    """The take-back that this reading starts or continues, else the previous one."""
    # Growth up to the target is ordinary deflation.
    low = max(before.actual, reading.target)
    if reading.actual <= low:
        return run
    if run is None or reading.time - run.last > PAUSE:
        return TakeBack(before.time, reading.time, low, reading.actual)
    return replace(run, last=reading.time, high=max(run.high, reading.actual))


class Turns(Struct, frozen=True):
    """Ups and downs of actual. Sizes are bytes."""

    count: int
    """Changes of direction."""
    risen: int
    fallen: int
    seconds: float


def oscillation(samples: Sequence[Sample], *, target: int, since: float, now: float) -> Turns | None:
    """The turns of an ``actual`` that goes up and down above its target without getting closer; None if it does not.

    :param since: Unix time at which the target was sent.
    """
    recent = [one for one in samples if one.time >= max(since, now - WINDOW) and one.target == target]
    # The inflation before the first growth does not count.
    first = next((index for index, step in _steps(recent) if step > 0), None)
    if first is None or recent[-1].actual <= target:
        return None
    steps = [step for _, step in _steps(recent[first:])]
    count = sum((a > 0) != (b > 0) for a, b in pairwise(steps))
    risen, fallen = sum(step for step in steps if step > 0), -sum(step for step in steps if step < 0)
    # It is progress if the rises undo less than half of the falls.
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
    """Unix time of the last sample whose actual differs from the one before; 0 if there is none."""
    last = 0.0
    for index, _ in _steps(samples):
        last = samples[index + 1].time
    return last


def _steps(samples: Sequence[Sample]) -> Iterator[tuple[int, int]]:
    """Each change of actual in bytes, with the index of the sample before it."""
    for index, (before, after) in enumerate(pairwise(samples)):
        if after.actual != before.actual:
            yield index, after.actual - before.actual
