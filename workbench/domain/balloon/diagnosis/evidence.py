"""What causes rest on: evidence that says how fresh it must be, and rules that say which evidence a cause needs.

A cause applies when all the evidence that it needs was seen, each recently enough to count, and nothing that contradicts it
was. Evidence that is too old neither proves nor contradicts anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.balloon.diagnosis.statistics import is_fresh
from workbench.domain.balloon.history.marks import MarkKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from workbench.domain.balloon.diagnosis.causes import Cause, Circumstances, Finding
    from workbench.domain.balloon.reading import GuestStats, Reading

CURRENT = 30.0
"""Seconds for which a run state or device status counts. QEMU reports changes of the first with an event, and both are read
every few seconds.
"""


class Situation(Struct, frozen=True):
    """Everything that is known when a verdict is due."""

    reading: Reading | None
    seen: Circumstances

    @property
    def diff(self) -> int:
        """Bytes; 0 if nothing was read."""
        return self.reading.diff if self.reading is not None else 0

    @property
    def asked_at(self) -> float:
        """Unix time since which this target holds for this driver: a reset or reload in between starts over."""
        seen = self.seen
        reset = max((mark.time for mark in seen.marks if mark.kind is MarkKind.RESET), default=0.0)
        return max(seen.target_since, seen.driver_since, reset)

    @property
    def standing_since(self) -> float:
        """Unix time since which nothing moves, or of the request to move if that is later."""
        return max(self.seen.moved_at, self.asked_at)


class Freshness(Struct, frozen=True):
    """How old evidence may be."""

    words: str
    """For people."""
    met: Callable[[Situation, float], bool]
    """Whether evidence of this Unix time counts."""


class Evidence(Struct, frozen=True):
    """One thing that may have been seen."""

    name: str
    at: Callable[[Situation], float | None]
    """Unix time at which it was seen; None if it was not."""
    fresh: Freshness

    def seen_in(self, situation: Situation) -> bool:
        """Whether it was seen, and recently enough to count."""
        at = self.at(situation)
        return at is not None and self.fresh.met(situation, at)


class Rule(Struct, frozen=True):
    """One cause: when it applies, and what is said of it."""

    cause: Cause
    needs: tuple[Evidence, ...]
    finding: Callable[[Situation], Finding]
    contradicted_by: tuple[Evidence, ...] = ()

    def applies(self, situation: Situation) -> bool:
        proved = all(evidence.seen_in(situation) for evidence in self.needs)
        return proved and not any(evidence.seen_in(situation) for evidence in self.contradicted_by)


def first_finding(rules: Iterable[Rule], situation: Situation) -> Finding | None:
    """What the first rule that applies says; None if none does."""
    return next((rule.finding(situation) for rule in rules if rule.applies(situation)), None)


# How fresh evidence must be.


def _is_current(situation: Situation, at: float) -> bool:
    return situation.seen.now - at <= CURRENT


def _is_reported(situation: Situation, at: float) -> bool:
    return is_fresh(situation.seen.stats, situation.seen.now)


def _is_reported_at_rest(situation: Situation, at: float) -> bool:
    return _is_reported(situation, at) and at >= situation.standing_since


NOW = Freshness("from this look", lambda situation, at: True)
RECENT = Freshness(f"at most {CURRENT:g} s old", _is_current)
THIS_BOOT = Freshness("since the guest's start, last reset or last report", lambda s, at: at >= s.seen.begun)
THIS_TARGET = Freshness("since the target was sent and the driver loaded", lambda s, at: at >= s.asked_at)
REPORTED = Freshness("no report is late", _is_reported)
REPORTED_AT_REST = Freshness("reported since nothing moves, and no report is late", _is_reported_at_rest)


# Evidence that more than one kind of cause rests on.


def now_if(holds: Callable[[Situation], bool]) -> Callable[[Situation], float | None]:
    """The time of this look if it holds."""
    return lambda situation: situation.seen.now if holds(situation) else None


def _stopped(situation: Situation) -> float | None:
    seen = situation.seen
    if seen.status in ("", "running"):
        return None
    return seen.now if seen.status_at is None else seen.status_at


def _driverless(situation: Situation) -> float | None:
    seen = situation.seen
    if seen.driver_ok is not False:
        return None
    return seen.now if seen.driver_at is None else seen.driver_at


def report_time(stats: GuestStats) -> float:
    """Unix time before which a report cannot have come."""
    return max(stats.came_after, stats.last_update)


SILENCE = Evidence("QEMU does not answer", now_if(lambda s: not s.seen.answering), NOW)
CPUS_STOPPED = Evidence("QEMU's run state is not running", _stopped, RECENT)
NO_DRIVER_OK = Evidence("the device status has no DRIVER_OK", _driverless, RECENT)
