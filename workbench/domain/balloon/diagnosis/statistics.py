"""Whether the guest's statistics are current."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.history.marks import MarkKind

if TYPE_CHECKING:
    from workbench.domain.balloon.diagnosis.causes import Circumstances
    from workbench.domain.balloon.reading import GuestStats

LATE = 3
"""Reports that may be missed before the statistics count as frozen."""
SLACK = 2.0
"""Extra seconds: QEMU's timestamps are whole seconds, and a busy guest answers late."""


def is_stale(stats: GuestStats, seen: Circumstances) -> bool:
    """Whether the statistics may be out of date; those of a paused guest still hold."""
    return seen.status == "running" and is_frozen(stats, seen)


def is_frozen(stats: GuestStats, seen: Circumstances) -> bool:
    """Whether reports are late although the guest had time to send them."""
    # After a resume or a change of the interval the guest's time to answer starts again.
    begun = max(
        seen.started, seen.polled_since, *(mark.time for mark in seen.marks if mark.kind is MarkKind.RESUME), 0.0
    )
    return is_late(stats, seen.now, begun)


def is_fresh(stats: GuestStats | None, now: float) -> bool:
    """Whether a guest's statistics are current: there is a report, and none is late."""
    return stats is not None and bool(stats.last_update) and not is_late(stats, now)


def is_late(stats: GuestStats, now: float, begun: float = 0.0) -> bool:
    """Whether reports are overdue: the only rule for frozen, old or unreliable statistics.

    :param begun: Unix time from which the guest had time to answer, if after its last report.
    """
    return not stats.interval or now - max(stats.last_update, begun) > LATE * stats.interval + SLACK


STATISTICS = (
    "total", "free", "available", "caches", "swap_in", "swap_out", "major_faults", "minor_faults",
)  # fmt: skip
"""The fields of :class:`workbench.domain.balloon.reading.GuestStats` that a guest may send."""


def is_empty(stats: GuestStats) -> bool:
    """Whether the guest's report has no statistics at all."""
    return all(getattr(stats, name) is None for name in STATISTICS)
