"""What the host would gain from a target, before it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.balloon.backing import Backing, Effect
from workbench.domain.units import mib, mib_span

if TYPE_CHECKING:
    from workbench.domain.balloon.balloon import Balloon


class Gain(Struct, frozen=True):
    """By how much the host's holding of the guest's RAM would fall, in bytes; negative: by how much it would grow."""

    low: int
    high: int
    words: str
    """For people, such as ``host gains 200 to 252 MiB`` or ``host gains nothing: 2M pages``."""

    taken: bool = False
    """Whether memory would be taken from the guest and the host would have nothing of it."""
    hint: str = ""
    """Then: why, and what would serve, in the fewest words."""
    why: tuple[str, ...] = ()
    """Then: what will happen and why, and what would serve instead, in sentences without a full stop."""


def expected_gain(balloon: Balloon, target: int) -> Gain | None:
    """What the host would gain from ``target``; None when nothing is known of what it holds, or nothing would move.

    On ordinary memory the host ends with no more than the target, and gets back no more than it holds, nor than what the
    guest gives. Where the balloon is void see :class:`Backing`.
    """
    reading, host = balloon.reading, balloon.host
    if reading is None or host is None or target == reading.actual:
        return None
    backing = balloon.backing or Backing()
    given = reading.actual - target
    if given < 0:
        # The guest may touch all of it at once, or none.
        low = -min(-given, max(0, reading.ram - host.resident))
        if backing.hugepages and backing.reporting:  # what it held is free then, in whole pages, and is reported
            return Gain(low, host.resident, "host may gain: free pages are reported")
        return Gain(low, 0, "host gives nothing" if low == 0 else f"host gives up to {mib(-low)}")
    if backing.effect is not Effect.RETURNS:
        untouched = max(0, reading.ram - host.resident)
        loss = backing.most_lost(given, untouched)
        words = f"host loses up to {mib(loss)}" if loss else "host gains nothing"
        why = (backing.words_before(given, untouched), f"instead: {backing.instead}")
        return Gain(-loss, 0, f"{words}: {backing.short}", taken=True, hint=backing.hint, why=why)
    high = min(host.resident, given)
    low = min(high, max(0, host.resident - target))
    return Gain(low, high, f"host gains {mib_span(low, high)} MiB")
