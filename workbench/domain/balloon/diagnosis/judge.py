"""Judge the balloon's state, and why a diff remains, from readings alone.

The run state of QEMU comes first, then the driver, then the diff. Each cause states the evidence that it needs:
:mod:`workbench.domain.balloon.diagnosis.evidence`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.balloon.diagnosis.causes import DRIVER_OK, Cause, Circumstances, Finding, State, Verdict
from workbench.domain.balloon.diagnosis.driver_causes import ABSENCE_RULES, BOOT
from workbench.domain.balloon.diagnosis.evidence import Situation, first_finding
from workbench.domain.balloon.diagnosis.notes import PAUSED_RULES, RAM_RULES, RECORD_RULES
from workbench.domain.balloon.diagnosis.stall_causes import PATIENCE, SCARCE, STALL_RULES
from workbench.domain.balloon.diagnosis.statistics_causes import STATISTICS_RULES
from workbench.domain.balloon.diagnosis.stopped import silent, stats_evidence
from workbench.domain.units import age

if TYPE_CHECKING:
    from workbench.domain.balloon.reading import Reading

__all__ = ["BOOT", "DRIVER_OK", "PATIENCE", "SCARCE", "Cause", "Circumstances", "Finding", "Verdict", "judge"]

NOTES = (PAUSED_RULES, RAM_RULES, STATISTICS_RULES, RECORD_RULES)
"""At most one note of each."""


def judge(reading: Reading | None, seen: Circumstances) -> Verdict:
    """The verdict on the last reading."""
    situation = Situation(reading, seen)
    verdict = _state(situation)
    found = (first_finding(rules, situation) for rules in NOTES)
    notes = tuple(note for note in found if note is not None)
    if not seen.answering and verdict.code is not Cause.QEMU_SILENT:
        notes = (silent(seen), *notes)
    return replace(verdict, notes=notes) if notes else verdict


def _state(situation: Situation) -> Verdict:
    found = first_finding(ABSENCE_RULES, situation)
    if found is not None:
        return _verdict(State.ABSENT, found)
    if situation.diff == 0:
        return _at_target(situation.seen)
    found = first_finding(STALL_RULES, situation)
    if found is None:
        return Verdict(State.INFLATING if situation.diff > 0 else State.DEFLATING)
    seen = situation.seen
    common = (_diff_evidence(situation), _driver_evidence(seen), stats_evidence(seen))
    return _verdict(State.STALLED, replace(found, evidence=(*found.evidence, *common)))


def _verdict(state: State, found: Finding) -> Verdict:
    return Verdict(state, found.text, found.advice, found.evidence, found.code)


def _at_target(seen: Circumstances) -> Verdict:
    if not seen.ramp_step:
        return Verdict(State.SETTLED)
    return Verdict(State.INFLATING, evidence=(f"a ramp is under way: {seen.ramp_step}",))


def _diff_evidence(situation: Situation) -> str:
    reading, seen = situation.reading, situation.seen
    assert reading is not None
    moved = f"none moved for {age(seen.now - seen.moved_at)}" if seen.moved_at else "none seen to move"
    if seen.moved_at and seen.now - seen.moved_at < 1:
        moved = "some moved just now"
    return f"{abs(reading.diff_pages):,} pages to {'inflate' if reading.diff > 0 else 'deflate'}, {moved}"


def _driver_evidence(seen: Circumstances) -> str:
    status = "cannot be read" if seen.driver_status is None else f"0x{seen.driver_status:02x}"
    return f"device status {status}; QEMU is {seen.status}"
