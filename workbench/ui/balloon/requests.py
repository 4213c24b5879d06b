"""The messages that the balloon panel posts to the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from workbench.ui.balloon.staging.effects import ChoosePreset, Protect, Refuse

if TYPE_CHECKING:
    from textual.widget import Widget

    from workbench.domain.balloon.history.picture import Scene
    from workbench.domain.balloon.safety.protection import ProtectionRequest
    from workbench.ui.balloon.staging.effects import Effect, SendTarget


class Request(Message):
    """A request of a balloon panel for the guest that it shows."""

    def __init__(self, panel: Widget) -> None:
        super().__init__()
        self._panel = panel

    @property
    def control(self) -> Widget:
        return self._panel


class TargetRequested(Request):
    """Set the guest's target to ``size`` bytes."""

    def __init__(self, panel: Widget, effect: SendTarget) -> None:
        super().__init__(panel)
        self.effect = effect
        self.guest = effect.guest
        self.plan = effect.plan
        self.size = effect.plan.target


class PresetsRequested(Request):
    """Choose one of the presets."""


class ProtectRequested(Request):
    """Change ramp or guard."""

    def __init__(self, panel: Widget, guest: str, request: ProtectionRequest) -> None:
        super().__init__(panel)
        self.guest = guest
        self.request = request


class Refused(Request):
    """A key does nothing now; the message says why."""

    def __init__(self, panel: Widget, reason: str) -> None:
        super().__init__(panel)
        self.reason = reason


class PathToggled(Request):
    """The path view, which needs room, was opened or closed."""

    def __init__(self, panel: Widget, *, is_open: bool) -> None:
        super().__init__(panel)
        self.is_open = is_open


class PictureWanted(Request):
    """Save the plot as a picture."""

    def __init__(self, panel: Widget, scene: Scene) -> None:
        super().__init__(panel)
        self.scene = scene


def request_for(panel: Widget, effect: Effect) -> Request:
    """The message for what a key asks for."""
    match effect:
        case Refuse():
            return Refused(panel, effect.reason)
        case ChoosePreset():
            return PresetsRequested(panel)
        case Protect():
            return ProtectRequested(panel, effect.guest, effect.request)
        case _:
            return TargetRequested(panel, effect)
