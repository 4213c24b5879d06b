"""Marks of memory that the guest took back from its balloon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.balloon.history.marks import Mark, MarkKind
from workbench.domain.units import mib

if TYPE_CHECKING:
    from workbench.domain.balloon.diagnosis.movement import TakeBack
    from workbench.engine.balloon.record.marks import MarksFile
    from workbench.engine.balloon.schedule import Clock

WITHDRAWAL = 30.0
"""Seconds in which a take-back is withdrawn if the driver turns out to have been unloaded."""


class TakeBackMarks:
    """Marks a take-back once the driver was seen up after it: a driver that unloads also returns all memory."""

    def __init__(self, marks: MarksFile, clock: Clock) -> None:
        self._marks = marks
        self._clock = clock
        self._marked: TakeBack | None = None
        """The take-back as last marked."""

    def see(self, run: TakeBack | None, *, driver_ok: bool, driver_seen: float, reloaded: float = 0.0) -> None:
        """After each reading.

        :param run: the last take-back under the present target; None without one, or without a driver.
        :param driver_seen: Unix time at which the device status was last read.
        :param reloaded: Unix time at which the driver was found to have been loaded again; 0: it was not.
        """
        marked = self._marked
        if run is None:
            if marked is not None and (not driver_ok or reloaded >= marked.last) and self._is_recent(marked):
                self._marks.add(_mark_of(replace(marked, high=marked.low)))  # the driver was unloaded
            self._marked = None
        elif run != marked and driver_seen >= run.last:
            self._marks.add(_mark_of(run))
            self._marked = run

    def _is_recent(self, marked: TakeBack) -> bool:
        return self._clock.time() - marked.last < WITHDRAWAL

    def forget(self) -> None:
        """The guest was reset: what it took back before stays marked."""
        self._marked = None


def _mark_of(run: TakeBack) -> Mark:
    return Mark(run.began, MarkKind.TAKE_BACK, f"took {mib(run.size)} back", run.size)
