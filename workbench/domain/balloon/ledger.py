"""The ledger of the last target change: asked, held by the balloon, held by the host, and available as the guest
reports it, each before the change and now. Sizes are bytes; unknown ones are None.

Two figures are easily confused. Memory that the guest gave up and the host still holds is *unreturned*. Memory that the
guest gave up but the host did not hold in the first place is *never used*: there was nothing to gain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from workbench.domain.balloon.backing import Effect
from workbench.domain.units import MIB, mib

if TYPE_CHECKING:
    from workbench.domain.balloon.backing import Backing

NOISE = 2 * MIB
"""Changes of resident memory below this are noise; for large guests, below a hundredth of RAM."""
READING = "reading what the host holds"
"""In place of a conclusion from figures that are too old for it."""


class Moment(Struct, frozen=True):
    """The figures at one time."""

    time: float
    """Unix time."""
    target: int | None = None
    actual: int | None = None
    resident: int | None = None
    """Guest RAM resident on the host."""
    available: int | None = None
    """Available memory by the guest's statistics."""
    free: int | None = None
    """Free memory by the guest's statistics; older drivers report only this."""
    pool_free: int | None = None
    """Free pages in the host's pool of this guest's page size; None on ordinary memory."""
    resident_at: float | None = None
    """Unix time at which ``resident`` was read; None if unknown."""
    swapped: int = 0
    """Guest RAM that the host has swapped out."""
    beyond: int = 0
    """Memory that the guest has and the balloon does not count, such as virtio-mem; part of it is in ``resident``."""

    @property
    def kept(self) -> int | None:
        """Guest RAM that the host keeps, in memory or in swap: the balloon is not credited with what was swapped out."""
        return None if self.resident is None else self.resident + self.swapped

    def shifted(self, change: int) -> Moment:
        """The same with RAM larger by ``change`` bytes: num_pages and actual do not change, so both sizes shift with RAM."""
        target, actual = (None if size is None else size + change for size in (self.target, self.actual))
        return replace(self, target=target, actual=actual)


class Entry(Struct, frozen=True):
    """One column: a size before the change, and now."""

    before: int | None
    now: int | None

    @property
    def change(self) -> int | None:
        """Now less before."""
        return None if self.before is None or self.now is None else self.now - self.before


