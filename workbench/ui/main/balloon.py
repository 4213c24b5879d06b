"""Balloon actions of the main screen: targets, presets, ramp and guard; asks before a risk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work

from workbench.domain.units import mib
from workbench.ui.balloon.panel import BalloonPanel
from workbench.ui.balloon.preset_dialog import PresetDialog
from workbench.ui.balloon.text import risk_words
from workbench.ui.common.dialogs import confirm
from workbench.ui.main.guests import GuestActions

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

    from workbench.domain.balloon.safety.guard import Alarm
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.base import Engine

REFUSED_FOR = 3.0
"""Seconds that the reason for a refused key is shown."""


class BalloonActions(GuestActions):
    """The part of the main screen that serves the balloon panel."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._chosen: GuestSnapshot | None = None
        """The guest shown in the panes."""
        self._alarms: dict[str, Alarm] = {}
        """The last alarm shown for each guest."""

    @on(BalloonPanel.TargetRequested)
    @work(group="target")
    async def _set_target(self, message: BalloonPanel.TargetRequested) -> None:
        chosen = self._chosen
        if chosen is None:
            return
        plan = message.plan
        if plan.risky:
            answer = await self.app.push_screen_wait(
                confirm(*risk_words(chosen.name, plan), ("send", "Send it", "warning"))
            )
            if answer != "send" or not self._still_runs(chosen):
                return
        if await self._try(lambda: self._guest(chosen.name).set_target(message.size)):
            self.query_one(BalloonPanel).target_sent(message)

    @on(BalloonPanel.PresetsRequested)
    @work(group="presets")
    async def _choose_preset(self, message: BalloonPanel.PresetsRequested) -> None:
        panel = self.query_one(BalloonPanel)
        chosen = self._chosen.name if self._chosen else ""
        name = await self.app.push_screen_wait(PresetDialog(panel.presets))
        if name and self._chosen is not None and self._chosen.name == chosen:
            panel.stage_preset(name)

    @on(BalloonPanel.ProtectRequested)
    @work(group="protect")
    async def _protect(self, message: BalloonPanel.ProtectRequested) -> None:
        await self._try(lambda: self._guest(message.guest).protect(message.request))

    def _show_alarm(self, snapshot: GuestSnapshot) -> None:
        """Show once that a guest's guard acted, unless the panel on screen already shows it."""
        alarm = snapshot.protection.alarm
        if alarm is None or self._alarms.get(snapshot.name) == alarm:
            return
        self._alarms[snapshot.name] = alarm
        chosen = self._chosen is not None and self._chosen.name == snapshot.name
        if not (chosen and self.is_current and self.query_one(BalloonPanel).is_on_screen):
            words = f"{snapshot.name} got {mib(alarm.returned)} back: {alarm.why}"
            self.notify(words, title="Guard", severity="error", timeout=15, markup=False)

    @on(BalloonPanel.PathToggled)
    def _make_room(self, message: BalloonPanel.PathToggled) -> None:
        self.set_class(message.is_open, "-path")

    @on(BalloonPanel.Refused)
    def _refused(self, message: BalloonPanel.Refused) -> None:
        self.notify(message.reason, severity="warning", timeout=REFUSED_FOR, markup=False)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a toast, or the text in the balloon panel's lower edge where that panel fills a small terminal: a toast
        would cover what is staged. A text too long for the edge is a toast too.
        """
        small = self.has_class("-narrow") or self.has_class("-low")
        panel = self.query_one(BalloonPanel)
        if small and self.is_current and panel.is_on_screen:
            words = f"{title}: {message}" if title else message
            if panel.show_notice(words, timeout or REFUSED_FOR, calm=severity == "information"):
                return
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)
