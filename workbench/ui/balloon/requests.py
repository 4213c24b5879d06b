"""What the balloon panel asks of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from textual.widget import Widget

    from workbench.domain.balloon.safety.forecast import Forecast
    from workbench.domain.balloon.safety.protection import Wish
    from workbench.domain.balloon.target_undo import Way


class Request(Message):
    """Something that a balloon panel wants done for the guest that it shows."""

    def __init__(self, panel: Widget) -> None:
        super().__init__()
        self._panel = panel

    @property
    def control(self) -> Widget:
        return self._panel


class TargetRequested(Request):
    """The user wants the guest to have ``plan.target`` bytes."""

    def __init__(self, panel: Widget, guest: str, plan: Forecast, before: int, way: Way) -> None:
        super().__init__(panel)
        self.guest = guest
        self.size = plan.target
        self.plan = plan
        self.before = before
        """The target that it replaces, in bytes."""
        self.way = way


class PresetsRequested(Request):
    """The user wants to choose one of the presets."""


class ProtectRequested(Request):
    """The user wants something of ramp or guard."""

    def __init__(self, panel: Widget, guest: str, wish: Wish) -> None:
        super().__init__(panel)
        self.guest = guest
        self.wish = wish


class Refused(Request):
    """A key that cannot do anything now, and why."""

    def __init__(self, panel: Widget, reason: str) -> None:
        super().__init__(panel)
        self.reason = reason
