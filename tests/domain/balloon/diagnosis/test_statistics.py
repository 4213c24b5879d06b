"""Why the guest's statistics are missing, empty or frozen."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from workbench.domain.balloon.balloon import Balloon
from workbench.domain.balloon.diagnosis.causes import Cause, Circumstances, State, Verdict
from workbench.domain.balloon.diagnosis.evidence import Situation, first_finding
from workbench.domain.balloon.diagnosis.statistics import LATE, SLACK, STATISTICS, is_fresh, is_late
from workbench.domain.balloon.diagnosis.statistics_causes import STATISTICS_RULES
from workbench.domain.balloon.history.marks import Mark, MarkKind
from workbench.domain.balloon.reading import GuestStats, Reading, Source
from workbench.domain.guest.lifecycle import Phase
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.rebalance.guests import candidate_of
from workbench.domain.units import MIB

NOW = 1_800_000_000.0
GOOD = GuestStats(NOW - 1, 2, total=480 * MIB, free=100 * MIB, available=100 * MIB)
LIMIT = LATE * 2 + SLACK


def code(stats: GuestStats | None, **changes: object) -> Cause | None:
    seen = Circumstances(now=NOW, driver_status=0x0F, started=NOW - 600, stats=stats)
    finding = first_finding(STATISTICS_RULES, Situation(None, replace(seen, **changes)))
    if finding is None:
        return None
    assert finding.text
    assert finding.advice
    assert finding.evidence
    return finding.code


def test_fresh_statistics_have_no_finding() -> None:
    assert code(GOOD) is None
    assert code(replace(GOOD, last_update=NOW - LIMIT)) is None


@pytest.mark.parametrize(
    ("stats", "changes", "expected"),
    [
        (replace(GOOD, interval=0), {}, Cause.STATISTICS_OFF),
        (replace(GOOD, interval=0), {"status": "paused"}, Cause.STATISTICS_OFF),
        (replace(GOOD, interval=0), {"statistics": 2}, Cause.STATISTICS_SWITCHED_OFF),
        (replace(GOOD, last_update=NOW - LIMIT - 1), {}, Cause.STATISTICS_STOPPED),
        (replace(GOOD, last_update=NOW - LIMIT - 1), {"status": "paused"}, Cause.STATISTICS_PAUSED),
        (GuestStats(0.0, 2), {}, Cause.STATISTICS_NEVER),
        (GuestStats(0.0, 2), {"status": "paused"}, Cause.STATISTICS_PAUSED),
        (GuestStats(NOW - 1, 2), {}, Cause.WINDOWS_SERVICE),
        (GuestStats(NOW - LIMIT - 1, 2), {}, Cause.STATISTICS_STOPPED),
    ],
)
def test_what_is_wrong(stats: GuestStats, changes: dict[str, object], expected: Cause) -> None:
    assert code(stats, **changes) is expected


@pytest.mark.parametrize("name", STATISTICS)
def test_one_figure_is_enough_to_be_no_windows_without_its_service(name: str) -> None:
    assert code(replace(GuestStats(NOW - 1, 2), **{name: 0})) is None


def test_a_guest_just_started_or_resumed_has_time_to_answer() -> None:
    old = replace(GOOD, last_update=NOW - 100)
    assert code(old, started=NOW - 3) is None
    assert code(old, polled_since=NOW - 3) is None
    assert code(old, marks=(Mark(NOW - 3, MarkKind.RESUME, "runs on"),)) is None
    assert code(old, marks=(Mark(NOW - 3, MarkKind.REQUEST, "target"),)) is Cause.STATISTICS_STOPPED


def test_no_finding_without_a_driver_to_send_any() -> None:
    for changes in ({"driver_status": 0}, {"device": False}, {"answering": False}):
        assert code(GuestStats(0.0, 2), **changes) is None
    assert code(None) is None


@pytest.mark.parametrize(
    ("stats", "fresh"),
    [
        (GOOD, True),
        (replace(GOOD, last_update=NOW - LIMIT), True),
        (replace(GOOD, last_update=NOW - LIMIT - 0.1), False),
        (replace(GOOD, interval=0), False),
        (GuestStats(0.0, 2), False),
        (None, False),
    ],
)
def test_statistics_are_current_until_the_fourth_report_is_missing(stats: GuestStats | None, fresh: bool) -> None:
    assert is_fresh(stats, NOW) is fresh


def test_reports_are_late_only_after_the_guest_had_its_time() -> None:
    old = replace(GOOD, last_update=NOW - 100)
    assert is_late(old, NOW)
    assert not is_late(old, NOW, begun=NOW - LIMIT)
    assert is_late(old, NOW, begun=NOW - LIMIT - 0.1)
    assert is_late(replace(GOOD, interval=0), NOW, begun=NOW), "polling is off"


@pytest.mark.parametrize("old", [0, 1, LIMIT - 0.1, LIMIT, LIMIT + 0.1, 3600])
def test_verdict_and_rebalance_agree(old: float) -> None:
    """What the verdict calls frozen a rebalance does not count on."""
    stats = replace(GOOD, last_update=NOW - old)
    reading = Reading(NOW, 512 * MIB, 512 * MIB, 512 * MIB, Source.CONFIG_SPACE)
    snapshot = GuestSnapshot("demo", Phase.RUNNING, balloon=Balloon(Verdict(State.SETTLED), reading, stats=stats))
    frozen = code(stats) is Cause.STATISTICS_STOPPED
    assert (candidate_of(snapshot, NOW).used is None) is frozen
