"""The state machine that carries out a proposal: first guests give memory, then others get it.

::

    a guest that gives:  MOVING ──► REACHED                 all at once, each with its own ramp and guard
                            ├─────► RELEASED                its guard returned everything to it
                            └─────► LATE, FAILED
    a guest that gets:   WAITING ──► MOVING ──► REACHED     once no guest is giving any more
                            │           └─────► LATE, FAILED
                            └──► HELD                       other guests gave too little

The budget is never exceeded on the way: only memory that was given is handed out. This module sends nothing:
:meth:`Course.advance` takes the guests' state and returns the targets to send.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from workbench.domain.rebalance.proposal import DEADBAND
from workbench.domain.units import MIB, mib

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.balloon.safety.ramp import Ramp, Ramping
    from workbench.domain.rebalance.proposal import Line, Proposal


class Stage(StrEnum):
    UNCHANGED = "unchanged"
    WAITING = "waiting"
    MOVING = "moving"
    REACHED = "reached"
    LATE = "late"
    """Its target was sent, but it did not reach it in time."""
    HELD = "held"
    """No target was sent, as other guests gave too little."""
    RELEASED = "released"
    """Its guard returned everything to it, as it was thrashing."""
    FAILED = "failed"

    @property
    def over(self) -> bool:
        return self not in (Stage.WAITING, Stage.MOVING)


class Seen(Struct, frozen=True):
    """The last reading of one guest. Sizes are bytes."""

    target: int
    actual: int
    cause: str = ""
    """Why it does not move; empty while it does."""
    step: str = ""
    """The step of its ramp, for people; empty without a ramp in progress."""
    released: str = ""
    """Why its guard returned everything to it; empty if it did not."""
    gone: str = ""
    """Set if it has ended."""


class Progress(Struct, frozen=True):
    """One guest's progress. Sizes are bytes."""

    line: Line
    stage: Stage
    actual: int
    """Its actual at the last reading."""
    goal: int
    """Its final target: lower than proposed if other guests gave less."""
    sent: bool = False
    """Whether its target was sent."""
    step: str = ""
    """The step of its ramp, for people."""
    words: str = ""
    """Why it is stuck or failed."""

    @property
    def remark(self) -> str:
        """A note beside the stage; empty if all is well."""
        if self.goal == self.line.new or self.words:
            return self.words
        return f"got {mib(self.goal - self.line.guest.target)} of {mib(self.line.change)}: other guests gave too little"


