"""What is asked of QEMU beside the balloon itself, each thing on a beat of its own, so that one reading stays cheap."""

from __future__ import annotations

from enum import StrEnum


class Errand(StrEnum):
    """In the order in which they go when all are due at once."""

    RUN_STATE = "run state"
    """``query-status``. QEMU tells each change of it by an event too, after which it is asked at once."""
    DRIVER = "driver"
    """The device status byte."""
    INTERVAL = "interval"
    """How often QEMU asks the guest for statistics: only a client changes it, and no event tells."""
    STATISTICS = "statistics"
    RAM = "ram"
    """How much RAM the guest has: QEMU tells of a DIMM that is plugged in by no event."""
    FEATURES = "features"
    """What the driver agreed to."""


BEATS = {
    Errand.RUN_STATE: 4.0,
    Errand.DRIVER: 3.0,
    Errand.INTERVAL: 6.0,
    Errand.STATISTICS: 1.0,
    Errand.RAM: 10.0,
    Errand.FEATURES: 60.0,
}
"""Seconds from one asking to the next. With one reading a second and one errand in each, all of them have their turn."""


class Beats:
    """When each errand is due. Seconds are of any clock that does not go back."""

    def __init__(self) -> None:
        self._due = dict.fromkeys(Errand, 0.0)

    def expire(self) -> None:
        """Everything may be another way now: after an event, a reset, a command of the user."""
        self._due = dict.fromkeys(Errand, 0.0)

    def hasten(self, errand: Errand) -> None:
        """This one may be another way now."""
        self._due[errand] = 0.0

    def due(self, now: float) -> list[Errand]:
        """What is to be asked now, the longest overdue first."""
        return sorted((errand for errand, at in self._due.items() if at <= now), key=self._due.__getitem__)

    def done(self, errand: Errand, now: float) -> None:
        self._due[errand] = now + BEATS[errand]

    @property
    def expired(self) -> bool:
        """Whether something is still to be asked since everything was said to have changed."""
        return not all(self._due.values())
