"""What was seen of one guest's balloon over time: the last reading, and how it moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.diagnosis.judge import PATIENCE
from workbench.domain.balloon.diagnosis.movement import Watch

if TYPE_CHECKING:
    from workbench.domain.balloon.diagnosis.movement import TakeBack
    from workbench.domain.balloon.reading import Reading


class Track:
    """One guest's movements, reading by reading. Times are Unix times."""

    def __init__(self, *, started: float, moved_at: float) -> None:
        self.started = started
        """The guest's last start: QEMU's start, or a reset."""
        self.moved_at = moved_at
        """The last reading whose ``actual`` differs from the one before; 0: none."""
        self.target_since = 0.0
        """When the target was last sent or found, or a later reset."""
        self.reading: Reading | None = None
        """The last reading."""
        self.driver_since = 0.0
        """When a driver was last found to have been loaded again; 0: never."""
        self._watch = Watch()
        self._driver_gone = False

    def see(self, reading: Reading | None, *, driver_ok: bool, target_since: float) -> None:
        """Add a reading; None from a guest without a balloon device."""
        before = self.reading
        if reading is not None:
            if before is not None and reading.actual != before.actual:
                self.moved_at = reading.time
            self._watch = self._watch.after(before, reading, driver_ok=driver_ok, asked=target_since)
            self.driver_since = max(self.driver_since, self._watch.reloaded)
        self.reading = reading
        self.target_since = target_since

    def see_driver(self, when: float, *, ok: bool | None) -> None:
        """The device status was read.

        :param ok: whether the driver is up; None if it cannot be read.
        """
        if ok and self._driver_gone:
            self.driver_since = when
        if ok is not None:
            self._driver_gone = not ok

    def restart(self, when: float) -> None:
        """The guest was reset: its drivers load again."""
        self.started = when
        self._watch = Watch()

    @property
    def take_back(self) -> TakeBack | None:
        """The take-back in progress, or the last one under the present target."""
        return self._watch.run

    @property
    def reloaded(self) -> float:
        """When what looked like a take-back was found to be a driver loaded again; 0: not under the present target."""
        return self._watch.reloaded

    def moves(self, now: float) -> bool:
        """Whether the diff moves or may begin to at any moment, unless the guest is paused."""
        if self.reading is None or self.reading.diff == 0:
            return False
        return now - max(self.moved_at, self.target_since) < PATIENCE
