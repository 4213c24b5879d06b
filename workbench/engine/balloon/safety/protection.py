"""Runs a guest's ramp and guard after each reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.safety.guard import pace_of
from workbench.domain.balloon.safety.protection import Protection, ProtectionRequest
from workbench.domain.balloon.safety.ramp import DEFAULT_RAMP
from workbench.engine.balloon.safety.guard import Guarding
from workbench.engine.balloon.safety.ramp import Ramper

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workbench.domain.balloon.diagnosis.judge import Verdict
    from workbench.domain.balloon.reading import GuestStats, Reading
    from workbench.domain.balloon.safety.protection import Safety
    from workbench.domain.balloon.safety.ramp import Ramp
    from workbench.engine.balloon.probe import BalloonProbe


class Protector:
    """One guest's ramp and guard. Callers must serialize the calls."""

    def __init__(self, directory: Path, safety: Safety) -> None:
        self._safety = safety
        self._ramp = safety.ramp
        self._ramper = Ramper(directory)
        self._guard = Guarding(directory, armed=safety.guard)

    @property
    def busy(self) -> bool:
        """Whether frequent readings are needed, even for a guest that no pane shows."""
        return self._guard.armed or self._ramper.ramping is not None

    @property
    def armed(self) -> bool:
        return self._guard.armed

    def due(self, now: float) -> float | None:
        """Seconds until a ramp's next step may be sent; None if no step is waiting for its time.

        :param now: Unix time.
        """
        ramping = self._ramper.ramping
        return (ramping.due(now) or None) if ramping is not None and not ramping.held else None

    def ramp_of(self, ram: int) -> Ramp | None:
        """The ramp for an inflation of a guest with this much RAM: the one that is on, or the armed guard's pace."""
        return pace_of(ram) if self._ramp is None and self._guard.armed else self._ramp

    def state(self, ram: int) -> Protection:
        """The current state, for a guest with this much RAM."""
        ramper, guard = self._ramper, self._guard
        return Protection(
            ramp=self.ramp_of(ram),
            paced=self._ramp is None and guard.armed,
            ramping=ramper.ramping or ramper.elsewhere,
            elsewhere=ramper.ramping is None and ramper.elsewhere is not None,
            left=ramper.left,
            armed=guard.armed,
            blind=guard.blind,
            alarm=guard.alarm,
        )

    async def set_target(self, probe: BalloonProbe, reading: Reading | None, size: int) -> None:
        """Send a target: in steps if a ramp is on and the inflation takes more than one, else at once.

        :raise MonitorError: if it cannot be sent.
        """
        ramp = self.ramp_of(probe.ram)
        if ramp is not None and reading is not None and ramp.steps(reading.actual, size) > 1:
            await self._ramper.begin(probe, reading, size, ramp)
        else:
            self._ramper.end()
            await probe.set_target(size)

    async def after_reading(
        self,
        probe: BalloonProbe,
        reading: Reading | None,
        stats: GuestStats | None,
        judge: Callable[[], Verdict],
        status: str,
    ) -> bool:
        """Do what is due now; returns whether the target was changed.

        :param judge: diagnoses the diff; called only while a ramp is waiting.
        :param status: QEMU's ``RunState``.
        :raise MonitorError: if QEMU cannot be asked; retried after the next reading.
        """
        before = self._ramper.ramping
        why = await self._guard.watch(probe, reading, stats, status)
        if why and reading is not None:
            self._ramper.end()
            await self._guard.give_back(probe, reading, why)
            return True
        self._ramper.look(probe, reading)
        await self._ramper.step(probe, reading, judge)
        after = self._ramper.ramping
        return after is not None and (before is None or before.at != after.at)

    async def carry_out(self, request: ProtectionRequest, probe: BalloonProbe | None, reading: Reading | None) -> None:
        """Carry out a user's request.

        :raise MonitorError: if an interrupted ramp cannot be continued.
        """
        match request:
            case ProtectionRequest.ARM:
                self._guard.armed = True
            case ProtectionRequest.DISARM:
                await self._guard.disarm(probe)
            case ProtectionRequest.RAMP_ON:
                self._ramp = self._safety.ramp or DEFAULT_RAMP
            case ProtectionRequest.RAMP_OFF:
                self._ramp = None
            case ProtectionRequest.STOP_RAMP:
                self._ramper.end()
            case ProtectionRequest.CONTINUE_RAMP if probe is not None and reading is not None:
                await self._ramper.resume(probe, reading)
            case ProtectionRequest.DISMISS:
                self._guard.alarm = None
                if self._ramper.left is not None:
                    self._ramper.end()

    def reset(self) -> None:
        """The guest was reset: its balloon starts over, and earlier figures no longer apply."""
        self._ramper.end()
        self._guard.forget()

    def forget(self) -> None:
        """QEMU did not answer: earlier sights no longer apply."""
        self._guard.forget()
        self._ramper.hold("QEMU does not answer")

    async def leave(self, probe: BalloonProbe | None) -> None:
        """The screen closes: a ramp stays at its step for the next screen, and the guard is disarmed."""
        if self._guard.armed:
            await self._guard.disarm(probe)
