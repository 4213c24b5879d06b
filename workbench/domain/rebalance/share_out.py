"""Sharing whole amounts out: in proportion, or to those who have least first. Exact, deterministic, no fractions lost."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

_FINE = 20
"""Bits behind the point of a level in :func:`fill_lowest`."""


def in_proportion(amount: int, weights: Sequence[int], caps: Sequence[int]) -> list[int]:
    """Share ``amount`` out in proportion to ``weights``, nobody more than their cap.

    What a cap keeps from one goes to the others; the odd ones go to the largest remainders, then to whoever stands first.
    Less than ``amount`` in all only when everybody with a weight is at their cap.
    """
    shares = [0] * len(weights)
    active = {i for i, weight in enumerate(weights) if weight > 0 and caps[i] > 0}
    while active and amount > 0:
        total = sum(weights[i] for i in active)
        full = {i for i in active if amount * weights[i] >= caps[i] * total}
        if not full:
            return _rounded(amount, weights, total, active, shares)
        for i in full:
            shares[i] = caps[i]
        # All at once: whoever is at the cap now would be so with the larger share that is left, too.
        amount -= sum(caps[i] for i in full)
        active -= full
    return shares


def _rounded(amount: int, weights: Sequence[int], total: int, active: Collection[int], shares: list[int]) -> list[int]:
    for i in active:
        shares[i] = amount * weights[i] // total
    odd = amount - sum(shares[i] for i in active)
    for i in sorted(active, key=lambda i: (-(amount * weights[i] % total), i))[:odd]:
        shares[i] += 1
    return shares


def fill_lowest(amount: int, have: Sequence[int], weights: Sequence[int], caps: Sequence[int]) -> list[int]:
    """Give ``amount`` to those with the lowest ``have / weight`` first, as water fills vessels: each rises only until it
    meets the next, and nobody gets more than their cap.

    Whoever has no weight comes last, in proportion to what their caps leave.
    """
    heavy = [i for i, weight in enumerate(weights) if weight > 0]
    amount = min(amount, sum(caps))

    def shares_at(level: int) -> list[int]:
        risen = [0] * len(have)
        for i in heavy:
            risen[i] = min(max((weights[i] * level >> _FINE) - have[i], 0), caps[i])
        return risen

    highest = max(((have[i] + caps[i] + 1 << _FINE) // weights[i] + 1 for i in heavy), default=0)
    level = bisect_right(range(highest + 1), amount, key=lambda level: sum(shares_at(level))) - 1
    shares = shares_at(max(level, 0))
    rest = amount - sum(shares)
    while rest > 0 and any(shares[i] < caps[i] for i in heavy):
        lowest = min((i for i in heavy if shares[i] < caps[i]), key=lambda i: ((have[i] + shares[i]) / weights[i], i))
        shares[lowest] += 1
        rest -= 1
    light = [0 if i in heavy else cap for i, cap in enumerate(caps)]
    return [share + more for share, more in zip(shares, in_proportion(rest, light, light), strict=True)]


def without_trifles(
    amount: int,
    caps: Sequence[int],
    share_out: Callable[[int, Sequence[int]], list[int]],
    trifle: int,
    exempt: Collection[int] = (),
) -> list[int]:
    """Share out so that nobody gets less than ``trifle`` but more than nothing, where the others can take it instead.

    :param share_out: shares an amount out among caps; a cap of 0 leaves one out.
    :param exempt: those who may get any amount.
    """
    caps, kept = list(caps), set(exempt)
    while True:
        shares = share_out(amount, caps)
        small = [i for i, share in enumerate(shares) if 0 < share < trifle and i not in kept]
        if not small:
            return shares
        least = min(small, key=lambda i: (shares[i], i))
        if shares[least] == amount:
            return shares  # all of it is a trifle: another in its place would have the same
        if sum(caps) - caps[least] >= amount:
            caps[least] = 0
        else:
            kept.add(least)
