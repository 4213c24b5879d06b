"""How a proposal is carried out: who gives first, then who gets, and what became of each.

::

    a guest that gives:  MOVING ──► REACHED                 all of them at once, each with its own ramp and guard
                            ├─────► RELEASED                its guard gave everything back
                            └─────► LATE, FAILED
    a guest that gets:   WAITING ──► MOVING ──► REACHED     when everybody who gives has given, or will not
                            │           └─────► LATE, FAILED
                            └──► HELD                       the others did not give enough

The host is never asked for more than the budget on the way: what was not given is not handed out. Nothing is sent from
here: :meth:`Course.advance` says what to send now, from what was seen of the guests.
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
    """Its target was sent, and it did not reach it in time."""
    HELD = "held"
    """Nothing was sent, as the others gave too little."""
    RELEASED = "released"
    """Its guard gave everything back, since it thrashed."""
    FAILED = "failed"

    @property
    def over(self) -> bool:
        return self not in (Stage.WAITING, Stage.MOVING)


class Seen(Struct, frozen=True):
    """One guest as it was last seen. All sizes are bytes."""

    target: int
    actual: int
    cause: str = ""
    """Why it does not move, in words; empty while it does."""
    step: str = ""
    """Which step of a ramp it is at, in words; empty when no ramp is under way."""
    released: str = ""
    """Why its guard gave everything back since its target was sent; empty when it did not."""
    gone: str = ""
    """Why it will never move again: it ended."""


class Progress(Struct, frozen=True):
    """What became of one guest so far. All sizes are bytes."""

    line: Line
    stage: Stage
    actual: int
    """What it has, as last seen."""
    goal: int
    """The target that it is to have in the end: less than proposed where the others gave less."""
    sent: bool = False
    """Whether its target was sent."""
    step: str = ""
    """Which step of a ramp it is at, in words."""
    words: str = ""
    """What hinders it, or why it failed."""

    @property
    def remark(self) -> str:
        """What there is to say beside the stage; empty when all goes well."""
        if self.goal == self.line.new or self.words:
            return self.words
        return f"got {mib(self.goal - self.line.guest.target)} of {mib(self.line.change)}: the others gave too little"


class Course:
    """One proposal on its way."""

    def __init__(self, proposal: Proposal, *, deadline: float) -> None:
        """:param deadline: when whoever has not reached its target counts as late, on the clock of :meth:`advance`."""
        self._budget = proposal.budget
        self._deadline = deadline
        self._confirmed: set[str] = set()
        """Who was seen to be on the way: with the target that was sent, or at a step of a ramp towards it."""
        self.progress: dict[str, Progress] = {line.guest.name: _beginning(line) for line in proposal.lines}

    @property
    def over(self) -> bool:
        return all(one.stage.over for one in self.progress.values())

    @property
    def failed(self) -> bool:
        return any(one.stage is Stage.FAILED for one in self.progress.values())

    @property
    def complete(self) -> bool:
        """Whether every guest reached what was proposed for it."""
        wanted = (one for one in self.progress.values() if one.stage is not Stage.UNCHANGED)
        return all(one.stage is Stage.REACHED and one.goal == one.line.new for one in wanted)

    def advance(self, now: float, seen: Mapping[str, Seen]) -> list[tuple[str, int]]:
        """Take in what was seen, and say what to send now: names and targets in bytes.

        :param now: seconds, on any clock that does not go back.
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
            self._end("the time was over")
        return orders

    def fail(self, name: str, words: str) -> None:
        """A guest's target could not be sent."""
        self.progress[name] = replace(self.progress[name], stage=Stage.FAILED, words=words)

    def stop(self, words: str) -> None:
        """Nothing more is sent; who is on the way goes on by itself."""
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
            words = f"somebody else set its target to {mib(found.target)}"
            return replace(one, stage=Stage.FAILED, words=words)
        if found.target == found.actual == one.goal:
            return replace(one, stage=Stage.REACHED, words="")
        return one

    def _hand_out(self, now: float) -> list[tuple[str, int]]:
        """Give what there is to those who wait, the largest lack first."""
        waiting = [one for one in self.progress.values() if one.stage is Stage.WAITING]
        if now >= self._deadline:
            return []
        room = self._budget - sum(_counts(one) for one in self.progress.values())
        orders = []
        for one in sorted(waiting, key=lambda one: _lack(one.line)):
            name, start = one.line.guest.name, one.line.guest.target
            given = min(one.goal - start, max(0, room) // MIB * MIB)
            if given == one.goal - start or given >= DEADBAND:
                self.progress[name] = replace(one, goal=start + given)
                orders.append((name, start + given))
                room -= given
            else:
                self.progress[name] = replace(one, stage=Stage.HELD, words="the others gave too little")
        return orders


def _beginning(line: Line) -> Progress:
    stage = Stage.MOVING if line.change < 0 else Stage.WAITING if line.change > 0 else Stage.UNCHANGED
    return Progress(line, stage, line.guest.actual, line.new)


def _counts(one: Progress) -> int:
    """What a guest takes of the budget now."""
    if one.stage is Stage.UNCHANGED:
        return one.line.counts
    if one.stage is Stage.WAITING or one.line.change > 0:
        return one.line.guest.target if one.stage in (Stage.WAITING, Stage.HELD) else one.goal
    if one.stage is Stage.RELEASED:
        return one.line.guest.ram
    return max(one.actual, one.goal if one.sent else one.line.guest.target)


def _lack(line: Line) -> tuple[float, str]:
    """Who has the least available share comes first."""
    guest = line.guest
    return (1.0 if guest.idle is None else guest.idle / max(1, guest.target), guest.name)


PATIENCE = 60.0
"""Seconds that guests may take, beside the waits of their ramps."""


def patience(proposal: Proposal, ramps: Mapping[str, Ramp]) -> float:
    """Seconds until whoever has not reached its target counts as late, where nobody says otherwise.

    :param ramps: in which the inflations of a guest go, of those that have one.
    """
    waits = [
        ramp.seconds * (ramp.steps(line.guest.actual, line.new) - 1)
        for line in proposal.changes
        if (ramp := ramps.get(line.guest.name)) is not None
    ]
    return PATIENCE + max(waits, default=0.0)


def step_words(ramping: Ramping | None) -> str:
    """Which step of its ramp a guest is at."""
    if ramping is None or ramping.steps < 2:
        return ""
    return f"step {ramping.step} of {ramping.steps}"
