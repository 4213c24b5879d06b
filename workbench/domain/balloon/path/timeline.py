"""What was seen of one change of a balloon's target: when each part of its path ran, and the diff at every read.

Time is counted in whole microseconds of Unix time, as QEMU's trace log has it; host and QEMU share one clock. Pages are
balloon pages of 4 KiB.
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
"""Steps that are kept from the beginning of a change, and as many from its end; a change has two for each MiB."""


class Kind(StrEnum):
    READ = "read"
    """The guest read num_pages: ``towards_target()`` computes the diff."""
    WRITTEN = "written"
    """The guest wrote how many pages it holds now: a piece of at most 1 MiB has moved."""
    POLLED = "polled"
    """Neither was seen; the two words were read from outside and had changed."""


class Sighting(Struct, frozen=True):
    """When something was seen in one change."""

    first: int
    last: int
    count: int = 1
    late: bool = False
    """Whether it was only seen afterwards that it had run by ``first``: a reply or a reading says so, and nothing says when."""

    def again(self, at: int) -> Sighting:
        return replace(self, last=at, count=self.count + 1)


class Step(Struct, frozen=True):
    """The two words of the config space at one moment."""

    kind: Kind
    at: int
    num_pages: int
    held: int
    """``actual`` in the config space: the pages that the guest last said it holds."""

    @property
    def diff(self) -> int:
        """``num_pages − held``, as ``towards_target()`` computes it: positive = pages to inflate."""
        return self.num_pages - self.held


class Steps(Struct, frozen=True):
    """The steps of a change in order; of a long one the first and the last."""

    head: tuple[Step, ...] = ()
    folded: int = 0
    """How many were left out between the two."""
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
    """One change, as far as it was seen. Each ``…`` method gives a new one."""

    begun: int
    """When it began: our request was sent, or the first thing that was seen of another's."""
    ours: bool = True
    """Whether the request passed on this workbench's own monitor."""
    asked: int | None = None
    """The target in bytes as it was asked for; None when nobody asked, as when a guest takes memory back on OOM."""
    traced: bool = False
    """Whether trace events were on when it began."""
    seen: Mapping[Proof, Sighting] = field(default_factory=dict)
    steps: Steps = Steps()
    num_pages: int | None = None
    held: int | None = None
    held_before: int | None = None
    """The pages that it held when it began; None when that was not seen."""
    unasked: bool = False
    """Whether QEMU's log shows that nobody asked: the guest moved by itself."""
    after_reset: bool = False
    """Whether it began with an empty balloon: until its driver writes, the config space has what the one before it held."""

    @property
    def requested(self) -> bool:
        """Whether a request was seen."""
        return not self.seen.keys().isdisjoint((Proof.SENT, Proof.COMMAND, Proof.TARGET))

    @property
    def diff(self) -> int | None:
        """Pages; None while one of the two words is not known."""
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
        """Microseconds from the beginning until the diff was 0; None while it is not."""
        sighting = self.seen.get(Proof.SETTLED)
        return None if sighting is None else sighting.first - self.begun

    @property
    def settled_late(self) -> bool:
        """Whether it may have settled before that: a reading from outside found it."""
        sighting = self.seen.get(Proof.SETTLED)
        return sighting is not None and sighting.late

    @property
    def by_trace(self) -> bool:
        """Whether QEMU's log says what happens, so that polling has nothing to add."""
        return self.traced and (Proof.READ in self.seen or Proof.WRITTEN in self.seen)

    # What is heard of it.

    def answered(self, at: int) -> Timeline:
        """QEMU answered the command: by then it had run, up to the notification.

        A log that says nothing of it until then says nothing at all: this QEMU writes its trace elsewhere.
        """
        if Proof.COMMAND in self.seen or Proof.TARGET in self.seen:
            return self
        ran = {proof: Sighting(at, at, late=True) for proof in (Proof.COMMAND, Proof.TARGET)}
        return replace(self, traced=False, seen={**self.seen, **ran})

    def event(self, at: int) -> Timeline:
        """``BALLOON_CHANGE`` came. One that QEMU held back, since it sends one a second, may be of the change before."""
        return self._sighted(Proof.EVENT, at) if at >= self.begun else self

    def polled(self, reading: Reading, now: int | None = None) -> Timeline:
        """The two words, read from outside: all that there is where QEMU's log says nothing.

        :param now: when they were there, if that is known better than by the time at which they were asked for.
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

        :param now: when it was read, for a log whose lines have no time.
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
    """What a view of the path shows of one guest."""

    qemu_version: str
    """Such as ``7.2.22``; empty while QEMU was not asked."""
    timeline: Timeline | None = None
    """The last change; None when there was none."""
    traced: bool = False
    """Whether QEMU's trace events are on now and its log is read."""
    why: str = ""
    """Why they are not, in words; empty while that is not known, and when they are."""
