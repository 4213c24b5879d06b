"""Rebalancing: turn one budget for many guests into a target for each, or say why it does not fit.

The arithmetic, in this order:

1. Guests that cannot be moved count with what they have.
2. Guests below their floor are raised to it, as far as the budget allows.
3. If the targets exceed the budget, idle memory is taken first, in proportion; then all guests go down towards their floors.
4. If the targets are below the budget, guests with the smallest available share get the rest first.

It starts from the present targets and moves no more than the budget requires: proposing again after the guests have
reached their targets changes nothing. Changes below :data:`DEADBAND` are avoided where other guests can make them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.rebalance.share_out import fill_lowest, in_proportion, without_trifles
from workbench.domain.units import MIB, PAGE, mib, mib_span, whole_mib

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.balloon.diagnosis.causes import Verdict

DEADBAND = 10 * MIB
"""Changes below this are not worth it; Proxmox ignores the same amount (src/PVE/AutoBalloon.pm)."""


class Candidate(Struct, frozen=True):
    """One guest before rebalancing: what it has, needs and can give. Sizes are bytes."""

    name: str
    ram: int
    target: int
    actual: int
    floor: int
    """Its lowest target; see :mod:`workbench.domain.balloon.safety.floor`."""
    floor_why: str = ""
    used: int | None = None
    """Memory in use in the guest; None if it does not report it."""
    resident: int | None = None
    """Its RAM resident on the host; None if unknown."""
    fixed: str = ""
    """Why it cannot be moved; empty if it can."""
    read: bool = True
    """Whether its balloon was read; otherwise target, actual and floor are its RAM, their upper bound."""
    verdict: Verdict | None = None
    """The state of its balloon; None if it was not read."""

    @property
    def idle(self) -> int | None:
        """Memory that it has but does not use; None if its use is unknown."""
        return None if self.used is None else max(0, min(self.actual, self.target) - self.used)

    @property
    def counts(self) -> int:
        """Its share of the budget as it is: its target, or if it cannot be moved the larger of target and actual."""
        return max(self.target, self.actual) if self.fixed else self.target

    @property
    def least(self) -> int:
        """The lowest target that may be proposed: its floor, or its present target if that is lower."""
        return self.counts if self.fixed else min(self.floor, self.target)


class Line(Struct, frozen=True):
    """One guest's part of a proposal."""

    guest: Candidate
    new: int
    """The new target in bytes."""
    reason: str

    @property
    def change(self) -> int:
        """Change of the target in bytes; negative if the guest gives."""
        return self.new - self.guest.target

    @property
    def counts(self) -> int:
        """Its share of the budget afterwards."""
        return self.guest.counts if self.guest.fixed else self.new

    @property
    def host_gain(self) -> tuple[int, int] | None:
        """Least and most bytes that the host gets back; (0, 0) if the guest gives nothing, None if unknown.

        At least what is resident beyond the new target. At most what the guest gives, as far as it is resident and not in
        use: memory never touched, or reported free, the host has already.
        """
        if self.change >= 0:
            return 0, 0
        resident, used = self.guest.resident, self.guest.used or 0
        if resident is None:
            return None
        least = max(0, resident - self.new)
        return least, max(least, min(self.guest.actual - self.new, resident - used))


class Proposal(Struct, frozen=True):
    """The targets for a budget. Sizes are bytes."""

    budget: int
    lines: tuple[Line, ...]
    short: int = 0
    """By how much the budget is too small; if so, nothing is proposed."""

    @property
    def total(self) -> int:
        """The sum afterwards."""
        return sum(line.counts for line in self.lines)

    @property
    def left(self) -> int:
        """The unused part of the budget; negative if it is too small."""
        return self.budget - self.total

    @property
    def changes(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.change)

    @property
    def host_gain(self) -> tuple[int, int] | None:
        """The sum of :attr:`Line.host_gain` over all guests."""
        gains = [line.host_gain for line in self.lines]
        known = [gain for gain in gains if gain is not None]
        return (sum(least for least, _ in known), sum(most for _, most in known)) if len(known) == len(gains) else None

    @property
    def words(self) -> str:
        """Why the budget cannot be met, or why a part is unused; empty if all of it is used."""
        if self.short:
            fixed = sum(line.counts for line in self.lines if line.guest.fixed)
            least = self.budget + self.short
            unmovable = f", {mib(fixed)} of it for guests that cannot be moved" if fixed else ""
            return (
                f"the budget is {mib_up(self.short)} too small: these guests need at least {mib_up(least)}{unmovable}"
            )
        if self.left < MIB:
            return ""
        if all(line.guest.fixed for line in self.lines):
            return f"no guest can be moved; {mib(self.left)} of the budget are unused"
        if all(line.guest.ram - line.new < MIB for line in self.lines if not line.guest.fixed):
            return f"every guest that can be moved has all its RAM; {mib(self.left)} of the budget are unused"
        return f"{mib(self.left)} of the budget are unused: too little to move"


def gain_in_mib(bounds: tuple[int, int] | None) -> str:
    """What the host gets back, in MiB: ``0…44``, a dash for nothing, a question mark if unknown."""
    if bounds is None:
        return "?"
    return mib_span(*bounds, between="\u2026") if whole_mib(bounds[1]) else "\N{EN DASH}"


