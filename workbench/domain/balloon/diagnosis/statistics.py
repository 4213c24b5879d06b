"""Whether the guest's statistics are current, and why they are missing, empty or frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.diagnosis.causes import Cause, Circumstances, Finding
from workbench.domain.balloon.history.marks import MarkKind
from workbench.domain.units import ago

if TYPE_CHECKING:
    from workbench.domain.balloon.reading import GuestStats

LATE = 3
"""Reports that may be missed before the statistics count as frozen."""
SLACK = 2.0
"""Extra seconds: QEMU's timestamps are whole seconds, and a busy guest answers late."""


def statistics_finding(seen: Circumstances) -> Finding | None:
    """What is wrong with the guest's statistics; None if nothing is, or if there is no driver to send them.

    QEMU polls on a timer of the guest's clock, which stops while the guest is paused, and stamps reports with the host's
    time; it does not poll again until the guest has answered (hw/virtio/virtio-balloon.c, ``balloon_stats_poll_cb``).
    """
    stats = seen.stats
    if stats is None or not seen.device or seen.driver_ok is False or not seen.answering:
        return None
    last = f"last report: {ago(seen.now - stats.last_update)}" if stats.last_update else "no report since QEMU started"
    if not stats.interval:
        return _off(seen, last)
    if is_frozen(stats, seen):
        return _frozen(stats, seen, last)
    if stats.last_update and is_empty(stats):
        return Finding(
            Cause.WINDOWS_SERVICE,
            "the guest's reports are empty, as from Windows without its balloon service",
            "run blnsvr.exe -i in the guest to install and start the service (virtio drivers); the balloon works without it",
            (f"{last}, with none of the {len(STATISTICS)} statistics",),
        )
    return None


def _off(seen: Circumstances, last: str) -> Finding:
    evidence = ("guest-stats-polling-interval is 0", last)
    if seen.statistics:
        return Finding(
            Cause.STATISTICS_SWITCHED_OFF,
            "the guest's statistics are frozen: another client turned polling off",
            f"set the balloon's guest-stats-polling-interval back to {seen.statistics} with qom-set",
            (*evidence, f"the profile sets statistics = {seen.statistics}"),
        )
    return Finding(
        Cause.STATISTICS_OFF,
        "the guest's statistics are frozen: polling is off",
        "set statistics = 2 in the profile, or guest-stats-polling-interval with qom-set",
        evidence,
    )


def _frozen(stats: GuestStats, seen: Circumstances, last: str) -> Finding:
    asked = f"QEMU polls every {stats.interval} s"
    if seen.status != "running":
        return Finding(
            Cause.STATISTICS_PAUSED,
            f"the guest's statistics are frozen: the guest is {seen.status}",
            "they update again when it is resumed",
            (f"QEMU is {seen.status}", last),
        )
    if not stats.last_update:
        return Finding(
            Cause.STATISTICS_NEVER,
            "the guest never sent statistics: its driver does not answer, or did not negotiate VIRTIO_BALLOON_F_STATS_VQ",
            "check the driver's version: one that supports statistics sends the first when it is loaded",
            (asked, last),
        )
    return Finding(
        Cause.STATISTICS_STOPPED,
        "the guest's statistics are frozen: its driver stopped answering",
        "check its console: a guest under memory pressure answers late, a hung one never",
        (asked, last),
    )


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
