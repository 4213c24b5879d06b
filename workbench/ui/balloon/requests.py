"""What the balloon panel asks of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from workbench.domain.balloon.safety.forecast import Forecast
    from workbench.domain.balloon.safety.protection import Wish
    from workbench.domain.balloon.target_undo import Way
    from workbench.ui.balloon.staging import BalloonStaging


class TargetRequested(Message):
    """The user wants the guest to have ``size`` bytes."""

    def __init__(self, panel: BalloonStaging, plan: Forecast, before: int, way: Way) -> None:
        super().__init__()
        self.panel = panel
        self.size = plan.target
        self.plan = plan
        self.guest = panel.snapshot.name if panel.snapshot else ""
        self.before = before
        """The target that it replaces."""
        self.way = way

    @property
    def control(self) -> BalloonStaging:
        return self.panel


class PresetsRequested(Message):
    """The user wants to choose one of the presets."""

    def __init__(self, panel: BalloonStaging) -> None:
        super().__init__()
        self.panel = panel

    @property
    def control(self) -> BalloonStaging:
        return self.panel


class ProtectRequested(Message):
    """The user wants something of ramp or guard."""

    def __init__(self, panel: BalloonStaging, wish: Wish) -> None:
        super().__init__()
        self.panel = panel
        self.wish = wish
        self.guest = panel.snapshot.name if panel.snapshot else ""

    @property
    def control(self) -> BalloonStaging:
        return self.panel


class Refused(Message):
    """A key that cannot do anything now, and why."""

    def __init__(self, panel: BalloonStaging, reason: str) -> None:
        super().__init__()
        self.panel = panel
        self.reason = reason

    @property
    def control(self) -> BalloonStaging:
        return self.panel
