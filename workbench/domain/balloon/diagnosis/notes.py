"""What is worth a note beside the balloon's state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.balloon.diagnosis.causes import Cause, Finding
from workbench.domain.balloon.diagnosis.evidence import (
    CPUS_STOPPED,
    NO_DRIVER_OK,
    NOW,
    SILENCE,
    Evidence,
    Rule,
    Situation,
    now_if,
)
from workbench.domain.balloon.diagnosis.stopped import paused
from workbench.domain.balloon.history.marks import MarkKind
from workbench.domain.units import PAGE, ago, mib

if TYPE_CHECKING:
    from workbench.domain.balloon.history.marks import Mark


def _ram_changes(situation: Situation) -> list[Mark]:
    seen = situation.seen
    return [mark for mark in seen.marks if mark.kind is MarkKind.RAM_CHANGE and mark.time >= seen.target_since]


def _shift(situation: Situation) -> int:
    return sum(mark.size or 0 for mark in _ram_changes(situation))


def _ram_changed(situation: Situation) -> Finding:
    """The target shifted because memory was plugged or unplugged since it was sent."""
    reading, shift, stats = situation.reading, _shift(situation), situation.seen.stats
    assert reading is not None
    way, turn = ("plugged in", "rose") if shift > 0 else ("unplugged", "fell")
    asked = reading.target - shift
    advice = f"send {mib(asked)} to restore the previous target" if asked > 0 else "send a new target"
    when = ago(situation.seen.now - _ram_changes(situation)[-1].time)
    evidence = [
        f"RAM changed from {mib(reading.ram - shift)} to {mib(reading.ram)} {when}",
        f"num_pages unchanged at {(reading.ram - reading.target) // PAGE:,}",
    ]
    if stats is not None and stats.available is not None and stats.available < shift:
        # Linux does not use plugged memory until it is brought online; until then the old target would take other memory.
        advice = f"bring the new memory online in the guest, then {advice}"
        total = f"{mib(stats.total)} total, " if stats.total is not None else ""
        evidence.append(f"the guest reports {total}{mib(stats.available)} available")
    text = f"memory was {way}, so the target {turn} by {mib(abs(shift))} to {mib(reading.target)}"
    return Finding(Cause.RAM_CHANGED, text, advice, tuple(evidence))


def _paused(situation: Situation) -> Finding:
    return replace(paused(situation.seen), evidence=(f"QEMU is {situation.seen.status}",))


def _unrecorded(situation: Situation) -> Finding:
    return Finding(
        Cause.UNRECORDED,
        f"the history is not being recorded: {situation.seen.unrecorded}",
        "free space for the guest's state directory; until then other workbenches take these targets for another client's",
    )


AT_ITS_TARGET = Evidence(
    "the target is reached", now_if(lambda s: s.reading is not None and s.diff == 0 and s.seen.device), NOW
)
BALLOON_HOLDS = Evidence(
    "the balloon is to hold memory", now_if(lambda s: s.reading is not None and s.reading.target != s.reading.ram), NOW
)
RAM_SHIFTED = Evidence("RAM changed since the target was sent", now_if(lambda s: _shift(s) != 0), NOW)
WRITE_FAILED = Evidence("readings cannot be written", now_if(lambda s: bool(s.seen.unrecorded)), NOW)

PAUSED_RULES = (Rule(Cause.PAUSED, (AT_ITS_TARGET, CPUS_STOPPED), _paused, (NO_DRIVER_OK, SILENCE)),)
"""A paused guest at its target: the next target will have to wait."""
RAM_RULES = (Rule(Cause.RAM_CHANGED, (BALLOON_HOLDS, RAM_SHIFTED), _ram_changed),)
RECORD_RULES = (Rule(Cause.UNRECORDED, (WRITE_FAILED,), _unrecorded),)
