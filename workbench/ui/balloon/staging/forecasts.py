"""Forecasts for the chosen guest, from the speeds at which each guest's balloon was seen to move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.rate import Speeds
from workbench.domain.balloon.safety.forecast import forecast
from workbench.ui.balloon.staging.effects import live_balloon

if TYPE_CHECKING:
    from workbench.domain.balloon.safety.forecast import Forecast
    from workbench.domain.guest.snapshot import GuestSnapshot


class Forecasts:
    """Remembers the last known speeds of each guest's balloon."""

    def __init__(self) -> None:
        self._speeds: dict[str, Speeds] = {}

    def take(self, snapshot: GuestSnapshot | None) -> None:
        """Learn from one more snapshot of the chosen guest."""
        if snapshot is not None and snapshot.balloon is not None:
            speeds = self._speeds.get(snapshot.name) or Speeds.over(snapshot.balloon.history)
            self._speeds[snapshot.name] = speeds.after(snapshot.balloon.rate)

    def plan(self, snapshot: GuestSnapshot | None, size: int) -> Forecast | None:
        """The effect of a target in bytes; None while the guest's balloon has not been read."""
        balloon = live_balloon(snapshot)
        if snapshot is None or balloon is None or balloon.reading is None:
            return None
        return forecast(
            balloon,
            size,
            self._speeds.get(snapshot.name, Speeds()).towards(balloon.reading.actual, size),
            floor=snapshot.safety.floor,
            ramp=snapshot.protection.ramp,
        )
