"""The ledger of the last change of the target: what was asked, what the balloon holds, what the host holds, and what the
guest believes, before it and now. Sizes are bytes; what is not known is None.

Two figures are easily misread, so they are kept apart. What the guest gave up and the host still holds is *unreturned*.
What the guest gave up and the host did not hold before either is *never used*: there was nothing to gain.
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
"""What resident memory moves by when nobody does anything to the balloon: less is not worth a sentence, and for large
guests a hundredth of RAM is not."""


class Moment(Struct, frozen=True):
    """What stood at one time."""

    time: float
    """Unix time."""
    target: int | None = None
    actual: int | None = None
    resident: int | None = None
    """What the host held of the guest's RAM."""
    available: int | None = None
    """What the guest believed that it could use, by its own statistics."""
    free: int | None = None
    """What the guest believed to be free; older drivers tell this alone."""
    pool_free: int | None = None
    """Free pages in the host's pool of this guest's page size; None on ordinary memory."""

    def shifted(self, change: int) -> Moment:
        """The same where RAM is larger by ``change`` bytes: the balloon's pages stand, so target and actual move with it."""
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
    """Just before the target last changed; None when it never did, or nobody saw it."""
    ours: bool = True
    """Whether a workbench made that change."""
    backing: Backing | None = None
    """What the RAM stands on, as far as it is known."""

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
        """What the host holds of the guest's RAM."""
        return Entry(self.before.resident if self.before else None, self.now.resident)

    @property
    def believed(self) -> Entry:
        """What the guest says that it has: :attr:`believed_as`."""
        before = getattr(self.before, self.believed_as) if self.before else None
        return Entry(before, getattr(self.now, self.believed_as))

    @property
    def believed_as(self) -> str:
        """``available``, or ``free`` of a driver that tells no more; the same for both times."""
        told = [moment for moment in (self.now, self.before) if moment is not None]
        only_free = any(moment.free is not None for moment in told) and all(moment.available is None for moment in told)
        return "free" if only_free else "available"

    # What follows from them.

    @property
    def given(self) -> int | None:
        """What the guest gave up since the change; negative when it took some back."""
        return self.held.change

    @property
    def reclaimed(self) -> int | None:
        """By how much the host's holding fell since the change; negative when it rose, which is a loss."""
        change = self.host.change
        return None if change is None else -change

    @property
    def unreturned(self) -> int | None:
        """What the guest gave up in all and the host still holds: resident - actual, when positive."""
        if self.now.resident is None or self.now.actual is None:
            return None
        return max(0, self.now.resident - self.now.actual)

    @property
    def yield_(self) -> float | None:
        """1 - unreturned / held: 1 when the host has all that the guest gave; None for an empty balloon."""
        held = self.held.now
        return None if self.unreturned is None or not held else 1 - self.unreturned / held

    @property
    def never_used(self) -> int | None:
        """Of what the guest gave: at least so much was not resident before. It cannot be seen page by page.

        All that the host held before is the most that can have been resident of what was given; the rest was not.
        """
        if self.given is None or self.host.before is None:
            return None
        return max(0, self.given - self.host.before)

    @property
    def never_used_most(self) -> int | None:
        """And at most so much: no more than the host lacked of RAM before, nor than what was given and did not come back."""
        least, given, before, reclaimed = self.never_used, self.given, self.host.before, self.reclaimed
        if least is None or given is None or before is None or reclaimed is None:
            return None
        return max(least, min(given - max(0, reclaimed), self.ram - before))

    # What happened, in words.

    @property
    def words(self) -> tuple[str, ...]:
        """What happened, in plain sentences without a full stop; none when there is nothing to say."""
        foreign = () if self.ours or self.before is None else ("another client set this target, not the workbench",)
        return (*foreign, *self.words_of_change)

    @property
    def words_of_change(self) -> tuple[str, ...]:
        """The same without whose target it was."""
        said: list[str] = []
        if self.given is not None and self.given < -self._noise:
            said.append(self._deflated(-self.given))
        elif self.given is not None and self.given > self._noise:
            said += self._inflated(self.given)
        elif self.unreturned and self.unreturned > self._noise:
            said += self._still_held(self.unreturned)
        return tuple(said)

    @property
    def loss(self) -> bool:
        """Whether the host holds notably more than before, though the guest gave memory up, and cannot do with less.

        On ordinary memory a guest that holds no more than it has just touched some since: that is its good right.
        """
        fails = self.backing is not None and self.backing.effect is not Effect.RETURNS
        return self._grew and (self.void or fails)

    @property
    def _grew(self) -> bool:
        given, reclaimed = self.given, self.reclaimed
        return given is not None and given > 0 and reclaimed is not None and reclaimed < -self._noise

    @property
    def void(self) -> bool:
        """Whether it was seen that the host did not get back what the guest gave."""
        return (self.unreturned or 0) > self._noise

    def _deflated(self, taken: int) -> str:
        if (self.reclaimed or 0) > self._noise:
            how = ": free pages are reported" if self.backing and self.backing.reporting else ""
            return (
                f"the guest took {mib(taken)} back, and the host holds {mib(self.reclaimed or 0)} less than before{how}"
            )
        return f"the guest took {mib(taken)} back; the host gives it pages as it touches them"

    def _inflated(self, given: int) -> list[str]:
        reclaimed, unreturned = self.reclaimed, self.unreturned
        if reclaimed is None or unreturned is None:
            return [f"the guest gave {mib(given)}; what the host got is not known"]
        if self.loss:
            return [
                f"a loss: the guest gave {mib(given)}, and the host holds {mib(-reclaimed)} more than before",
                *self._why(),
            ]
        if unreturned > self._noise:
            got = mib(reclaimed) if reclaimed > self._noise else "none of it"
            return [f"the guest gave {mib(given)}, and the host got {got} back", *self._why()]
        if self._grew:
            more = mib(-reclaimed)
            return [f"the guest gave {mib(given)}, and touched memory since: the host holds {more} more than before"]
        never = self.never_used_most or 0
        if never <= self._noise:
            return [f"the guest gave {mib(given)}, and the host got {mib(reclaimed)} back"]
        reported = "never used, or reported free" if self.backing and self.backing.reporting else "never used"
        least = self.never_used or 0
        if least > self._noise:
            return [f"of the {mib(given)} given, at least {mib(least)} were {reported}: nothing to gain for the host"]
        rest = f"up to {mib(never)} were {reported}"
        return [f"the guest gave {mib(given)}, and the host got {mib(max(0, reclaimed))} back; {rest}"]

    def _still_held(self, unreturned: int) -> list[str]:
        return [f"the host holds {mib(unreturned)} more than the guest has", *self._why()]

    def _why(self) -> list[str]:
        """Why the host did not get it, and what would serve."""
        backing = self.backing
        if backing is None or backing.effect is Effect.RETURNS:
            refusal = backing.refusal if backing else ""
            return [f"QEMU says: {refusal}"] if refusal else ["the cause is not known"]
        again = " again" if backing.reporting else ""
        said = [f"the guest zeroes what it gives, and that takes pages from the pool{again}"] if self.loss else []
        said.append(backing.cause)
        if backing.refusal:
            said.append(f"QEMU says: {backing.refusal}")
        before, now = (self.before.pool_free if self.before else None), self.now.pool_free
        if backing.hugepages and before is not None and now is not None:
            said.append(f"free pages in the pool: {before:,} before, {now:,} now")
        return [*said, f"instead: {backing.instead}"]

    @property
    def _noise(self) -> int:
        return max(NOISE, self.ram // 100)

    def _off(self, size: int | None) -> int | None:
        return None if size is None else self.ram - size


def percent(share: float) -> str:
    """Rounded so that only what is whole is 100, and only what is nothing is 0."""
    whole = round(100 * share)
    if whole >= 100 and share < 1:
        return "99"
    return "1" if whole <= 0 < share else f"{max(0, whole)}"
