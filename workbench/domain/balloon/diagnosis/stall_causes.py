"""Why a diff remains in a guest whose driver is up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.diagnosis.causes import Cause, Finding
from workbench.domain.balloon.diagnosis.evidence import (
    CPUS_STOPPED,
    NOW,
    REPORTED,
    REPORTED_AT_REST,
    SILENCE,
    THIS_TARGET,
    Evidence,
    Rule,
    Situation,
    now_if,
    report_time,
)
from workbench.domain.balloon.diagnosis.movement import oscillation, rising
from workbench.domain.balloon.diagnosis.stopped import paused, silent
from workbench.domain.balloon.history.marks import MarkKind
from workbench.domain.balloon.reading import Source
from workbench.domain.devices.virtio import Status
from workbench.domain.units import age, ago, mib

if TYPE_CHECKING:
    from workbench.domain.balloon.diagnosis.causes import Circumstances
    from workbench.domain.balloon.history.marks import Mark

PATIENCE = 3.0
"""Seconds without a page moved until a diff counts as stalled. A guest that finds no free page retries five times
a second (Linux: drivers/virtio/virtio_balloon.c, ``fill_balloon``: msleep(200))."""
SCARCE = 0.1
"""A guest with less than this share of its memory available is short of pages."""


# What was seen.


def _moves(situation: Situation) -> bool:
    return situation.seen.now - situation.seen.moved_at < PATIENCE


def _rests(situation: Situation) -> bool:
    seen = situation.seen
    return seen.now - max(seen.moved_at, seen.target_since) >= PATIENCE


def _oscillates(situation: Situation) -> bool:
    seen, reading = situation.seen, situation.reading
    if reading is None or seen.now - seen.moved_at > PATIENCE:
        return False
    return oscillation(seen.samples, target=reading.target, since=situation.asked_at, now=seen.now) is not None


def _last_mark(seen: Circumstances) -> Mark | None:
    taken = (mark for mark in seen.marks if mark.kind is MarkKind.TAKE_BACK)
    return max(taken, key=lambda mark: mark.time, default=None)


def _rose(situation: Situation) -> float | None:
    """When ``actual`` last rose under this target with its driver up, as far as it was seen."""
    run, mark = situation.seen.take_back, _last_mark(situation.seen)
    times = [run.last] if run is not None else []
    return max([*times, mark.time] if mark is not None else times, default=None)


def _reached(situation: Situation) -> float | None:
    """When the target was seen reached that it is off now."""
    reading, seen = situation.reading, situation.seen
    if reading is None or reading.source is not Source.CONFIG_SPACE or not seen.driver_ok:
        return None
    return seen.reached


def _scarce_report(situation: Situation) -> float | None:
    stats, reading = situation.seen.stats, situation.reading
    if stats is None or reading is None or stats.available is None:
        return None
    return report_time(stats) if stats.available < SCARCE * max(reading.actual, 1) else None


INFLATION_LEFT = Evidence("actual is above the target", now_if(lambda s: s.diff > 0), NOW)
NOTHING_MOVES = Evidence(f"no page moved for {PATIENCE:g} s", now_if(_rests), NOW)
OSCILLATES = Evidence("actual goes up and down and gets no closer", now_if(_oscillates), NOW)
ROSE = Evidence("actual rose while num_pages stood", _rose, THIS_TARGET)
REACHED = Evidence("the target was reached before", _reached, THIS_TARGET)
TAKEN = Evidence(
    "what the guest had given is missing",
    now_if(lambda s: ROSE.seen_in(s) or REACHED.seen_in(s)),
    NOW,
)
INFLATES_AGAIN = Evidence(
    "the last movement was inflation",
    now_if(lambda s: s.reading is not None and _moves(s) and not rising(s.seen.samples, target=s.reading.target)),
    NOW,
)
NO_DEFLATE_ON_OOM = Evidence("deflate-on-oom is off", now_if(lambda s: s.seen.deflate_on_oom is False), NOW)
SHORT = Evidence("the guest has almost nothing available", _scarce_report, REPORTED)
SHORT_AT_REST = Evidence("the guest has almost nothing available", _scarce_report, REPORTED_AT_REST)
RETRIES = Evidence(
    "a driver that never reached its target still retries",
    now_if(lambda s: s.seen.reached is None and not _moves(s) and SHORT.seen_in(s)),
    NOW,
)
REPORT_EXPECTED = Evidence(
    "the guest was short of memory, and its next report will show whether it still is",
    now_if(lambda s: s.diff > 0 and SHORT.seen_in(s) and not SHORT_AT_REST.seen_in(s)),
    NOW,
)
DEVICE_BROKEN = Evidence(
    "the device status has NEEDS_RESET",
    now_if(lambda s: Status.NEEDS_RESET in Status(s.seen.driver_status or 0)),
    NOW,
)


# What is said of it.


def oom_evidence(seen: Circumstances) -> str:
    """Whether the guest may take memory back."""
    if seen.deflate_on_oom is None:
        return "deflate-on-oom: unknown"
    if seen.deflate_on_oom and not seen.agreed:
        return "deflate-on-oom is offered; this QEMU does not show whether the driver accepted it"
    return f"deflate-on-oom is {'on' if seen.deflate_on_oom else 'off'}"


def _fights(situation: Situation) -> Finding:
    seen, reading = situation.seen, situation.reading
    assert reading is not None
    turns = oscillation(seen.samples, target=reading.target, since=situation.asked_at, now=seen.now)
    assert turns is not None
    return Finding(
        Cause.FIGHTS_OOM,
        "the balloon and the guest's OOM handler are fighting: memory given is taken back",
        "raise the target, or stop something in the guest",
        (
            f"actual changed direction {turns.count} times in {age(turns.seconds)}: "
            f"{mib(turns.fallen)} given, {mib(turns.risen)} taken back",
            oom_evidence(seen),
        ),
    )


def _size_taken(situation: Situation) -> tuple[int, str]:
    """Bytes that the guest took back, with the evidence."""
    seen, since = situation.seen, situation.asked_at
    run = seen.take_back
    if run is not None and run.last >= since:
        return run.size, f"actual rose by {mib(run.size)} {ago(seen.now - run.last)}, num_pages did not change"
    taken = [mark for mark in seen.marks if mark.kind is MarkKind.TAKE_BACK and mark.time >= since]
    if taken:
        # It may have given some of it again since.
        size = min(max(mark.size or 0 for mark in taken), situation.diff)
        return size, f"actual rose by {mib(size)} {ago(seen.now - taken[-1].time)}, num_pages did not change"
    reached = ago(seen.now - (seen.reached or 0.0))
    return situation.diff, f"the target was reached {reached}; num_pages has not changed since"


AGAIN = "send the target again; the driver will not retry on its own"


def _taken_back(situation: Situation) -> Finding:
    size, words = _size_taken(situation)
    advice = AGAIN
    if SHORT.seen_in(situation) and situation.seen.reached is None:
        advice = "stop something in the guest, or raise the target; the driver retries on its own"
    elif SHORT.seen_in(situation):
        advice = "stop something in the guest, which is still short of memory, then send the target again"
    evidence = (words, oom_evidence(situation.seen))
    return Finding(Cause.TAKEN_BACK, f"the guest took {mib(size)} back on OOM", advice, evidence)


def _taken_for_no_known_reason(situation: Situation) -> Finding:
    size, words = _size_taken(situation)
    text = f"the guest took {mib(size)} back from its balloon for an unknown reason: deflate-on-oom is off"
    return Finding(Cause.UNKNOWN, text, AGAIN, (words, oom_evidence(situation.seen)))


def _out_of_pages(situation: Situation) -> Finding:
    return Finding(
        Cause.OUT_OF_PAGES,
        "the guest has no more free pages to give",
        "stop something in the guest, or raise the target",
    )


def _unknown(situation: Situation) -> Finding:
    return Finding(
        Cause.UNKNOWN,
        "the cause is unknown",
        "check the guest's console and kernel log; sending the target again notifies the driver again",
    )


def _broken(situation: Situation) -> Finding:
    advice = "reset the guest, or load its balloon driver again; qemu.log says what was wrong"
    return Finding(Cause.UNKNOWN, "QEMU found an error in the guest's balloon driver and stopped the device", advice)


STALL_RULES = (
    Rule(Cause.QEMU_SILENT, (SILENCE,), lambda situation: silent(situation.seen)),
    Rule(Cause.PAUSED, (CPUS_STOPPED,), lambda situation: paused(situation.seen)),
    Rule(Cause.UNKNOWN, (DEVICE_BROKEN, NOTHING_MOVES), _broken),
    Rule(Cause.FIGHTS_OOM, (INFLATION_LEFT, OSCILLATES), _fights, (NO_DEFLATE_ON_OOM,)),
    Rule(
        Cause.UNKNOWN,
        (INFLATION_LEFT, TAKEN, NO_DEFLATE_ON_OOM),
        _taken_for_no_known_reason,
        (INFLATES_AGAIN,),
    ),
    Rule(Cause.TAKEN_BACK, (INFLATION_LEFT, TAKEN), _taken_back, (INFLATES_AGAIN, NO_DEFLATE_ON_OOM, RETRIES)),
    Rule(Cause.OUT_OF_PAGES, (INFLATION_LEFT, NOTHING_MOVES, SHORT_AT_REST), _out_of_pages, (DEVICE_BROKEN,)),
    Rule(Cause.UNKNOWN, (NOTHING_MOVES,), _unknown, (REPORT_EXPECTED,)),
)
"""In this order."""
