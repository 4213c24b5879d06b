"""The floor: the least RAM that a guest should be left with, and its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.balloon.ledger import NOISE
from workbench.domain.units import MIB, PAGE, mib

if TYPE_CHECKING:
    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.balloon.reading import GuestStats

USED_PERCENT = 130
"""A guest keeps what it uses plus 30 %, as with Qubes' memory balancer."""
RAM_SHARE = 8
"""And at least RAM divided by this: an idle guest uses little, but needs more for its next task."""
LEAST = 64 * MIB
"""Hardly any kernel runs with less."""
ROUND = 0.2
"""Most seconds between the reading and the statistics of one round of polling."""


class Floor(Struct, frozen=True):
    size: int
    """Bytes; a target below it needs confirmation."""
    why: str
    """Its origin, such as ``1.3 × 118 MiB used``."""


def floor_of(balloon: Balloon, configured: int | None = None) -> Floor | None:
    """A guest's floor now; None if its balloon has not been read yet.

    :param configured: ``[balloon] floor`` of its profile in bytes; overrides the guest's use.
    """
    reading = balloon.reading
    if reading is None:
        return None
    if configured is not None:
        return Floor(min(configured, reading.ram), "from its profile")
    share = Floor(reading.ram // RAM_SHARE, f"1/{RAM_SHARE} of RAM")
    if share.size < LEAST:
        share = Floor(min(LEAST, reading.ram), "minimum for any guest")
    used = used_by(balloon)
    if used is None:
        return share
    size = min(used * USED_PERCENT // 100 // PAGE * PAGE, reading.ram)
    bound = "up to " if is_upper_bound(balloon) else ""
    return Floor(size, f"1.3 \u00d7 {bound}{mib(used)} used") if size > share.size else share


def used_by(balloon: Balloon) -> int | None:
    """Bytes in use by the guest: actual at its last report, minus available memory then.

    This includes memory that the guest's kernel reserves, and does not depend on whether the balloon's pages count in
    its total (Linux: drivers/virtio/virtio_balloon.c, ``adjust_managed_page_count`` only without deflate-on-oom).
    """
    stats = balloon.stats
    if stats is None or stats.available is None or balloon.reading is None:
        return None
    return max(0, actual_at(balloon, stats) - stats.available)


def actual_at(balloon: Balloon, stats: GuestStats) -> int:
    """The guest's actual at its last report, in bytes: the report is seconds old, and pages may have moved since.

    If uncertain, the largest possible value, so that forecasts err on the safe side.
    """
    return max(_actuals(balloon, stats))


def is_upper_bound(balloon: Balloon) -> bool:
    """Whether the use is only an upper bound, as the balloon was moving around the guest's last report."""
    if balloon.stats is None or balloon.reading is None:
        return False
    actuals = _actuals(balloon, balloon.stats)
    return max(actuals) - min(actuals) > NOISE


def _actuals(balloon: Balloon, stats: GuestStats) -> list[int]:
    """Possible values of actual at the guest's last report, in bytes; at least one.

    QEMU stamps reports with whole seconds (hw/virtio/virtio-balloon.c, ``virtio_balloon_receive_stats``); polling narrows
    that down.
    """
    assert balloon.reading is not None
    first, last = stats.came_after or stats.last_update, stats.came_by or stats.last_update + 1.0
    before = [sample for sample in balloon.history if sample.time < first][-1:]
    then = [sample for sample in balloon.history if first <= sample.time <= last]
    if not then and not (before and before[0].time >= first - ROUND):
        # No sample from that time, as when a screen has just opened: it may have moved any time until the next sample.
        then = [sample for sample in balloon.history if sample.time > last][:1]
        if not then:
            return [balloon.reading.actual, *(sample.actual for sample in before)]
    return [sample.actual for sample in (*before, *then)]
