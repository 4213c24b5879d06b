"""The timeline of one target change: when each stage of its path was seen, and the diff at every step.

Times are whole microseconds of Unix time, as in QEMU's trace log; host and QEMU share a clock. Pages are balloon pages
of 4 KiB.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from workbench.domain.balloon.path import trace_log
from workbench.domain.balloon.path.stages import Proof
from workbench.domain.units import PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.balloon.path.trace_log import TraceLine
    from workbench.domain.balloon.reading import Reading

KEPT = 16
"""Steps kept from the start of a change, and as many from its end; a change has two steps per MiB."""


class Kind(StrEnum):
    READ = "read"
    """The guest read num_pages: ``towards_target()`` computes the diff."""
    WRITTEN = "written"
    """The guest wrote how many pages it holds now: a batch of at most 1 MiB has moved."""
    POLLED = "polled"
    """Neither was seen; a poll of the two words found them changed."""


class Sighting(Struct, frozen=True):
    """When, and how often, something was seen in one change."""

    first: int
    last: int
    count: int = 1
    late: bool = False
    """Whether ``first`` is only an upper bound, from a reply or a reading."""

    def again(self, at: int) -> Sighting:
        return replace(self, last=at, count=self.count + 1)


class Step(Struct, frozen=True):
    """The two words of the config space at one moment."""

    kind: Kind
    at: int
    num_pages: int
    held: int
    """``actual`` in the config space: the pages that the guest last reported to hold."""

    @property
    def diff(self) -> int:
        """``num_pages − held``, as ``towards_target()`` computes it: positive = pages to inflate."""
        return self.num_pages - self.held


class Steps(Struct, frozen=True):
    """The steps of a change in order; for a long one only the first and the last."""

    head: tuple[Step, ...] = ()
    folded: int = 0
    """How many were dropped between the two."""
    tail: tuple[Step, ...] = ()

    def __len__(self) -> int:
        return len(self.head) + self.folded + len(self.tail)

    @property
    def kept(self) -> tuple[Step, ...]:
        return self.head + self.tail

    def with_step(self, step: Step) -> Steps:
        if len(self.head) < KEPT:
            return replace(self, head=(*self.head, step))
        tail = (*self.tail, step)
        return replace(self, folded=self.folded + max(0, len(tail) - KEPT), tail=tail[-KEPT:])


class Timeline(Struct, frozen=True):
    """One change, as far as it was seen. Immutable: methods return a new one."""

    begun: int
    """When it began: when our request was sent, or when another client's was first seen."""
    ours: bool = True
    """Whether the request was sent by this workbench."""
    asked: int | None = None
    """The requested target in bytes; None without a request, as when a guest takes memory back on OOM."""
    traced: bool = False
    """Whether trace events were on when it began."""
    seen: Mapping[Proof, Sighting] = field(default_factory=dict)
    steps: Steps = Steps()
    num_pages: int | None = None
    held: int | None = None
    held_before: int | None = None
    """Pages held when it began; None if unknown."""
    unasked: bool = False
    """Whether QEMU's log shows that there was no request: the guest moved on its own."""
    after_reset: bool = False
    """Whether it began with an empty balloon after a reset: until the driver writes, the config space has the old value."""

    @property
    def requested(self) -> bool:
        """Whether a request was seen."""
        return not self.seen.keys().isdisjoint((Proof.SENT, Proof.COMMAND, Proof.TARGET))

    @property
    def diff(self) -> int | None:
        """Pages; None while one of the two words is unknown."""
        return None if self.num_pages is None or self.held is None else self.num_pages - self.held

    @property
    def moved(self) -> bool:
        """Whether pages have moved."""
        return Proof.EVENT in self.seen or (
            self.held is not None and self.held_before is not None and self.held != self.held_before
        )

    @property
    def deflating(self) -> bool:
        """Whether pages go back to the guest."""
        if self.held_before is None:
            return bool(self.diff is not None and self.diff < 0)
        aim = self.num_pages if self.num_pages is not None and self.num_pages != self.held_before else self.held
        return aim is not None and aim < self.held_before

    @property
    def settled(self) -> int | None:
        """Microseconds from the start until the diff was 0; None while it is not."""
        sighting = self.seen.get(Proof.SETTLED)
        return None if sighting is None else sighting.first - self.begun

    @property
    def settled_late(self) -> bool:
        """Whether it may have settled earlier, as only a poll showed it."""
        sighting = self.seen.get(Proof.SETTLED)
        return sighting is not None and sighting.late

    @property
    def by_trace(self) -> bool:
        """Whether QEMU's log covers this change, so that polling has nothing to add."""
        return self.traced and (Proof.READ in self.seen or Proof.WRITTEN in self.seen)

    # Observations.

    def answered(self, at: int) -> Timeline:
        """QEMU replied to the command: by then it had run up to the notification.

        If the log has no line of it by then, this QEMU writes its trace elsewhere.
        """
        if Proof.COMMAND in self.seen or Proof.TARGET in self.seen:
            return self
        ran = {proof: Sighting(at, at, late=True) for proof in (Proof.COMMAND, Proof.TARGET)}
        return replace(self, traced=False, seen={**self.seen, **ran})

    def event(self, at: int) -> Timeline:
        """``BALLOON_CHANGE`` arrived. As QEMU delays it (one a second), it may belong to the previous change."""
        return self._sighted(Proof.EVENT, at) if at >= self.begun else self

    def polled(self, reading: Reading, now: int | None = None) -> Timeline:
        """A poll of the two words, used where QEMU's log has nothing.

        :param now: when they arrived, if known; default: when they were requested.
        """
        num_pages, held, asked = words_of(reading)
        if self.by_trace or asked < self.begun:
            return self
        at = asked if now is None else now
        if (num_pages, held) == (self.num_pages, self.held):
            return self._settle(at, late=True)
        before = held if self.held_before is None else self.held_before
        step = Step(Kind.POLLED, at, num_pages, held)
        known = replace(self, num_pages=num_pages, held=held, held_before=before, steps=self.steps.with_step(step))
        if self.held is not None and held != self.held and not self.traced:
            known = known._sighted(Proof.WRITTEN, at, late=True)
        return known._settle(at, late=True)

    def traced_line(self, line: TraceLine, now: int) -> Timeline:
        """A line of QEMU's log.

        :param now: when it was read, for logs without timestamps.
        """
        at = now if line.at is None else line.at
        if line.event == trace_log.COMMAND:
            return replace(self, asked=line.values[0])._sighted(Proof.COMMAND, at)
        if line.event == trace_log.TARGET:
            return replace(self, num_pages=line.values[1])._unsettle()._sighted(Proof.TARGET, at)
        if line.event == trace_log.READ:
            num_pages, held = line.values
            if self.after_reset and Proof.WRITTEN not in self.seen:
                held = 0
            known = replace(self, num_pages=num_pages, held=held)
            if known.held_before is None:
                known = replace(known, held_before=held)
            return known._step(Kind.READ, Proof.READ, at)
        held, old = line.values
        before = old if self.held_before is None else self.held_before
        return replace(self, held=held, held_before=before)._step(Kind.WRITTEN, Proof.WRITTEN, at)

    def _step(self, kind: Kind, proof: Proof, at: int) -> Timeline:
        seen = self._sighted(proof, at)
        if seen.num_pages is None or seen.held is None:
            return seen
        step = Step(kind, at, seen.num_pages, seen.held)
        return replace(seen, steps=seen.steps.with_step(step))._settle(at)

    def _sighted(self, proof: Proof, at: int, *, late: bool = False) -> Timeline:
        old = self.seen.get(proof)
        return replace(self, seen={**self.seen, proof: old.again(at) if old else Sighting(at, at, late=late)})

    def _settle(self, at: int, *, late: bool = False) -> Timeline:
        if self.diff != 0:
            return self._unsettle()
        return self if Proof.SETTLED in self.seen else self._sighted(Proof.SETTLED, at, late=late)

    def _unsettle(self) -> Timeline:
        if Proof.SETTLED not in self.seen:
            return self
        return replace(self, seen={proof: when for proof, when in self.seen.items() if proof is not Proof.SETTLED})


def words_of(reading: Reading) -> tuple[int, int, int]:
    """``num_pages``, pages held, and when they were read, in microseconds."""
    return (reading.ram - reading.target) // PAGE, reading.held // PAGE, round(reading.time * 1e6)


class PathView(Struct, frozen=True):
    """The path of one guest's last change, as shown."""

    qemu_version: str
    """Such as ``7.2.22``; empty until QEMU was queried."""
    timeline: Timeline | None = None
    """The last change; None if there was none."""
    traced: bool = False
    """Whether QEMU's trace events are on and its log is being read."""
    why: str = ""
    """Why not; empty if they are, or while it is unknown."""
