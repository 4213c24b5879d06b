"""Why the guest's statistics are missing, empty or frozen.

QEMU polls on a timer of the guest's clock, which stops while the guest is paused, and stamps reports with the host's time; it
does not poll again until the guest has answered (hw/virtio/virtio-balloon.c, ``balloon_stats_poll_cb``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.diagnosis.causes import Cause, Finding
from workbench.domain.balloon.diagnosis.evidence import (
    CPUS_STOPPED,
    NO_DRIVER_OK,
    NOW,
    REPORTED,
    SILENCE,
    Evidence,
    Rule,
    Situation,
    now_if,
    report_time,
)
from workbench.domain.balloon.diagnosis.statistics import STATISTICS, is_empty, is_frozen
from workbench.domain.units import ago

if TYPE_CHECKING:
    from workbench.domain.balloon.reading import GuestStats


def _stats(situation: Situation) -> GuestStats:
    stats = situation.seen.stats
    assert stats is not None
    return stats


def _last(situation: Situation) -> str:
    stats = _stats(situation)
    if not stats.last_update:
        return "no report since QEMU started"
    return f"last report: {ago(situation.seen.now - stats.last_update)}"


def _switched_off(situation: Situation) -> Finding:
    wanted = situation.seen.statistics
    return Finding(
        Cause.STATISTICS_SWITCHED_OFF,
        "the guest's statistics are frozen: another client turned polling off",
        f"set the balloon's guest-stats-polling-interval back to {wanted} with qom-set",
        ("guest-stats-polling-interval is 0", _last(situation), f"the profile sets statistics = {wanted}"),
    )


def _off(situation: Situation) -> Finding:
    return Finding(
        Cause.STATISTICS_OFF,
        "the guest's statistics are frozen: polling is off",
        "set statistics = 2 in the profile, or guest-stats-polling-interval with qom-set",
        ("guest-stats-polling-interval is 0", _last(situation)),
    )


def _paused(situation: Situation) -> Finding:
    status = situation.seen.status
    return Finding(
        Cause.STATISTICS_PAUSED,
        f"the guest's statistics are frozen: the guest is {status}",
        "they update again when it is resumed",
        (f"QEMU is {status}", _last(situation)),
    )


def _never(situation: Situation) -> Finding:
    return Finding(
        Cause.STATISTICS_NEVER,
        "the guest never sent statistics: its driver does not answer, or did not negotiate VIRTIO_BALLOON_F_STATS_VQ",
        "check the driver's version: one that supports statistics sends the first when it is loaded",
        (f"QEMU polls every {_stats(situation).interval} s", _last(situation)),
    )


def _late(situation: Situation) -> Finding:
    stats = _stats(situation)
    return Finding(
        Cause.STATISTICS_STOPPED,
        f"the guest's statistics are frozen: its driver last answered {ago(situation.seen.now - stats.last_update)}",
        "check its console: a guest under memory pressure answers late, a hung one never",
        (f"QEMU polls every {stats.interval} s", _last(situation)),
    )


def _empty(situation: Situation) -> Finding:
    return Finding(
        Cause.WINDOWS_SERVICE,
        "the guest's reports are empty, as from Windows without its balloon service",
        "run blnsvr.exe -i in the guest to install and start the service (virtio drivers); the balloon works without it",
        (f"{_last(situation)}, with none of the {len(STATISTICS)} statistics",),
    )


def _read(situation: Situation) -> bool:
    return situation.seen.stats is not None and situation.seen.device


def _empty_report(situation: Situation) -> float | None:
    stats = situation.seen.stats
    if not _read(situation) or stats is None or not stats.last_update or not is_empty(stats):
        return None
    return report_time(stats)


POLLING_OFF = Evidence("QEMU requests no reports", now_if(lambda s: _read(s) and not _stats(s).interval), NOW)
WANTED = Evidence("the guest's definition asks for reports", now_if(lambda s: s.seen.statistics > 0), NOW)
REPORTS_LATE = Evidence(
    "reports are late, though the guest had time to send them",
    now_if(lambda s: _read(s) and is_frozen(_stats(s), s.seen)),
    NOW,
)
REPORTED_ONCE = Evidence("a report came", now_if(lambda s: _read(s) and bool(_stats(s).last_update)), NOW)
EMPTY_REPORT = Evidence("the last report has no figures", _empty_report, REPORTED)

NOBODY_ASKED = (SILENCE, NO_DRIVER_OK)
"""Without an answer nothing new is known of reports, and without a driver nothing sends them."""
STATISTICS_RULES = (
    Rule(Cause.STATISTICS_SWITCHED_OFF, (POLLING_OFF, WANTED), _switched_off, NOBODY_ASKED),
    Rule(Cause.STATISTICS_OFF, (POLLING_OFF,), _off, NOBODY_ASKED),
    Rule(Cause.STATISTICS_PAUSED, (REPORTS_LATE, CPUS_STOPPED), _paused, NOBODY_ASKED),
    Rule(Cause.STATISTICS_STOPPED, (REPORTS_LATE, REPORTED_ONCE), _late, NOBODY_ASKED),
    Rule(Cause.STATISTICS_NEVER, (REPORTS_LATE,), _never, NOBODY_ASKED),
    Rule(Cause.WINDOWS_SERVICE, (EMPTY_REPORT,), _empty, NOBODY_ASKED),
)
