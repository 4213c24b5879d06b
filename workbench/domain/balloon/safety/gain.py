"""Estimate what the host would gain from a target before it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.balloon.backing import Backing, Effect
from workbench.domain.units import mib, mib_span

if TYPE_CHECKING:
    from workbench.domain.balloon.balloon import Balloon


class Gain(Struct, frozen=True):
    """Bounds on the fall of resident guest RAM, in bytes; negative for growth."""

    low: int
    high: int
    words: str
    """For people, such as ``host gains 200 to 252 MiB`` or ``host gains nothing: 2M pages``."""

    taken: bool = False
    """Whether the guest would lose memory without any gain for the host."""
    hint: str = ""
    """If so: why, and what to use instead, in a single line."""
    why: tuple[str, ...] = ()
    """If so: the effect, its cause and what to use instead, in sentences without a full stop."""


def expected_gain(balloon: Balloon, target: int) -> Gain | None:
    """What the host would gain from ``target``; None if its resident memory is unknown, or nothing would move.

    On ordinary memory, at most ``target`` stays resident, and the host gets back at most what is resident and at most what
    the guest gives. For memory that cannot be returned see :class:`Backing`.
    """
    reading, host = balloon.reading, balloon.host
    if reading is None or host is None or target == reading.actual:
        return None
    backing = balloon.backing or Backing()
    given = reading.actual - target
    if given < 0:
        # The guest may touch all of it at once, or none.
        low = -min(-given, max(0, reading.ram - host.resident))
        if backing.hugepages and backing.reporting:  # deflated memory is free in whole pages, and is reported
            return Gain(low, host.resident, "host may gain: free pages are reported")
        return Gain(low, 0, "host gives nothing" if low == 0 else f"host gives up to {mib(-low)}")
    if backing.effect is not Effect.RETURNS:
        untouched = max(0, reading.ram - host.resident)
        loss = backing.most_lost(given, untouched)
        words = f"host loses up to {mib(loss)}" if loss else "host gains nothing"
        why = (backing.words_before(given, untouched), f"instead: {backing.instead}")
        return Gain(-loss, 0, f"{words}: {backing.short}", taken=True, hint=backing.hint, why=why)
    high = min(host.resident, given)
    low = min(high, max(0, host.resident - host.beyond - target))
    return Gain(low, high, f"host gains {mib_span(low, high)} MiB")