class Course:
    """A proposal being carried out."""

    def __init__(self, proposal: Proposal, *, deadline: float) -> None:
        """:param deadline: when guests short of their target count as late, on the clock of :meth:`advance`."""
        self._budget = proposal.budget
        self._deadline = deadline
        self._confirmed: set[str] = set()
        """Guests seen with the target that was sent, or at a step of a ramp towards it."""
        self.progress: dict[str, Progress] = {line.guest.name: _beginning(line) for line in proposal.lines}

    @property
    def over(self) -> bool:
        return all(one.stage.over for one in self.progress.values())

    @property
    def failed(self) -> bool:
        return any(one.stage is Stage.FAILED for one in self.progress.values())

    @property
    def complete(self) -> bool:
        """Whether every guest reached its proposed target."""
        wanted = (one for one in self.progress.values() if one.stage is not Stage.UNCHANGED)
        return all(one.stage is Stage.REACHED and one.goal == one.line.new for one in wanted)

    def advance(self, now: float, seen: Mapping[str, Seen]) -> list[tuple[str, int]]:
        """Process the latest readings; return the targets to send, as names and bytes.

        :param now: seconds of a monotonic clock.
        """
        for name, found in seen.items():
            if name in self.progress:
                self.progress[name] = self._looked(self.progress[name], found)
        orders = [(name, one.goal) for name, one in self.progress.items() if one.stage is Stage.MOVING and not one.sent]
        if not any(one.stage is Stage.MOVING for one in self.progress.values()):
            orders += self._hand_out(now)
        for name, _ in orders:
            self.progress[name] = replace(self.progress[name], stage=Stage.MOVING, sent=True)
        if now >= self._deadline:
            self._end("timed out")
        return orders

    def fail(self, name: str, words: str) -> None:
        """Record that a guest's target could not be sent."""
        self.progress[name] = replace(self.progress[name], stage=Stage.FAILED, words=words)

    def stop(self, words: str) -> None:
        """Send nothing more; guests already moving continue on their own."""
        self._end(words)

    def _end(self, words: str) -> None:
        for name, one in self.progress.items():
            if one.stage is Stage.MOVING:
                self.progress[name] = replace(one, stage=Stage.LATE, words=one.words or words)
            elif one.stage is Stage.WAITING:
                self.progress[name] = replace(one, stage=Stage.HELD, words=words)

    def _looked(self, one: Progress, found: Seen) -> Progress:
        name = one.line.guest.name
        if one.stage.over:
            return replace(one, actual=found.actual)
        one = replace(one, actual=found.actual, step=found.step, words=found.cause)
        if found.gone:
            return replace(one, stage=Stage.FAILED, words=found.gone)
        if not one.sent:
            return one
        if found.released:
            return replace(one, stage=Stage.RELEASED, words=found.released)
        if found.target == one.goal or found.step:
            self._confirmed.add(name)
        elif name in self._confirmed:
            words = f"another client set its target to {mib(found.target)}"
            return replace(one, stage=Stage.FAILED, words=words)
        if found.target == found.actual == one.goal:
            return replace(one, stage=Stage.REACHED, words="")
        return one

    def _hand_out(self, now: float) -> list[tuple[str, int]]:
        """Distribute what is available to the waiting guests, the neediest first."""
        waiting = [one for one in self.progress.values() if one.stage is Stage.WAITING]
        if now >= self._deadline:
            return []
        room = self._budget - sum(_counts(one) for one in self.progress.values())
        orders = []
        for one in sorted(waiting, key=lambda one: _need(one.line)):
            name, start = one.line.guest.name, one.line.guest.target
            given = min(one.goal - start, max(0, room) // MIB * MIB)
            if given == one.goal - start or given >= DEADBAND:
                self.progress[name] = replace(one, goal=start + given)
                orders.append((name, start + given))
                room -= given
            else:
                self.progress[name] = replace(one, stage=Stage.HELD, words="other guests gave too little")
        return orders


def _beginning(line: Line) -> Progress:
    stage = Stage.MOVING if line.change < 0 else Stage.WAITING if line.change > 0 else Stage.UNCHANGED
    return Progress(line, stage, line.guest.actual, line.new)


def _counts(one: Progress) -> int:
    """A guest's share of the budget now."""
    if one.stage is Stage.UNCHANGED:
        return one.line.counts
    if one.stage is Stage.WAITING or one.line.change > 0:
        return one.line.guest.target if one.stage in (Stage.WAITING, Stage.HELD) else one.goal
    if one.stage is Stage.RELEASED:
        return one.line.guest.ram
    return max(one.actual, one.goal if one.sent else one.line.guest.target)


def _need(line: Line) -> tuple[float, str]:
    """Sort key: the smallest available share first."""
    guest = line.guest
    return (1.0 if guest.idle is None else guest.idle / max(1, guest.target), guest.name)


PATIENCE = 60.0
"""Seconds that guests may take, in addition to the waits of their ramps."""


def patience(proposal: Proposal, ramps: Mapping[str, Ramp]) -> float:
    """The default time limit in seconds for reaching the targets.

    :param ramps: by guest, of those with a ramp.
    """
    waits = [
        ramp.seconds * (ramp.steps(line.guest.actual, line.new) - 1)
        for line in proposal.changes
        if (ramp := ramps.get(line.guest.name)) is not None
    ]
    return PATIENCE + max(waits, default=0.0)


def step_words(ramping: Ramping | None) -> str:
    """The step of a guest's ramp, for people."""
    if ramping is None or ramping.steps < 2:
        return ""
    return f"step {ramping.step} of {ramping.steps}"
