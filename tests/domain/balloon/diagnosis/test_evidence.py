"""Causes and their evidence: how fresh it must be, and what contradicts it."""

from __future__ import annotations

from itertools import chain

import pytest
from msgspec.structs import replace

from workbench.domain.balloon.diagnosis.causes import Cause, Circumstances, Finding
from workbench.domain.balloon.diagnosis.console import Console
from workbench.domain.balloon.diagnosis.driver_causes import (
    ABSENCE_RULES,
    CONSOLE_AT_WORK,
    PROMPT,
    QUIET,
    SLOW_BOOT,
)
from workbench.domain.balloon.diagnosis.evidence import (
    CPUS_STOPPED,
    CURRENT,
    NO_DRIVER_OK,
    NOW,
    RECENT,
    Evidence,
    Rule,
    Situation,
)
from workbench.domain.balloon.diagnosis.judge import NOTES
from workbench.domain.balloon.diagnosis.movement import TakeBack
from workbench.domain.balloon.diagnosis.stall_causes import REACHED, ROSE, SHORT_AT_REST, STALL_RULES
from workbench.domain.balloon.diagnosis.statistics import LATE, SLACK
from workbench.domain.balloon.history.marks import Mark, MarkKind
from workbench.domain.balloon.reading import GuestStats, Reading, Source
from workbench.domain.units import MIB

T = 1_800_000_000.0
RULES = tuple(chain(ABSENCE_RULES, STALL_RULES, *NOTES))
LOW = GuestStats(T - 1, 2, available=MIB)


def situation(**changes: object) -> Situation:
    """A guest that stands 40 MiB above its target since half a minute."""
    reading = Reading(T, 512 * MIB, 128 * MIB, 168 * MIB, Source.CONFIG_SPACE)
    quiet = Circumstances(now=T, driver_status=0x0F, target_since=T - 60, moved_at=T - 30)
    return Situation(reading, replace(quiet, **changes))


def test_every_cause_has_a_rule_and_every_rule_needs_evidence() -> None:
    assert {rule.cause for rule in RULES} == set(Cause)
    for rule in RULES:
        assert rule.needs, rule.cause
        for evidence in (*rule.needs, *rule.contradicted_by):
            assert evidence.name
            assert evidence.fresh.words
        assert not set(rule.needs) & set(rule.contradicted_by)


def test_a_rule_applies_when_all_it_needs_was_seen_recently_and_nothing_contradicts_it() -> None:
    fresh, old = (Evidence("seen", lambda _, age=age: T - age, RECENT) for age in (1.0, CURRENT + 1))  # type: ignore[misc]
    never = Evidence("never seen", lambda _: None, NOW)

    def applies(needs: tuple[Evidence, ...], contradicted_by: tuple[Evidence, ...] = ()) -> bool:
        rule = Rule(Cause.UNKNOWN, needs, lambda _: Finding(Cause.UNKNOWN, "it is so"), contradicted_by)
        return rule.applies(situation())

    assert applies((fresh,))
    assert not applies((fresh, old))
    assert not applies((fresh, never))
    assert not applies((fresh,), (fresh,))
    assert applies((fresh,), (old, never)), "what is too old contradicts nothing"


@pytest.mark.parametrize(
    ("evidence", "seen", "too_old"),
    [
        (CPUS_STOPPED, {"status": "paused", "status_at": T - CURRENT}, {"status_at": T - CURRENT - 1}),
        (NO_DRIVER_OK, {"driver_status": 0, "driver_at": T - CURRENT}, {"driver_at": T - CURRENT - 1}),
        (SHORT_AT_REST, {"stats": LOW}, {"stats": replace(LOW, last_update=T - LATE * 2 - SLACK - 1)}),
        (SHORT_AT_REST, {"stats": LOW}, {"moved_at": T - 0.5}),
        (SHORT_AT_REST, {"stats": LOW}, {"target_since": T - 0.5}),
        (SHORT_AT_REST, {"stats": LOW}, {"driver_since": T - 0.5}),
        (ROSE, {"take_back": TakeBack(T - 9, T - 8, 128 * MIB, 168 * MIB)}, {"target_since": T - 7}),
        (ROSE, {"marks": (Mark(T - 9, MarkKind.TAKE_BACK, "", 40 * MIB),)}, {"driver_since": T - 7}),
        (REACHED, {"reached": T - 9}, {"driver_since": T - 7}),
        (REACHED, {"reached": T - 9}, {"marks": (Mark(T - 7, MarkKind.RESET, "reset"),)}),
        (PROMPT, {"console": Console(T - 90, "host login:")}, {"started": T - 80}),
        (PROMPT, {"console": Console(T - 90, "host login:")}, {"stats": replace(LOW, last_update=T - 80)}),
        (CONSOLE_AT_WORK, {"console": Console(T - 1, "Starting")}, {"console": Console(T - QUIET, "Starting")}),
        (CONSOLE_AT_WORK, {"console": Console(T - 9, "x"), "started": T - 99}, {"started": T - 8}),
        (CONSOLE_AT_WORK, {"console": Console(T - 9, "x"), "started": T - 99}, {"started": T - SLOW_BOOT}),
    ],
)
def test_evidence_counts_only_while_it_is_fresh(
    evidence: Evidence, seen: dict[str, object], too_old: dict[str, object]
) -> None:
    started = {"started": T - 99, **seen}
    assert evidence.seen_in(situation(**started)), evidence.name
    assert not evidence.seen_in(situation(**started | too_old)), evidence.fresh.words
