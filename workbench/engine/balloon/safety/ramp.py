"""Carrying out a ramp: one target after the other, each when the guest has reached the one before and its time is over.

The ramp stands in ``ramp.json`` of the guest's directory from its first step to its last. A workbench that ends meanwhile,
however it ends, leaves the guest at a step; the next one finds the file, sees that its owner is gone, and says so.
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
    """What stands in the file."""

    ramping: Ramping
    pid: int
    """The process that carries it out."""
    born: int
    """When that process started, in clock ticks since the host's boot: another process may get its pid."""
    told: bool = False
    """Whether the history has a mark that says where it was left."""


class Ramper:
    """One guest's ramp: ours, somebody else's, or one that was left."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self.ramping: Ramping | None = None
        """A ramp that this process carries out."""
        self.elsewhere: Ramping | None = None
        """One that another living process does."""
        self.left: Ramping | None = None
        """One whose process is gone."""

    async def begin(
        self, probe: BalloonProbe, reading: Reading, goal: int, ramp: Ramp, *, goes_on: bool = False
    ) -> None:
        """Send the first step towards ``goal``; what was under way before ends.

        :param goes_on: it takes up one that was left, and is one change with it.
        :raise MonitorError: when it cannot be sent; there is no ramp then.
        """
        self.end()
        first = ramp.following(reading.actual, goal)
        begun = Ramping(ramp, reading.actual, goal, first, time.time())
        probe.marks.add(Mark(begun.since, MarkKind.RAMP, f"ramp to {mib(goal)} in {begun.steps} steps", goal))
        await self._send(probe, begun, goes_on=goes_on)

    async def step(self, probe: BalloonProbe, reading: Reading | None, judge: Callable[[], Verdict]) -> None:
        """After each reading: send the next step when it is due, hold, or end. Costs nothing when there is no ramp."""
        now = self.ramping
        if now is None or reading is None or reading.precedes(now.since):
            return
        verdict = judge()
        if reading.target != now.at:
            self.end()  # somebody set another target: that one counts
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
                words = f"step {following.step} of {following.steps} to {mib(now.goal)}"
                probe.marks.add(Mark(following.since, MarkKind.RAMP, words, following.at))

    def hold(self, why: str) -> None:
        """Something else than the guest keeps a ramp from going on."""
        if self.ramping is not None:
            self.ramping = replace(self.ramping, held=why)

    def end(self) -> None:
        """Leave the guest where it is, for good: nobody is asked whether to go on."""
        self.ramping = self.left = self.elsewhere = None
        record = self._load()
        if record is not None and _lives(record):
            return  # another workbench's: it ends its own when it sees another target
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    async def go_on(self, probe: BalloonProbe, reading: Reading) -> None:
        """Take up the ramp that was left."""
        left = self.left
        if left is not None:
            await self.begin(probe, reading, left.goal, left.ramp, goes_on=True)

    def look(self, probe: BalloonProbe, reading: Reading | None) -> None:
        """Whether another workbench ramps this guest, or left it at a step."""
        if self.ramping is not None or reading is None:
            return
        record = self._load()
        if record is None or record.ramping.at != reading.target:
            # There is none, or the target has moved on since.
            self.elsewhere = self.left = None
            if record is not None:
                self.end()
        elif _lives(record):
            self.elsewhere, self.left = record.ramping, None
        elif record.ramping.at == record.ramping.goal:
            self.end()  # its last step was sent: nothing is left to do
        else:
            self.elsewhere, self.left = None, record.ramping
            if not record.told:
                self._tell(probe, record)

    def _tell(self, probe: BalloonProbe, record: RampRecord) -> None:
        at, goal = record.ramping.at, record.ramping.goal
        # At the time of now: when it was left, nobody knows.
        probe.marks.add(Mark(time.time(), MarkKind.RAMP, f"found: ramp to {mib(goal)} left at {mib(at)}", at))
        self._write(replace(record, told=True))

    async def _send(self, probe: BalloonProbe, ramping: Ramping, *, goes_on: bool = True) -> None:
        # Noted first: whoever ends us between the two leaves a file whose target is not the guest's, which says nothing.
        before, self.ramping = self.ramping, ramping
        self._write(RampRecord(ramping, *this_process()))
        try:
            await probe.set_target(ramping.at, goes_on=goes_on)
        except BaseException:
            self.ramping = before
            if before is None:
                self.end()
            raise

    def _write(self, record: RampRecord) -> None:
        # A full disk must not stop a ramp: then the next workbench cannot say where it was left.
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
    """The ramp that the guest with that target is on, and whether somebody carries it out; nothing is changed."""
    record = _read(directory / FILE)
    if record is None or record.ramping.at != target:
        return None, False
    alive = lives(record.pid, record.born)
    done = not alive and record.ramping.at == record.ramping.goal
    return (None, False) if done else (record.ramping, alive)
