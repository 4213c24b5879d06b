"""The floor: the least RAM that a guest should be left with, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.balloon.ledger import NOISE
from workbench.domain.units import MIB, PAGE, mib

if TYPE_CHECKING:
    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.balloon.reading import GuestStats

USED_PERCENT = 130
"""A guest keeps what it uses and 30 % more, as Qubes' memory balancer gives."""
RAM_SHARE = 8
"""And never less than this part of its RAM: a guest at rest uses little, and wants more at its next task."""
LEAST = 64 * MIB
"""Below it hardly a kernel runs."""
ROUND = 0.2
"""Seconds that a reading is taken before the look at the statistics in the same round, at the most."""


class Floor(Struct, frozen=True):
    size: int
    """Bytes of target; a target below it is asked about before it is sent."""
    why: str
    """Where it comes from, such as ``1.3 × 118 MiB used``."""


def floor_of(balloon: Balloon, configured: int | None = None) -> Floor | None:
    """The floor of one guest now; None when nothing was read of its balloon yet.

    :param configured: ``[balloon] floor`` of its profile in bytes, which stands whatever the guest uses.
    """
    reading = balloon.reading
    if reading is None:
        return None
    if configured is not None:
        return Floor(min(configured, reading.ram), "from its profile")
    share = Floor(reading.ram // RAM_SHARE, f"1/{RAM_SHARE} of RAM")
    if share.size < LEAST:
        share = Floor(min(LEAST, reading.ram), "the least for any guest")
    used = used_by(balloon)
    if used is None:
        return share
    size = min(used * USED_PERCENT // 100 // PAGE * PAGE, reading.ram)
    bound = "up to " if moved_meanwhile(balloon) else ""
    return Floor(size, f"1.3 \u00d7 {bound}{mib(used)} used") if size > share.size else share


def used_by(balloon: Balloon) -> int | None:
    """Bytes that the guest cannot do without: what it had when it last told of its memory, less what was available then.

    The difference holds also what the guest's kernel keeps for itself, and is the same whether or not the balloon's
    pages count in its total (Linux: drivers/virtio/virtio_balloon.c, ``adjust_managed_page_count`` only without
    deflate-on-oom).
    """
    stats = balloon.stats
    if stats is None or stats.available is None or balloon.reading is None:
        return None
    return max(0, actual_at(balloon, stats) - stats.available)


def actual_at(balloon: Balloon, stats: GuestStats) -> int:
    """What the guest had when it last told of its memory, in bytes: its figures are seconds old, and it may have given since.

    Of all that it may have had at that moment the most counts: then a forecast errs on the safe side.
    """
    return max(_actuals(balloon, stats))


def moved_meanwhile(balloon: Balloon) -> bool:
    """Whether the guest's balloon moved about when it last told of its memory: what it had then is known as a bound only."""
    if balloon.stats is None or balloon.reading is None:
        return False
    actuals = _actuals(balloon, balloon.stats)
    return max(actuals) - min(actuals) > NOISE


def _actuals(balloon: Balloon, stats: GuestStats) -> list[int]:
    """All that the guest may have had when it last told of its memory, in bytes; at least one.

    QEMU stamps its figures with whole seconds (hw/virtio/virtio-balloon.c, ``virtio_balloon_receive_stats``), and looks from
    outside tell more.
    """
    assert balloon.reading is not None
    first, last = stats.came_after or stats.last_update, stats.came_by or stats.last_update + 1.0
    before = [sample for sample in balloon.history if sample.time < first][-1:]
    then = [sample for sample in balloon.history if first <= sample.time <= last]
    if not then and not (before and before[0].time >= first - ROUND):
        # Nobody looked in that time, as when a screen has just opened: until the first look after it, it may have moved at any
        # time.
        then = [sample for sample in balloon.history if sample.time > last][:1]
        if not then:
            return [balloon.reading.actual, *(sample.actual for sample in before)]
    return [sample.actual for sample in (*before, *then)]