class Ledger(Struct, frozen=True):
    """One guest's ledger."""

    ram: int
    now: Moment
    before: Moment | None = None
    """Just before the target last changed; None if it never did, or no workbench saw it."""
    ours: bool = True
    """Whether a workbench made that change."""
    backing: Backing | None = None
    """The host memory behind its RAM, as far as known."""
    settled: Moment | None = None
    """When the target was reached; None if it was not, or not seen."""
    reading: bool = False
    """Whether the host's figure is older than the balloon's last movement: nothing is concluded from it, and it is being
    read again."""
    unknown: str = ""
    """Why the host's figure is unknown, if known."""

    # The four columns.

    @property
    def asked(self) -> Entry:
        """RAM - target: what the balloon should hold."""
        return Entry(self._off(self.before.target if self.before else None), self._off(self.now.target))

    @property
    def held(self) -> Entry:
        """RAM - actual: what the balloon holds, from the device's config space."""
        return Entry(self._off(self.before.actual if self.before else None), self._off(self.now.actual))

    @property
    def host(self) -> Entry:
        """Guest RAM resident on the host."""
        return Entry(self.before.resident if self.before else None, self.now.resident)

    @property
    def believed(self) -> Entry:
        """Available or free memory by the guest's statistics: see :attr:`believed_as`."""
        before = getattr(self.before, self.believed_as) if self.before else None
        return Entry(before, getattr(self.now, self.believed_as))

    @property
    def believed_as(self) -> str:
        """``available``, or ``free`` if the driver reports only that; the same for both times."""
        both = [moment for moment in (self.now, self.before) if moment is not None]
        only_free = any(moment.free is not None for moment in both) and all(moment.available is None for moment in both)
        return "free" if only_free else "available"

    # Derived figures.

    @property
    def given(self) -> int | None:
        """Memory that the guest gave up since the change; negative if it took some back."""
        return self.held.change

    @property
    def fall(self) -> int | None:
        """How far what the host holds fell since the change, for any reason; negative if it rose."""
        before = self.before.kept if self.before else None
        return None if before is None or self.now.kept is None or self.reading else before - self.now.kept

    @property
    def reclaimed(self) -> int | None:
        """What the host got from this change: at most what the guest gave. Negative if the host then held more, a loss.

        What free page reporting, swapping or a balloon before it gave is not part of it: neither what exceeds what the
        guest gave, nor what came after the target was reached.
        """
        fall, given = self.fall, self.given
        if fall is None or given is None or self.before is None:
            return fall
        if self.settled is not None and self.before.kept is not None and self.settled.kept is not None:
            reached = self.before.kept - self.settled.kept
            fall = reached if reached >= 0 else min(0, max(reached, fall))
        return min(fall, max(0, given))

    @property
    def otherwise(self) -> int:
        """What the host got since the change in addition, not from the balloon; 0 if none or unknown."""
        fall, reclaimed = self.fall, self.reclaimed
        return 0 if fall is None or reclaimed is None else max(0, fall - max(0, reclaimed))

    @property
    def unreturned(self) -> int | None:
        """Memory given up in total that the host still holds: resident - actual, if positive."""
        if self.now.resident is None or self.now.actual is None or self.reading:
            return None
        return max(0, self.now.resident - self.now.actual - self.now.beyond)

    @property
    def yield_(self) -> float | None:
        """1 - unreturned / held: 1 if the host got everything that the guest gave; None for an empty balloon."""
        held = self.held.now
        return None if self.unreturned is None or not held else 1 - self.unreturned / held

    @property
    def never_used(self) -> int | None:
        """Lower bound of the given memory that was not resident before; single pages cannot be seen.

        At most what the host held before can have been resident; the rest was not.
        """
        before = self.before.kept if self.before else None
        if self.given is None or before is None or self.reading:
            return None
        return max(0, self.given - before)

    @property
    def never_used_most(self) -> int | None:
        """Upper bound: at most what was not resident before, and at most what was given and not reclaimed."""
        least, given, before, reclaimed = self.never_used, self.given, self.host.before, self.reclaimed
        if least is None or given is None or before is None or reclaimed is None:
            return None
        return max(least, min(given - max(0, reclaimed), self.ram - before))

    # The outcome, for people.

    @property
    def words(self) -> tuple[str, ...]:
        """The outcome in sentences without a full stop; empty if there is nothing to report."""
        foreign = () if self.ours or self.before is None else ("another client set this target",)
        return (*foreign, *self.words_of_change)

    @property
    def words_of_change(self) -> tuple[str, ...]:
        """The same without who set the target."""
        if self.given is not None and self.given < -self._noise:
            return (self._deflated(-self.given),)
        if self.given is not None and self.given > self._noise:
            return tuple(self._inflated(self.given))
        if self.unreturned and self.unreturned > self._noise:
            return tuple(self._still_held(self.unreturned))
        return ()

    @property
    def loss(self) -> bool:
        """Whether the host holds notably more than before although the guest gave memory up.

        On ordinary memory it is not a loss if resident is within actual: the guest has just touched memory since.
        """
        fails = self.backing is not None and self.backing.effect is not Effect.RETURNS
        return self._grew and (self.void or fails)

    @property
    def _grew(self) -> bool:
        given, fall = self.given, self.fall
        return given is not None and given > 0 and fall is not None and fall < -self._noise

    @property
    def void(self) -> bool:
        """Whether the host did not get back what the guest gave."""
        return (self.unreturned or 0) > self._noise

    def _deflated(self, taken: int) -> str:
        if self.reading:
            return f"the guest took {mib(taken)} back; {READING}"
        if self.otherwise > self._noise:
            how = " (free page reporting)" if self.backing and self.backing.reporting else ""
            return f"the guest took {mib(taken)} back, and the host holds {mib(self.otherwise)} less than before{how}"
        return f"the guest took {mib(taken)} back; the host allocates it as the guest touches it"

    def _inflated(self, given: int) -> list[str]:
        reclaimed, unreturned, fall = self.reclaimed, self.unreturned, self.fall
        if self.reading:
            return [f"the guest gave {mib(given)}; {READING}"]
        if reclaimed is None or unreturned is None or fall is None:
            why = f": {self.unknown}" if self.unknown else ""
            return [f"the guest gave {mib(given)}; how much the host got back is unknown{why}"]
        if self.loss:
            return [
                f"loss: the guest gave {mib(given)}, but the host holds {mib(-fall)} more than before",
                *self._why(),
            ]
        if unreturned > self._noise:
            got = f"only {mib(reclaimed)}" if reclaimed > self._noise else "none of it"
            return [f"the guest gave {mib(given)}, but the host got {got} back", *self._why(), *self._otherwise()]
        if self._grew:
            more = mib(-fall)
            return [f"the guest gave {mib(given)} but touched memory since: the host holds {more} more than before"]
        return [self._returned(given, reclaimed), *self._otherwise()]

    def _returned(self, given: int, reclaimed: int) -> str:
        never = self.never_used_most or 0
        if never <= self._noise:
            return f"the guest gave {mib(given)}, and the host got {mib(reclaimed)} back"
        reported = "never used or reported free" if self.backing and self.backing.reporting else "never used"
        least = self.never_used or 0
        if least > self._noise:
            return f"at least {mib(least)} of the {mib(given)} given were {reported}: nothing to reclaim there"
        rest = f"up to {mib(never)} were {reported}"
        return f"the guest gave {mib(given)}, and the host got {mib(max(0, reclaimed))} back; {rest}"

    def _otherwise(self) -> list[str]:
        """What the host got without the balloon."""
        if self.otherwise <= self._noise:
            return []
        how = ", probably by free page reporting" if self.backing and self.backing.reporting else ""
        return [f"the host got {mib(self.otherwise)} more, not from the balloon{how}"]

    def _still_held(self, unreturned: int) -> list[str]:
        return [f"the host holds {mib(unreturned)} more than the guest has", *self._why()]

    def _why(self) -> list[str]:
        """Why the host did not get it, and what to use instead."""
        backing = self.backing
        if backing is None or backing.effect is Effect.RETURNS:
            refusal = backing.refusal if backing else ""
            return [f"QEMU says: {refusal}"] if refusal else ["the cause is unknown"]
        again = " again" if backing.reporting else ""
        found = [f"the guest zeroes what it gives, which takes pages from the pool{again}"] if self.loss else []
        found.append(backing.cause)
        if backing.refusal:
            found.append(f"QEMU says: {backing.refusal}")
        before, now = (self.before.pool_free if self.before else None), self.now.pool_free
        if backing.hugepages and before is not None and now is not None:
            found.append(f"free pages in the pool: {before:,} before, {now:,} now")
        return [*found, f"instead: {backing.instead}"]

    @property
    def _noise(self) -> int:
        return max(NOISE, self.ram // 100)

    def _off(self, size: int | None) -> int | None:
        return None if size is None else self.ram - size


def percent(share: float) -> str:
    """Whole percent; 100 only for all of it, and 0 only for nothing."""
    whole = round(100 * share)
    if whole >= 100 and share < 1:
        return "99"
    return "1" if whole <= 0 < share else f"{max(0, whole)}"
