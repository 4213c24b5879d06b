"""Alarms of the guards: each is shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.units import mib

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.balloon.safety.guard import Alarm
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.ui.main.desk import Desk


class GuardAlarms:
    """Tells the user that the guard of a guest acted, unless the panel on screen shows it."""

    def __init__(self, desk: Desk, shows_balloon: Callable[[], bool]) -> None:
        """:param shows_balloon: whether the user sees the balloon of the chosen guest."""
        self._desk = desk
        self._shows_balloon = shows_balloon
        self._last: dict[str, Alarm] = {}
        """The last alarm shown for each guest."""

    def show(self, snapshot: GuestSnapshot) -> None:
        """Show the alarm of a new snapshot, if it is a new one."""
        alarm = snapshot.protection.alarm
        if alarm is None or self._last.get(snapshot.name) == alarm:
            return
        self._last[snapshot.name] = alarm
        chosen = self._desk.chosen
        if not (chosen is not None and chosen.name == snapshot.name and self._shows_balloon()):
            words = f"{snapshot.name} got {mib(alarm.returned)} back: {alarm.why}"
            self._desk.tell(words, title="Guard", severity="error", seconds=15)
