"""Staging of targets: the keys that stage, send, undo and redo, and the messages that they post."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from textual import on
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Input

from workbench.domain.balloon.diagnosis.causes import Cause, State
from workbench.domain.balloon.rate import Speeds
from workbench.domain.balloon.safety.forecast import forecast
from workbench.domain.balloon.safety.protection import Protection, ProtectionRequest
from workbench.domain.balloon.target import clamp_target, parse_target
from workbench.domain.balloon.target_undo import Targets, Way
from workbench.domain.units import SizeError
from workbench.ui.balloon import requests as balloon_requests
from workbench.ui.balloon.keys import BALLOON_KEYS
from workbench.ui.common.text import TextBlock

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.events import Key

    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.balloon.safety.forecast import Forecast
    from workbench.domain.guest.snapshot import GuestSnapshot

SENT_FOR = 1.0
"""Seconds after which a sent target that no reading shows was refused, or replaced by another client."""


NO_READING = "No reading of the balloon yet"


class BalloonStaging(Vertical):
    """Stages a target before it is sent, and remembers the targets sent.

    :class:`workbench.ui.balloon.panel.BalloonPanel` shows it.
    """

    BINDINGS: ClassVar[list[BindingType]] = BALLOON_KEYS

    TargetRequested: TypeAlias = balloon_requests.TargetRequested
    PresetsRequested: TypeAlias = balloon_requests.PresetsRequested
    ProtectRequested: TypeAlias = balloon_requests.ProtectRequested
    Refused: TypeAlias = balloon_requests.Refused

    snapshot: reactive[GuestSnapshot | None] = reactive(None, always_update=True, repaint=False)
    staged: reactive[int | None] = reactive(None, repaint=False)
    """The staged target in bytes."""
    live: reactive[bool] = reactive(False, repaint=False)
    """Whether staged targets are sent at once."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._targets: dict[str, Targets] = {}
        """The targets sent to each guest in this session."""
        self._speeds: dict[str, Speeds] = {}
        """The last known speed of each guest's balloon."""
        self._sent: tuple[int, float] | None = None
        """The last target posted, and when."""

    # State.

    def _target(self) -> int:
        """The target that steps count from: the one just sent, until a reading shows it."""
        balloon = self._balloon()
        reading = balloon.reading if balloon else None
        if reading is None:
            return 0
        if self._sent is not None and reading.target != self._sent[0] and reading.time < self._sent[1] + SENT_FOR:
            return self._sent[0]
        return reading.target

    def _balloon(self) -> Balloon | None:
        snapshot = self.snapshot
        return snapshot.balloon if snapshot is not None and snapshot.phase.alive else None

    # Actions.

    def action_stage(self, change: int) -> None:
        self._stage((self._target() if self.staged is None else self.staged) + change)

    def action_stage_tenth(self, tenth: int) -> None:
        balloon = self._balloon()
        self._stage(balloon.reading.ram * tenth // 10 if balloon and balloon.reading else 0)

    def action_give_all(self) -> None:
        balloon = self._balloon()
        if balloon is not None and balloon.reading is not None:
            self._send(balloon.reading.ram)
        else:
            self._refuse()

    def action_undo(self) -> None:
        self._go(Way.UNDO, "No earlier target in this session")

    def action_redo(self) -> None:
        self._go(Way.REDO, "Nothing to redo")

    def _go(self, way: Way, otherwise: str) -> None:
        target = self._session().next(way)
        if target is None:
            self.post_message(self.Refused(self, otherwise))
        else:
            self._send(target, way)

    def action_presets(self) -> None:
        if self._balloon() is None:
            self._refuse()
        elif self.presets:
            self.post_message(self.PresetsRequested(self))
        else:
            self.post_message(self.Refused(self, "The profile has no presets: see [balloon.presets]"))

    @property
    def presets(self) -> tuple[tuple[str, str], ...]:
        """Names and targets of the guest's profile."""
        return self.snapshot.safety.presets if self.snapshot is not None else ()

    def stage_preset(self, name: str) -> None:
        """Stage the profile's target of this name."""
        balloon, text = self._balloon(), dict(self.presets).get(name)
        if balloon is None or balloon.reading is None or text is None:
            self._refuse()
            return
        try:
            self._stage(parse_target(text, ram=balloon.reading.ram, target=balloon.reading.target))
        except SizeError as error:  # the guest's RAM differs from the profile's
            self.post_message(self.Refused(self, f"{name}: {error}"))

    def action_send(self) -> None:
        if self.staged is None:
            self.post_message(self.Refused(self, "Nothing staged: - + [ ] 1\u20269 or t stage a target"))
        else:
            self._send(self.staged)

    def action_send_again(self) -> None:
        """Send the current target again: QEMU notifies the driver again, and one that took memory back inflates again."""
        balloon = self._balloon()
        if balloon is None or balloon.reading is None or balloon.verdict.state is State.ABSENT:
            self._refuse()
        elif not balloon.reading.diff:
            self.post_message(self.Refused(self, "Already at its target"))
        else:
            self._send(self._target())

    def action_drop(self) -> None:
        """Discard the staged target; otherwise stop a ramp, then dismiss a message."""
        protection = self._protection()
        if self.staged is not None:
            self._forget_input()
        elif protection.ramping is not None and not protection.elsewhere:
            self._request(ProtectionRequest.STOP_RAMP)
        elif protection.alarm is not None or protection.left is not None:
            self._request(ProtectionRequest.DISMISS)

    def action_ramp(self) -> None:
        protection = self._protection()
        on = protection.ramp is not None and not protection.paced
        self._request(ProtectionRequest.RAMP_OFF if on else ProtectionRequest.RAMP_ON)

    def action_guard(self) -> None:
        self._request(ProtectionRequest.DISARM if self._protection().armed else ProtectionRequest.ARM)

    def action_continue_ramp(self) -> None:
        if self._balloon() is not None and self._protection().left is None:
            self.post_message(self.Refused(self, "No interrupted ramp to continue"))
        else:
            self._request(ProtectionRequest.CONTINUE_RAMP)

    def _protection(self) -> Protection:
        return self.snapshot.protection if self.snapshot is not None else Protection()

    def _request(self, request: ProtectionRequest) -> None:
        if self._balloon() is None:
            self._refuse()
        else:
            self.post_message(self.ProtectRequested(self, self.snapshot.name if self.snapshot else "", request))

    def action_live(self) -> None:
        self.live = not self.live
        if self.live and self.staged is not None:
            self._send(self.staged)

    def action_type(self) -> None:
        if self._balloon() is None:
            self._refuse()
            return
        self.set_class(True, "-typing")
        typed = self.query_one("#balloon-typed", Input)
        typed.value = ""
        typed.focus()

    @on(Input.Submitted, "#balloon-typed")
    def _typed(self, event: Input.Submitted) -> None:
        event.stop()
        balloon = self._balloon()
        if balloon is None or balloon.reading is None:
            self._forget_input()
            self._refuse()
            return
        try:
            size = parse_target(event.value, ram=balloon.reading.ram, target=balloon.reading.target)
        except SizeError as error:
            self.query_one("#balloon-error", TextBlock).show(Content(str(error)))
            self.set_class(True, "-mistake")
            return
        self._forget_input()
        self.focus()
        self._stage(size)

    @on(Input.Changed, "#balloon-typed")
    def _typing(self) -> None:
        self.set_class(False, "-mistake")

    def key_escape(self, event: Key) -> None:
        """Esc in the field for a typed target only goes back to the panel."""
        if self.has_class("-typing"):
            event.stop()
            event.prevent_default()
            self._forget_input()
            self.focus()

    # Staging and sending.

    def _stage(self, size: int) -> None:
        balloon = self._balloon()
        if balloon is None or balloon.reading is None or balloon.verdict.code is Cause.NO_DEVICE:
            self._refuse()
            return
        target = clamp_target(size, ram=balloon.reading.ram)
        if self.live:
            self._send(target)
        else:
            self.staged = target

    def _send(self, size: int, way: Way = Way.NEW) -> None:
        """Post the request."""
        plan = self.plan(size)
        if plan is None:
            self._refuse()
            return
        before = self._target()
        self.staged = None
        if not plan.risky:
            self._sent = (size, time.time())
        self.post_message(self.TargetRequested(self, self.snapshot.name if self.snapshot else "", plan, before, way))

    def target_sent(self, request: balloon_requests.TargetRequested) -> None:
        """Note that a requested target was sent: the one it replaced is kept for undo."""
        session = self._targets.get(request.guest, Targets())
        self._targets[request.guest] = session.sent(request.size, replaced=request.before, way=request.way)

    def _session(self) -> Targets:
        return self._targets.get(self.snapshot.name if self.snapshot else "", Targets())

    def _refuse(self) -> None:
        balloon = self._balloon()
        if self.snapshot is None:
            reason = "No guest is chosen"
        elif not self.snapshot.phase.alive:
            reason = f"{self.snapshot.name} is not running"
        elif balloon is None:
            reason = self.snapshot.trouble or NO_READING
        elif balloon.verdict.state is State.ABSENT:
            reason = balloon.verdict.cause
        else:
            reason = NO_READING
        self.post_message(self.Refused(self, reason))

    def plan(self, size: int) -> Forecast | None:
        """The effect of a target; None while the balloon has not been read."""
        balloon, snapshot = self._balloon(), self.snapshot
        if snapshot is None or balloon is None or balloon.reading is None:
            return None
        return forecast(
            balloon,
            size,
            self._speeds.get(snapshot.name, Speeds()).towards(balloon.reading.actual, size),
            floor=snapshot.safety.floor,
            ramp=snapshot.protection.ramp,
        )

    def _forget_input(self) -> None:
        self.staged = None
        self.set_class(False, "-typing")
        self.set_class(False, "-mistake")
