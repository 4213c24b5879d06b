"""Runs a ramp: sends one target after the other, each once the guest has reached the previous one and its time is up.

The ramp is kept in ``ramp.json`` in the guest's directory from its first step to its last. A workbench that ends before
that leaves the guest at a step; the next one finds the file, sees that its owner is gone, and reports it.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.balloon.history.marks import Mark, MarkKind
from workbench.domain.balloon.safety.ramp import Ramping
from workbench.domain.units import mib
from workbench.engine.state.process import lives, this_process
from workbench.engine.storage.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workbench.domain.balloon.diagnosis.judge import Verdict
    from workbench.domain.balloon.reading import Reading
    from workbench.domain.balloon.safety.ramp import Ramp
    from workbench.engine.balloon.probe import BalloonProbe

FILE = "ramp.json"


class RampRecord(Struct, frozen=True):
    """The file's content."""

    ramping: Ramping
    pid: int
    """The process that runs it."""
    born: int
    """Start time of that process in clock ticks since the host's boot: its pid may be reused."""
    marked: bool = msgspec.field(default=False, name="told")
    """Whether the history has a mark that shows where it was interrupted."""


class Ramper:
    """One guest's ramp: ours, another workbench's, or an interrupted one."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self.ramping: Ramping | None = None
        """A ramp that this process runs."""
        self.elsewhere: Ramping | None = None
        """One that another live process runs."""
        self.left: Ramping | None = None
        """An interrupted one, whose process is gone."""

    async def begin(
        self, probe: BalloonProbe, reading: Reading, goal: int, ramp: Ramp, *, continues: bool = False
    ) -> None:
        """Send the first step towards ``goal``; ends any earlier ramp.

        :param continues: it continues an interrupted ramp, as part of the same change.
        :raise MonitorError: if it cannot be sent; there is no ramp then.
        """
        self.end()
        first = ramp.following(reading.actual, goal)
        begun = Ramping(ramp, reading.actual, goal, first, time.time())
        probe.book.marks.add(Mark(begun.since, MarkKind.RAMP, f"ramp to {mib(goal)} in {begun.steps} steps", goal))
        await self._send(probe, begun, continues=continues)

    async def step(self, probe: BalloonProbe, reading: Reading | None, judge: Callable[[], Verdict]) -> None:
        """After each reading: send the next step if it is due, hold, or end. Costs nothing without a ramp."""
        now = self.ramping
        if now is None or reading is None or reading.precedes(now.since):
            return
        verdict = judge()
        if reading.target != now.at:
            self.end()  # another client set a target: that one counts
        elif reading.diff:
            stuck = verdict.state in (State.STALLED, State.ABSENT)
            self.ramping = replace(now, held=verdict.cause or verdict.state.value if stuck else "")
        elif verdict.state is State.ABSENT:
            self.ramping = replace(now, held=verdict.cause)  # a diff of 0 says nothing without a driver
        elif now.at == now.goal:
            self.end()
        else:
            self.ramping = replace(now, held="")
            if not now.due(time.time()):
                following = replace(now, at=now.following, since=time.time(), held="")
                await self._send(probe, following)
                probe.book.marks.add(Mark(following.since, MarkKind.RAMP, following.progress, following.at))

    def hold(self, why: str) -> None:
        """Hold the ramp for a reason other than the guest."""
        if self.ramping is not None:
            self.ramping = replace(self.ramping, held=why)

    def end(self) -> None:
        """End the ramp for good and leave the guest where it is: it will not be offered for continuation."""
        self.ramping = self.left = self.elsewhere = None
        record = self._load()
        if record is not None and _lives(record):
            return  # another workbench's, which ends it on seeing another target
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    async def resume(self, probe: BalloonProbe, reading: Reading) -> None:
        """Continue the interrupted ramp."""
        left = self.left
        if left is not None:
            await self.begin(probe, reading, left.goal, left.ramp, continues=True)

    def look(self, probe: BalloonProbe, reading: Reading | None) -> None:
        """Check whether another workbench runs a ramp on this guest, or was interrupted at a step."""
        if self.ramping is not None or reading is None:
            return
        record = self._load()
        if record is None or record.ramping.at != reading.target:
            # There is none, or the target has changed since.
            self.elsewhere = self.left = None
            if record is not None:
                self.end()
        elif _lives(record):
            self.elsewhere, self.left = record.ramping, None
        elif record.ramping.at == record.ramping.goal:
            self.end()  # its last step was sent
        else:
            self.elsewhere, self.left = None, record.ramping
            if not record.marked:
                self._mark_left(probe, record)

    def _mark_left(self, probe: BalloonProbe, record: RampRecord) -> None:
        at, goal = record.ramping.at, record.ramping.goal
        # Marked at the current time: when it was interrupted is unknown.
        probe.book.marks.add(Mark(time.time(), MarkKind.RAMP, f"ramp to {mib(goal)} interrupted at {mib(at)}", at))
        self._write(replace(record, marked=True))

    async def _send(self, probe: BalloonProbe, ramping: Ramping, *, continues: bool = True) -> None:
        # Written first: if we are killed in between, the file's target is not the guest's, and the file is ignored.
        before, self.ramping = self.ramping, ramping
        self._write(RampRecord(ramping, *this_process()))
        try:
            await probe.set_target(ramping.at, continues=continues)
        except BaseException:
            self.ramping = before
            if before is None:
                self.end()
            raise

    def _write(self, record: RampRecord) -> None:
        # A full disk must not stop a ramp; it only keeps the next workbench from finding it.
        with suppress(OSError):
            write_atomic(self._path, msgspec.json.encode(record), lasting=False)

    def _load(self) -> RampRecord | None:
        return _read(self._path)


def _lives(record: RampRecord) -> bool:
    return record.pid != os.getpid() and lives(record.pid, record.born)


def _read(path: Path) -> RampRecord | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=RampRecord)
    except (OSError, ValueError):
        return None


def found(directory: Path, target: int) -> tuple[Ramping | None, bool]:
    """The ramp of a guest with this target, and whether a live process runs it; changes nothing."""
    record = _read(directory / FILE)
    if record is None or record.ramping.at != target:
        return None, False
    alive = lives(record.pid, record.born)
    done = not alive and record.ramping.at == record.ramping.goal
    return (None, False) if done else (record.ramping, alive)
