"""The inputs of a rebalance: candidates from guest snapshots, and the parsed budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.balloon.diagnosis.statistics import is_fresh
from workbench.domain.balloon.safety.floor import floor_of, used_by
from workbench.domain.balloon.safety.guard import pace_of
from workbench.domain.guest.lifecycle import Silence
from workbench.domain.rebalance.proposal import Candidate
from workbench.domain.units import MIB, SizeError, format_size, parse_percentage, parse_size

if TYPE_CHECKING:
    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.balloon.safety.ramp import Ramp
    from workbench.domain.guest.snapshot import GuestSnapshot

HUGEPAGES = "hugepages: the host would gain nothing"
LOCKED = "locked memory: the host would gain nothing"
PINNED = "memory pinned by a device: the host would gain nothing"


def parse_budget(text: str, *, ram: int) -> int:
    """Parse a budget into bytes: ``2G``, ``50%`` (of the chosen guests' RAM), ``max``.

    :param ram: the sum of the chosen guests' RAM.
    :raise SizeError: if it is not a size, or less than 1 MiB.
    """
    word = text.strip()
    if word.lower() == "max":
        return ram
    size = parse_percentage(word, ram) if word.endswith("%") else parse_size(word)
    if size < MIB:
        raise SizeError(f"{word!r} is not a valid budget: use a size up to {format_size(ram)}, or a share such as 50%")
    return size


def candidate_of(snapshot: GuestSnapshot, now: float) -> Candidate:
    """The candidate for one running guest.

    :param now: Unix time; outdated statistics are ignored.
    """
    balloon = snapshot.balloon
    fixed = unmovable(snapshot)
    if balloon is None or balloon.reading is None:
        # Its actual is unknown and may be all of its RAM, so that is what counts.
        ram = snapshot.memory or 0
        why = fixed or "its balloon has not been read yet"
        return Candidate(snapshot.name, ram, ram, ram, ram, fixed=why, read=False)
    reading, used = balloon.reading, None
    if is_fresh(balloon.stats, now):
        used = used_by(balloon)
    floor = floor_of(balloon, snapshot.safety.floor)
    assert floor is not None
    size, why = min(-(-floor.size // MIB) * MIB, reading.ram), floor.why
    if used is None and snapshot.safety.floor is None and size < reading.target:
        # A share of RAM would be a guess: without statistics a guest keeps its target, unless its profile sets a floor.
        size, why = reading.target, "its use is unknown"
    return Candidate(
        snapshot.name,
        reading.ram,
        reading.target,
        reading.actual,
        size,
        why,
        used,
        balloon.host.resident if balloon.host else None,
        fixed,
        verdict=balloon.verdict,
    )


def unmovable(snapshot: GuestSnapshot) -> str:
    """Why a guest cannot or should not be moved; empty if it can."""
    if not snapshot.phase.alive:
        return "is stopped"
    if not snapshot.answering:
        silence = snapshot.silence or Silence.BROKEN
        return snapshot.trouble if silence is Silence.BROKEN and snapshot.trouble else silence.words
    if snapshot.status and snapshot.status != "running":
        return f"is {snapshot.status}: driver not running"
    if snapshot.balloon is None:
        return "its balloon has not been read yet"
    verdict = snapshot.balloon.verdict
    if verdict.state is State.ABSENT:
        return verdict.cause
    if snapshot.backing:
        return HUGEPAGES
    backing = snapshot.balloon.backing
    if backing is not None and (backing.locked or backing.pinned):
        return LOCKED if backing.locked else PINNED
    if verdict.state is State.STALLED:
        return f"stalled: {verdict.cause}"
    return ""


def ramp_of(snapshot: GuestSnapshot) -> Ramp | None:
    """The ramp for this guest's inflations: its own, or its guard's pace; None for a single step."""
    if snapshot.protection.ramp is not None:  # set by its driver task
        return snapshot.protection.ramp
    safety = snapshot.safety
    return pace_of(snapshot.memory or 0) if safety.ramp is None and safety.guard else safety.ramp


RECENT = 60.0
"""Seconds after a change of the target in which the balloon may still move or has just settled."""


def unsettled_since(snapshot: GuestSnapshot) -> float:
    """Unix time before which its statistics do not match its present actual, as it may have had more memory then; 0 if
    actual has not changed for long.
    """
    balloon = snapshot.balloon
    if balloon is None or balloon.reading is None or not balloon.target_since:
        return 0.0
    reading = balloon.reading
    return reading.time if reading.diff or reading.time - balloon.target_since < RECENT else 0.0


def figures_cover(balloon: Balloon, since: float) -> bool:
    """Whether a guest's statistics match its present actual.

    :param since: Unix time since which actual is known; 0 if it has not changed for long.
    """
    stats = balloon.stats
    if stats is None or not stats.interval or not stats.last_update:
        return True  # there will be no better ones
    return not since or stats.last_update > since
