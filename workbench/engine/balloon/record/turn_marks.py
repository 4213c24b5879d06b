"""Marks of pauses and resumes, of which a script may cause hundreds a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.domain.balloon.history.marks import Mark
    from workbench.engine.balloon.record.marks import MarksFile
    from workbench.engine.balloon.schedule import Clock

SECOND = 1.0
"""Seconds in which a storm of pauses leaves at most two marks."""


class TurnMarks:
    """Marks only the first and last of each second, so that a storm of them neither drowns the other marks nor keeps the
    loop busy writing.
    """

    def __init__(self, marks: MarksFile, clock: Clock) -> None:
        self._marks = marks
        self._clock = clock
        self._waiting: list[Mark] = []
        self._written = -SECOND
        """When such marks were last written (monotonic)."""

    def note(self, mark: Mark) -> None:
        """One more, to be written with the next round."""
        self._waiting.append(mark)

    def write(self) -> None:
        """Write those that wait, unless some were written less than a second ago."""
        if self._clock.monotonic() >= self._written + SECOND:
            self.write_now()

    def write_now(self) -> None:
        """Write those that wait."""
        if not self._waiting:
            return
        for mark in (self._waiting[0], *self._waiting[-1:][: len(self._waiting) - 1]):
            self._marks.add(mark)
        self._waiting.clear()
        self._written = self._clock.monotonic()
