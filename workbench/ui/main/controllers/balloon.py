"""Requests of the balloon panel: targets, presets, ramp and guard; asks before a risk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.ui.balloon.preset_dialog import PresetDialog
from workbench.ui.balloon.text import risk_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.balloon.safety.forecast import Forecast
    from workbench.domain.balloon.safety.protection import ProtectionRequest
    from workbench.ui.main.desk import Desk


class BalloonRequests:
    """Carries out what the balloon panel asks for."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def set_target(self, plan: Forecast) -> bool:
        """Set the target of the guest shown; return whether it was sent."""
        desk, chosen = self._desk, self._desk.chosen
        if chosen is None:
            return False
        if plan.risky:
            answer = await desk.ask(*risk_words(chosen.name, plan), ("send", "Send it", "warning"))
            if answer != "send" or not desk.still_runs(chosen):
                return False
        return await desk.attempt(lambda: desk.guest(chosen.name).set_target(plan.target))

    async def choose_preset(self, presets: Sequence[tuple[str, str]]) -> str:
        """The name of the preset that the user chooses for the guest shown; empty for none, or if it changed since."""
        before = self._desk.chosen
        name = await self._desk.result_of(PresetDialog(presets))
        now = self._desk.chosen
        return name if now is not None and before is not None and now.name == before.name else ""

    async def protect(self, guest: str, request: ProtectionRequest) -> None:
        """Change a guest's ramp or guard."""
        await self._desk.attempt(lambda: self._desk.guest(guest).protect(request))
