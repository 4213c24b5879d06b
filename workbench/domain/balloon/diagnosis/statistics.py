"""Whether the guest's statistics can be believed: why they are missing, empty or frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.diagnosis.causes import Cause, Circumstances, Finding
from workbench.domain.balloon.history.marks import MarkKind
from workbench.domain.units import ago

if TYPE_CHECKING:
    from workbench.domain.balloon.reading import GuestStats

LATE = 3
"""Reports that may be missing before the statistics count as frozen."""
SLACK = 2.0
"""Seconds on top: QEMU stamps with whole seconds, and a busy guest answers late."""


def statistics_finding(seen: Circumstances) -> Finding | None:
    """What is wrong with the guest's statistics; None when nothing is, or when there is no driver to send any.

    QEMU asks on a timer of the guest's clock, which stands while the guest is paused, and stamps what comes with the host's
    time; without an answer it does not ask again (hw/virtio/virtio-balloon.c, ``balloon_stats_poll_cb``).
    """
    stats = seen.stats
    if stats is None or not seen.device or seen.driver_ok is False or not seen.answering:
        return None
    last = f"last report: {ago(seen.now - stats.last_update)}" if stats.last_update else "no report since QEMU's start"
    if not stats.interval:
        return _off(seen, last)
    if is_frozen(stats, seen):
        return _frozen(stats, seen, last)
    if stats.last_update and is_empty(stats):
        return Finding(
            Cause.WINDOWS_SERVICE,
            "the guest reports, and every statistic is missing: a Windows without its balloon service does so",
            "in the guest: blnsvr.exe -i installs and starts the service (virtio drivers); the balloon works without it",
            (f"{last}; it has none of the {len(STATISTICS)} figures",),
        )
    return None


def _off(seen: Circumstances, last: str) -> Finding:
    evidence = ("guest-stats-polling-interval is 0", last)
    if seen.statistics:
        return Finding(
            Cause.STATISTICS_SWITCHED_OFF,
            "the guest's statistics are frozen: another client has told QEMU not to ask for them",
            f"set the balloon's guest-stats-polling-interval to {seen.statistics} again, by qom-set",
            (*evidence, f"its profile asks for them every {seen.statistics} s"),
        )
    return Finding(
        Cause.STATISTICS_OFF,
        "the guest's statistics are frozen: QEMU does not ask for them",
        "give the profile statistics = 2, or set guest-stats-polling-interval by qom-set",
        evidence,
    )


def _frozen(stats: GuestStats, seen: Circumstances, last: str) -> Finding:
    asked = f"QEMU asks every {stats.interval} s"
    if seen.status != "running":
        return Finding(
            Cause.STATISTICS_PAUSED,
            f"the guest's statistics are frozen: the guest is {seen.status}",
            "they move again when it runs on",
            (f"QEMU is {seen.status}", last),
        )
    if not stats.last_update:
        return Finding(
            Cause.STATISTICS_NEVER,
            "the guest never sent statistics: its driver does not answer, or did not agree to VIRTIO_BALLOON_F_STATS_VQ",
            "a driver that knows them sends the first when it is loaded: look at its version",
            (asked, last),
        )
    return Finding(
        Cause.STATISTICS_STOPPED,
        "the guest's statistics are frozen: its driver has not answered since",
        "a guest under great pressure answers late, a hung one never: look at its console",
        (asked, last),
    )


def is_stale(stats: GuestStats, seen: Circumstances) -> bool:
    """Whether what stands there need no longer be so: a guest that is paused has what it had."""
    return seen.status == "running" and is_frozen(stats, seen)


def is_frozen(stats: GuestStats, seen: Circumstances) -> bool:
    """Whether reports are late that the guest has had its time to send."""
    # A guest that was let run on, or that QEMU asks again, has its time to answer from there.
    begun = max(
        seen.started, seen.polled_since, *(mark.time for mark in seen.marks if mark.kind is MarkKind.RESUME), 0.0
    )
    return is_late(stats, seen.now, begun)


def is_fresh(stats: GuestStats | None, now: float) -> bool:
    """Whether a guest's figures are of now: there are some, and none is late."""
    return stats is not None and bool(stats.last_update) and not is_late(stats, now)


def is_late(stats: GuestStats, now: float, begun: float = 0.0) -> bool:
    """Whether reports are missing: the one rule for figures that are frozen, old or not to be counted on.

    :param begun: Unix time from which the guest has its time to answer, where that is after its last report.
    """
    return not stats.interval or now - max(stats.last_update, begun) > LATE * stats.interval + SLACK


STATISTICS = (
    "total", "free", "available", "caches", "swap_in", "swap_out", "major_faults", "minor_faults",
)  # fmt: skip
"""The figures of :class:`workbench.domain.balloon.reading.GuestStats` that a guest may send."""


def is_empty(stats: GuestStats) -> bool:
    """Whether the guest's report has no figure at all."""
    return all(getattr(stats, name) is None for name in STATISTICS)
