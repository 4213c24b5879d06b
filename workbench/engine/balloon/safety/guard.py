"""The guard at work: reports every second while it is armed, and everything given back at once when it must be."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from workbench.domain.balloon.history.marks import Mark, MarkKind
from workbench.domain.balloon.safety import guard
from workbench.domain.balloon.safety.guard import Alarm, Sight, keep_sight
from workbench.domain.units import mib
from workbench.engine.state.process import lives, this_process
from workbench.engine.storage.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.domain.balloon.reading import GuestStats, Reading
    from workbench.engine.balloon.probe import BalloonProbe

FILE = "guard.json"
"""Holds the polling interval as it was before, so that it can be set again also by the next workbench, and who armed it."""


class GuardRecord(Struct, frozen=True):
    """What stands in the file."""

    interval: int
    """Seconds between two reports, as they were before."""
    pid: int
    born: int
    """The process that armed the guard, and its start in clock ticks since the host's boot."""


class Guarding:
    """One guest's guard."""

    def __init__(self, directory: Path, *, armed: bool) -> None:
        self._path = directory / FILE
        self.armed = armed
        self.alarm: Alarm | None = None
        self._sights: tuple[Sight, ...] = ()
        self._noted = False
        """Whether the file says that we armed it."""
        self._restored = False
        """Whether it was seen to that the interval is the guest's own, since the guard was disarmed or we began."""

    @property
    def blind(self) -> str:
        return guard.blind(self._sights) if self.armed and self._sights else ""

    def forget(self) -> None:
        """What was seen so far says nothing any more: the guest was paused, reset, or did not answer."""
        self._sights = ()

    async def watch(self, probe: BalloonProbe, reading: Reading | None, stats: GuestStats | None, status: str) -> str:
        """After each reading: why everything must be given back now; empty while all is well, or it is not armed.

        :param status: QEMU's ``RunState``; a guest that does not run says nothing, and nothing is wrong with that.
        :raise MonitorError: when QEMU cannot be asked.
        """
        await self._keep_interval(probe)
        if not self.armed or reading is None or status != "running":
            self.forget()
            return ""
        sight = Sight(time.monotonic(), reading.ram, reading.target, reading.actual, stats)
        self._sights = keep_sight(self._sights, sight)
        return guard.alarm(self._sights)

    async def give_back(self, probe: BalloonProbe, reading: Reading, why: str) -> None:
        """Send the guest's whole RAM at once, never in steps: a guest under pressure has no time."""
        await probe.set_target(reading.ram)
        self.alarm = Alarm(time.time(), why, reading.held)
        probe.marks.add(Mark(self.alarm.time, MarkKind.GUARD, f"guard: {why}", reading.held, why=why))
        self.forget()

    async def disarm(self, probe: BalloonProbe | None) -> None:
        """The interval is as it was before, where QEMU can be asked."""
        self.armed = False
        self.forget()
        if probe is not None:
            await self._keep_interval(probe)

    async def _keep_interval(self, probe: BalloonProbe) -> None:
        """Ask QEMU for a report every second while armed, and for those of before afterwards; a command only where it changes."""
        if not probe.present or probe.interval is None:
            return
        if self.armed:
            self._restored = False
            if probe.interval != guard.INTERVAL or not self._noted:
                before = self._before()
                record = GuardRecord(probe.interval if before is None else before, *this_process())
                with suppress(OSError):  # without it the interval stays until the guest's next start
                    write_atomic(self._path, msgspec.json.encode(record), lasting=False)
                self._noted = True
            if probe.interval != guard.INTERVAL:
                await probe.set_interval(guard.INTERVAL)
        elif not self._restored:
            if (before := self._before()) is not None and probe.interval != before:
                await probe.set_interval(before)
            self._restored, self._noted = True, False
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _before(self) -> int | None:
        record = _read(self._path)
        return record.interval if record is not None else None


def _read(path: Path) -> GuardRecord | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=GuardRecord)
    except (OSError, ValueError):
        return None


def is_armed(directory: Path) -> bool:
    """Whether a workbench that lives has armed the guest's guard."""
    record = _read(directory / FILE)
    return record is not None and lives(record.pid, record.born)


def alarm_words(name: str, alarm: Alarm) -> str:
    """What the guard did, for people."""
    return f"the guard gave {name} {mib(alarm.returned)} back: {alarm.why}"
