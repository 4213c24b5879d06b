"""Marks: what is told once, though several saw it."""

from __future__ import annotations

import pytest

from workbench.domain.marks import APART, SPEAKS_ONCE, Mark, MarkKind, is_told, mark_of_event

NOW = 1_800_000_000.0


@pytest.mark.parametrize("kind", sorted(SPEAKS_ONCE))
def test_an_event_that_two_saw_is_told_once(kind: MarkKind) -> None:
    told = (Mark(NOW, kind, "seen", 7), Mark(NOW + 60, MarkKind.REQUEST, "later"))
    assert is_told(Mark(NOW + APART - 0.1, kind, "seen by another", 7), told)
    assert is_told(Mark(NOW - APART + 0.1, kind, "seen before", 7), told)
    assert not is_told(Mark(NOW + APART, kind, "again", 7), told)
    assert not is_told(Mark(NOW, kind, "of another size", 8), told)


def test_pause_resume_and_pause_again_are_three_events() -> None:
    turns = (Mark(NOW, MarkKind.PAUSE, "paused"), Mark(NOW + 0.1, MarkKind.RESUME, "runs on"))
    assert not is_told(Mark(NOW + 0.2, MarkKind.PAUSE, "paused"), turns)
    assert is_told(Mark(NOW + 0.2, MarkKind.RESUME, "runs on"), turns)


@pytest.mark.parametrize("kind", sorted(set(MarkKind) - SPEAKS_ONCE))
def test_what_a_workbench_does_counts_each_time(kind: MarkKind) -> None:
    mark = Mark(NOW, kind, "once", 7)
    assert not is_told(mark, (mark,))


def test_the_events_that_leave_a_mark() -> None:
    assert mark_of_event("RESET", NOW) == Mark(NOW, MarkKind.RESET, "reset")
    assert mark_of_event("STOP", NOW) == Mark(NOW, MarkKind.PAUSE, "paused")
    assert mark_of_event("BALLOON_CHANGE", NOW) is None
