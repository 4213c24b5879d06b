"""Marks: an event seen several times is recorded once."""

from __future__ import annotations

import pytest

from workbench.domain.balloon.history.marks import (
    APART,
    BY_GUEST,
    RECORDED_ONCE,
    Mark,
    MarkKind,
    is_recorded,
    mark_of_event,
)

NOW = 1_800_000_000.0


@pytest.mark.parametrize("kind", sorted(RECORDED_ONCE))
def test_an_event_seen_twice_is_recorded_once(kind: MarkKind) -> None:
    recorded = (Mark(NOW, kind, "once", 7, by_guest=True), Mark(NOW + 60, MarkKind.REQUEST, "later"))
    assert is_recorded(Mark(NOW + APART - 0.1, kind, "once", 7, by_guest=True), recorded)
    assert is_recorded(Mark(NOW - APART + 0.1, kind, "once", 7, by_guest=True), recorded)
    assert not is_recorded(Mark(NOW + APART, kind, "once", 7, by_guest=True), recorded)
    assert not is_recorded(Mark(NOW, kind, "of another size", 8), recorded)


def test_two_quick_resets_are_two_but_the_guests_own_reset_after_one_is_not() -> None:
    recorded = (Mark(NOW, MarkKind.RESET, "reset"),)
    assert is_recorded(Mark(NOW, MarkKind.RESET, "reset"), recorded), "seen on two monitors at the same time"
    assert not is_recorded(Mark(NOW + 0.5, MarkKind.RESET, "reset"), recorded)
    assert is_recorded(Mark(NOW + 0.5, MarkKind.RESET, BY_GUEST, by_guest=True), recorded)


def test_pause_resume_and_pause_again_are_three_events() -> None:
    turns = (Mark(NOW, MarkKind.PAUSE, "paused"), Mark(NOW + 0.1, MarkKind.RESUME, "runs on"))
    assert not is_recorded(Mark(NOW + 0.2, MarkKind.PAUSE, "paused"), turns)
    assert is_recorded(Mark(NOW + 0.2, MarkKind.RESUME, "runs on"), turns)


@pytest.mark.parametrize("kind", sorted(set(MarkKind) - RECORDED_ONCE))
def test_a_workbenchs_own_actions_always_count(kind: MarkKind) -> None:
    mark = Mark(NOW, kind, "once", 7)
    assert not is_recorded(mark, (mark,))


def test_the_events_that_leave_a_mark() -> None:
    assert mark_of_event("RESET", {"guest": False}, NOW) == Mark(NOW, MarkKind.RESET, "reset")
    assert mark_of_event("RESET", {"guest": True}, NOW) == Mark(NOW, MarkKind.RESET, BY_GUEST, by_guest=True)
    assert mark_of_event("STOP", {}, NOW) == Mark(NOW, MarkKind.PAUSE, "paused")
    assert mark_of_event("BALLOON_CHANGE", {"actual": 1}, NOW) is None
