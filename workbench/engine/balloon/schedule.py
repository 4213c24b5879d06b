"""When QEMU is asked for anything other than the balloon itself: at separate intervals, so that one reading stays cheap."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Clock(Protocol):
    """Two clocks of the host, as the module :mod:`time` has them."""

    def time(self) -> float:
        """Unix time."""

    def monotonic(self) -> float:
        """Seconds that only grow."""


class Errand(StrEnum):
    """What is asked, in order if all are due at once."""

    RUN_STATE = "run state"
    """``query-status``. QEMU also reports each change with an event, after which it is asked at once."""
    DRIVER = "driver"
    """The device status byte."""
    INTERVAL = "interval"
    """How often QEMU requests statistics from the guest: only a client changes it, without an event."""
    STATISTICS = "statistics"
    RAM = "ram"
    """How much RAM the guest has: QEMU sends no event when a DIMM is plugged in."""
    FEATURES = "features"
    """What the driver negotiated."""


INTERVALS = {
    Errand.RUN_STATE: 4.0,
    Errand.DRIVER: 3.0,
    Errand.INTERVAL: 6.0,
    Errand.STATISTICS: 1.0,
    Errand.RAM: 10.0,
    Errand.FEATURES: 60.0,
}
"""Seconds between requests. With one reading a second and one errand in each, every errand gets its turn."""


class Schedule:
    """When each errand is due, in seconds of any monotonic clock."""

    def __init__(self) -> None:
        self._due = dict.fromkeys(Errand, 0.0)

    def expire(self) -> None:
        """Everything may have changed: after an event, a reset, or a command from the user."""
        self._due = dict.fromkeys(Errand, 0.0)

    def hasten(self, errand: Errand) -> None:
        """This one may have changed."""
        self._due[errand] = 0.0

    def due(self, now: float) -> list[Errand]:
        """Errands due now, the longest overdue first."""
        return sorted((errand for errand, at in self._due.items() if at <= now), key=self._due.__getitem__)

    def done(self, errand: Errand, now: float) -> None:
        self._due[errand] = now + INTERVALS[errand]

    @property
    def expired(self) -> bool:
        """Whether some errands have not run since :meth:`expire`."""
        return not all(self._due.values())