def mib_up(size: int) -> str:
    """Whole MiB, rounded up, for amounts that are needed."""
    return mib(-(-size // MIB) * MIB)


def propose(guests: Sequence[Candidate], budget: int) -> Proposal:
    """Targets for all guests, in the given order, that add up to the budget.

    :param budget: the sum of all targets in bytes.
    """
    short = sum(guest.least for guest in guests) - budget
    if short > 0:
        return Proposal(budget, tuple(_unchanged(guest) for guest in guests), short)
    room = budget - sum(guest.counts for guest in guests if guest.fixed)
    movable = [guest for guest in guests if not guest.fixed]
    everything = [guest.ram for guest in movable]
    new = everything if sum(everything) <= room else _targets(movable, room)
    targets = dict(zip((guest.name for guest in movable), new, strict=True))
    return Proposal(
        budget, tuple(_line(guest, targets[guest.name]) if not guest.fixed else _unchanged(guest) for guest in guests)
    )


def _targets(guests: Sequence[Candidate], room: int) -> list[int]:
    """A target for each movable guest; their floors fit into ``room``, their RAM does not."""
    targets = _raised(guests, room)
    raised = {i for i, guest in enumerate(guests) if targets[i] != guest.target}
    free = room - sum(targets)
    if free < 0:
        caps = [max(0, target - guest.floor) // MIB for guest, target in zip(guests, targets, strict=True)]
        taken = without_trifles(-(free // MIB), caps, partial(_take, guests), DEADBAND // MIB)
        targets = [target - share * MIB for target, share in zip(targets, taken, strict=True)]
    elif free >= DEADBAND:
        caps = [(guest.ram - target) // MIB for guest, target in zip(guests, targets, strict=True)]
        given = without_trifles(free // MIB, caps, partial(_give, guests, targets), DEADBAND // MIB, raised)
        targets = [target + share * MIB for target, share in zip(targets, given, strict=True)]
    return _within(guests, targets, room)


def _raised(guests: Sequence[Candidate], room: int) -> list[int]:
    """The present targets, with those below their floors raised as far as the other guests' floors leave room."""
    targets = [guest.target for guest in guests]
    missing = [-(-(guest.floor - guest.target) // MIB) for guest in guests]
    caps = [
        min(need, (guest.ram - guest.target) // MIB) if need * MIB >= DEADBAND else 0
        for guest, need in zip(guests, missing, strict=True)
    ]
    spare = room - sum(guest.least for guest in guests)
    amount = min(spare // MIB, sum(caps)) if spare >= DEADBAND else 0
    given = without_trifles(amount, caps, partial(_give, guests, targets), DEADBAND // MIB)
    return [target + share * MIB for target, share in zip(targets, given, strict=True)]


def _take(guests: Sequence[Candidate], amount: int, caps: Sequence[int]) -> list[int]:
    """MiB to take from each guest: first from idle memory, then from what is above the floors, both in proportion."""
    idle = [(guest.idle or 0) // MIB for guest in guests]
    first = in_proportion(amount, idle, [min(cap, size) for cap, size in zip(caps, idle, strict=True)])
    rest = [cap - share for cap, share in zip(caps, first, strict=True)]
    then = in_proportion(amount - sum(first), rest, rest)
    return [share + more for share, more in zip(first, then, strict=True)]


def _give(guests: Sequence[Candidate], targets: Sequence[int], amount: int, caps: Sequence[int]) -> list[int]:
    """MiB to give to each guest: the smallest available share (target ÷ use) first."""
    used = [-(-(guest.used or 0) // MIB) for guest in guests]
    return fill_lowest(amount, [target // MIB for target in targets], used, caps)


def _within(guests: Sequence[Candidate], targets: list[int], room: int) -> list[int]:
    """Take the last pages where floors are not whole MiB, so that the budget holds to the byte."""
    excess = -((room - sum(targets)) // PAGE) * PAGE
    for i, guest in enumerate(guests):
        part = min(max(0, targets[i] - guest.least) // PAGE * PAGE, max(0, excess))
        targets[i] -= part
        excess -= part
    return targets


def _unchanged(guest: Candidate) -> Line:
    return Line(guest, guest.target, _why_unchanged(guest))


def _why_unchanged(guest: Candidate) -> str:
    """Why a guest keeps its target."""
    if guest.fixed:
        return guest.fixed
    if guest.target < guest.floor:
        return f"is below its floor of {mib(guest.floor)}"
    if guest.used is None:
        return "its use is unknown"
    return ""


def _line(guest: Candidate, new: int) -> Line:
    """A guest's new target with its reason."""
    if new == guest.target:
        return _unchanged(guest)
    if new > guest.target:
        if new == guest.ram:
            return Line(guest, new, "gets all its RAM")
        if guest.target < guest.floor:
            return Line(guest, new, f"was below its floor of {mib(guest.floor)}")
        share = "" if guest.idle is None else f"{100 * guest.idle // max(guest.target, 1)} % of it was idle"
        return Line(guest, new, share or "its use is unknown")
    given = guest.target - new
    if new - guest.floor < MIB:
        return Line(guest, new, "down to its floor" + (f": {guest.floor_why}" if guest.floor_why else ""))
    if guest.idle is not None and given <= guest.idle:
        return Line(guest, new, f"gives {mib(given)} of {mib(guest.idle)} idle")
    return Line(guest, new, "gives more than its idle memory" if guest.used is not None else "its use is unknown")
