"""What a rebalance knows of each guest before it begins, from its snapshot; and the budget as people write it."""

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
LOCKED = "its memory is locked: the host would gain nothing"
PINNED = "a device pins its memory: the host would gain nothing"


def parse_budget(text: str, *, ram: int) -> int:
    """The budget in bytes that a person means: ``2G``, ``50%`` (of all the chosen guests' RAM), ``max``.

    :param ram: the sum of the chosen guests' RAM.
    :raise SizeError: for what is no size, or nothing at all.
    """
    word = text.strip()
    if word.lower() == "max":
        return ram
    size = parse_percentage(word, ram) if word.endswith("%") else parse_size(word)
    if size < MIB:
        raise SizeError(f"{word!r} is no budget: write a size up to {format_size(ram)}, or a share such as 50%")
    return size


def candidate_of(snapshot: GuestSnapshot, now: float) -> Candidate:
    """One running guest as a rebalance sees it.

    :param now: Unix time: figures of the guest that are too old are no figures.
    """
    balloon = snapshot.balloon
    fixed = unmovable(snapshot)
    if balloon is None or balloon.reading is None:
        # What it has is not known: it may be all of its RAM, and so counts with that.
        ram = snapshot.memory or 0
        why = fixed or "nothing was read of its balloon yet"
        return Candidate(snapshot.name, ram, ram, ram, ram, fixed=why, read=False)
    reading, used = balloon.reading, None
    if is_fresh(balloon.stats, now):
        used = used_by(balloon)
    floor = floor_of(balloon, snapshot.safety.floor)
    assert floor is not None
    size, why = min(-(-floor.size // MIB) * MIB, reading.ram), floor.why
    if used is None and snapshot.safety.floor is None and size < reading.target:
        # A share of RAM is a guess. Who does not say what it uses keeps what it has, unless its owner named a floor.
        size, why = reading.target, "its use is not known"
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
    )


def unmovable(snapshot: GuestSnapshot) -> str:
    """Why a guest cannot be moved, or why it should not be; empty when it can."""
    if not snapshot.phase.alive:
        return "is stopped"
    if not snapshot.answering:
        silence = snapshot.silence or Silence.BROKEN
        return snapshot.trouble if silence is Silence.BROKEN and snapshot.trouble else silence.words
    if snapshot.status and snapshot.status != "running":
        return f"is {snapshot.status}: its driver does not run"
    if snapshot.balloon is None:
        return "nothing was read of its balloon yet"
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
    """In which an inflation of this guest goes: its ramp, or its guard's own pace; None for all at once."""
    if snapshot.protection.ramp is not None:  # a driver says
        return snapshot.protection.ramp
    safety = snapshot.safety
    return pace_of(snapshot.memory or 0) if safety.ramp is None and safety.guard else safety.ramp


def figures_cover(balloon: Balloon, since: float) -> bool:
    """Whether what a guest told of its memory can be laid beside what it has.

    :param since: Unix time since when what it had is known; 0 when it has long been the same.
    """
    stats = balloon.stats
    if stats is None or not stats.interval or not stats.last_update:
        return True  # nothing better will come
    return not since or stats.last_update > since
