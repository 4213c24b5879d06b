"""Staging of targets: what the keys that stage, send, undo and redo do. Knows nothing of the screen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from workbench.domain.balloon.diagnosis.causes import Cause, State
from workbench.domain.balloon.target import clamp_target, parse_target
from workbench.domain.balloon.target_undo import Targets, Way
from workbench.domain.units import SizeError
from workbench.ui.balloon.staging.effects import ChoosePreset, Effect, Refuse, SendTarget, live_balloon, refuse
from workbench.ui.balloon.staging.forecasts import Forecasts
from workbench.ui.balloon.staging.protection_keys import stop_or_dismiss

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.balloon.reading import Reading
    from workbench.domain.balloon.safety.forecast import Forecast
    from workbench.domain.guest.snapshot import GuestSnapshot

SENT_FOR = 1.0
"""Seconds after which a sent target that no reading shows was refused, or replaced by another client."""


class Staging:
    """Stages a target of the chosen guest before it is sent, and remembers the targets sent.

    Each key returns what it asks for, or None if it only changes what is staged.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """:param clock: Unix time, as in readings."""
        self.staged: int | None = None
        """The staged target in bytes."""
        self.live = False
        """Whether staged targets are sent at once."""
        self._clock = clock
        self._snapshot: GuestSnapshot | None = None
        self._forecasts = Forecasts()
        self._targets: dict[str, Targets] = {}
        """The targets sent to each guest in this session."""
        self._sent: tuple[int, float] | None = None
        """The last target sent or about to be, and when; one that has to be confirmed first, once it is sent."""

    # What comes down.

    def take(self, snapshot: GuestSnapshot | None) -> None:
        """Follow the chosen guest; for another one nothing is staged yet."""
        if _name(snapshot) != _name(self._snapshot):
            self.staged = self._sent = None
        self._snapshot = snapshot
        self._forecasts.take(snapshot)

    def target_sent(self, sent: SendTarget) -> None:
        """Note that a target was sent: the one it replaced is kept for undo."""
        size, targets = sent.plan.target, self._targets.get(sent.guest, Targets())
        self._targets[sent.guest] = targets.sent(size, replaced=sent.before, way=sent.way)
        if sent.plan.risky and sent.guest == _name(self._snapshot):
            self._sent = (size, self._clock())

    # What is shown.

    @property
    def target(self) -> int:
        """The target that steps count from: the one just sent, until a reading shows it."""
        reading = self._reading
        if reading is None:
            return 0
        if self._sent is not None and reading.target != self._sent[0] and reading.time < self._sent[1] + SENT_FOR:
            return self._sent[0]
        return reading.target

    @property
    def presets(self) -> tuple[tuple[str, str], ...]:
        """Names and targets of the guest's profile."""
        return self._snapshot.safety.presets if self._snapshot is not None else ()

    @property
    def staged_plan(self) -> Forecast | None:
        """The effect of the staged target; None if nothing is staged."""
        return None if self.staged is None else self.plan(self.staged)

    def plan(self, size: int) -> Forecast | None:
        """The effect of a target; None while the balloon has not been read."""
        return self._forecasts.plan(self._snapshot, size)

    # Keys that stage.

    def step(self, change: int) -> Effect | None:
        """Stage a target so many bytes from the staged one, or from the present one."""
        return self._stage((self.target if self.staged is None else self.staged) + change)

    def tenth(self, tenth: int) -> Effect | None:
        """Stage so many tenths of the guest's RAM."""
        reading = self._reading
        return self._stage(reading.ram * tenth // 10 if reading is not None else 0)

    def typed(self, text: str) -> Effect | None:
        """Stage a typed target instead of the staged one.

        :raise SizeError: if it is not a valid target; what is staged stays.
        """
        reading = self._reading
        if reading is None:
            self.staged = None
            return refuse(self._snapshot)
        size = parse_target(text, ram=reading.ram, target=reading.target)
        self.staged = None
        return self._stage(size)

    def preset(self, name: str) -> Effect | None:
        """Stage the profile's target of this name."""
        reading, text = self._reading, dict(self.presets).get(name)
        if reading is None or text is None:
            return refuse(self._snapshot)
        try:
            return self._stage(parse_target(text, ram=reading.ram, target=reading.target))
        except SizeError as error:  # the guest's RAM differs from the profile's
            return Refuse(f"{name}: {error}")

    def choose_preset(self) -> Effect:
        """Ask for one of the presets."""
        if live_balloon(self._snapshot) is None:
            return refuse(self._snapshot)
        if not self.presets:
            return Refuse("The profile has no presets: see [balloon.presets]")
        return ChoosePreset()

    def drop(self) -> Effect | None:
        """Discard the staged target; otherwise stop a ramp, then dismiss a message."""
        if self.staged is None:
            return stop_or_dismiss(self._snapshot)
        self.forget()
        return None

    def forget(self) -> None:
        """Discard the staged target."""
        self.staged = None

    # Keys that send.

    def send(self) -> Effect:
        if self.staged is None:
            return Refuse("Nothing staged: - + [ ] 1\u20269 or t stage a target")
        return self._send(self.staged)

    def send_again(self) -> Effect:
        """Send the current target again: QEMU notifies the driver again, and one that took memory back inflates again."""
        balloon = live_balloon(self._snapshot)
        if balloon is None or balloon.reading is None or balloon.verdict.state is State.ABSENT:
            return refuse(self._snapshot)
        if not balloon.reading.diff:
            return Refuse("Already at its target")
        return self._send(self.target)

    def give_all(self) -> Effect:
        """Send all RAM."""
        reading = self._reading
        return refuse(self._snapshot) if reading is None else self._send(reading.ram)

    def undo(self) -> Effect:
        return self._go(Way.UNDO, "No earlier target in this session")

    def redo(self) -> Effect:
        return self._go(Way.REDO, "Nothing to redo")

    def toggle_live(self) -> Effect | None:
        """Live mode on or off; on sends what is staged."""
        self.live = not self.live
        return self._send(self.staged) if self.live and self.staged is not None else None

    def _go(self, way: Way, otherwise: str) -> Effect:
        target = self._targets.get(_name(self._snapshot), Targets()).next(way)
        return Refuse(otherwise) if target is None else self._send(target, way)

    def _stage(self, size: int) -> Effect | None:
        balloon = live_balloon(self._snapshot)
        if balloon is None or balloon.reading is None or balloon.verdict.code is Cause.NO_DEVICE:
            return refuse(self._snapshot)
        target = clamp_target(size, ram=balloon.reading.ram)
        if self.live:
            return self._send(target)
        self.staged = target
        return None

    def _send(self, size: int, way: Way = Way.NEW) -> SendTarget | Refuse:
        plan = self.plan(size)
        if plan is None:
            return refuse(self._snapshot)
        before = self.target
        self.staged = None
        if not plan.risky:
            self._sent = (size, self._clock())
        return SendTarget(_name(self._snapshot), plan, before, way)

    @property
    def _reading(self) -> Reading | None:
        balloon = live_balloon(self._snapshot)
        return balloon.reading if balloon is not None else None


def _name(snapshot: GuestSnapshot | None) -> str:
    return snapshot.name if snapshot is not None else ""
