"""Runs the guard: requests reports every second while armed, and returns all memory at once when needed."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from workbench.domain.balloon.history.marks import Mark, MarkKind
from workbench.domain.balloon.safety import guard
from workbench.domain.balloon.safety.guard import Alarm, Sight, keep_sight
from workbench.engine.state.process import lives, this_process
from workbench.engine.storage.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.domain.balloon.reading import GuestStats, Reading
    from workbench.engine.balloon.probe import BalloonProbe

FILE = "guard.json"
"""Holds the earlier polling interval, so that the next workbench can restore it too, and which process armed the guard."""


class GuardRecord(Struct, frozen=True):
    """The file's content."""

    interval: int
    """Seconds between reports before the guard was armed."""
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
        """Whether the file names this process."""
        self._restored = False
        """Whether the interval was restored since the guard was disarmed or this process started."""

    @property
    def blind(self) -> str:
        return guard.blind(self._sights) if self.armed and self._sights else ""

    def forget(self) -> None:
        """Drop all sights: the guest was paused, reset, or did not answer."""
        self._sights = ()

    async def watch(self, probe: BalloonProbe, reading: Reading | None, stats: GuestStats | None, status: str) -> str:
        """Check each reading; returns why all memory must be returned now, empty if all is well or the guard is not armed.

        :param status: QEMU's ``RunState``; a guest that is not running sends no reports, which is fine.
        :raise MonitorError: if QEMU cannot be asked.
        """
        await self._keep_interval(probe)
        if not self.armed or reading is None or status != "running":
            self.forget()
            return ""
        sight = Sight(time.monotonic(), reading.ram, reading.target, reading.actual, stats)
        self._sights = keep_sight(self._sights, sight)
        return guard.alarm(self._sights)

    async def give_back(self, probe: BalloonProbe, reading: Reading, why: str) -> None:
        """Set the target to the guest's full RAM at once, never in steps: a guest under pressure has no time."""
        await probe.set_target(reading.ram)
        self.alarm = Alarm(time.time(), why, reading.held)
        probe.book.marks.add(Mark(self.alarm.time, MarkKind.GUARD, f"guard: {why}", reading.held, why=why))
        self.forget()

    async def disarm(self, probe: BalloonProbe | None) -> None:
        """Disarm, and restore the interval if QEMU can be asked."""
        self.armed = False
        self.forget()
        if probe is not None:
            await self._keep_interval(probe)

    async def _keep_interval(self, probe: BalloonProbe) -> None:
        """Request a report every second while armed, and restore the interval afterwards; sends a command only on change."""
        if not probe.present or probe.statistics.interval is None:
            return
        if self.armed:
            self._restored = False
            interval = probe.statistics.interval
            if interval != guard.INTERVAL or not self._noted:
                before = self._before()
                record = GuardRecord(interval if before is None else before, *this_process())
                with suppress(OSError):  # without it the interval stays until the guest's next start
                    write_atomic(self._path, msgspec.json.encode(record), lasting=False)
                self._noted = True
            if interval != guard.INTERVAL:
                await probe.statistics.set_interval(guard.INTERVAL)
        elif not self._restored:
            if (before := self._before()) is not None and probe.statistics.interval != before:
                await probe.statistics.set_interval(before)
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
    """Whether a live workbench has armed the guest's guard."""
    record = _read(directory / FILE)
    return record is not None and lives(record.pid, record.born)
