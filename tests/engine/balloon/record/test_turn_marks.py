"""Marks of pauses and resumes, with a clock that the test controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.history.marks import Mark, MarkKind
from workbench.engine.balloon.record.marks import MarksFile
from workbench.engine.balloon.record.turn_marks import SECOND, TurnMarks

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    now = 0.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


def test_of_a_storm_the_first_and_the_last_of_each_second_are_marked(tmp_path: Path) -> None:
    clock, marks = Clock(), MarksFile(tmp_path)
    turns = TurnMarks(marks, clock)
    for number in range(19):
        clock.now = number / 8
        turns.note(Mark(clock.now, (MarkKind.PAUSE, MarkKind.RESUME)[number % 2], ""))
        turns.write()
    turns.write_now()
    # What came since the last time, at once, after one second, after two, and at the end.
    assert [mark.time for mark in marks.load()] == [0.0, 0.125, SECOND, 1.125, 2 * SECOND, 2.125, 2.25]


def test_a_single_one_is_marked_once_and_what_waits_at_the_end_is_written(tmp_path: Path) -> None:
    clock, marks = Clock(), MarksFile(tmp_path)
    turns = TurnMarks(marks, clock)
    turns.note(Mark(0.0, MarkKind.PAUSE, ""))
    turns.write()
    turns.note(Mark(0.5, MarkKind.RESUME, ""))
    turns.write()
    assert [mark.kind for mark in marks.load()] == [MarkKind.PAUSE]
    turns.write_now()
    assert [mark.kind for mark in marks.load()] == [MarkKind.PAUSE, MarkKind.RESUME]
