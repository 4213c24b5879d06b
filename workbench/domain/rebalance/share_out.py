"""Distribute whole amounts exactly and deterministically: in proportion, or to the lowest first."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

_FINE = 20
"""Fractional bits of a level in :func:`fill_lowest`."""


def in_proportion(amount: int, weights: Sequence[int], caps: Sequence[int]) -> list[int]:
    """Distribute ``amount`` in proportion to ``weights``, each share at most its cap.

    What a cap cuts off goes to the others. Rounding remainders go to the largest fractions, then to the first in order.
    The sum is below ``amount`` only if every share with a weight is at its cap.
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
        # All at once: a share at its cap now would also be at it with the larger remainder.
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
    """Water-filling: give ``amount`` to the lowest ``have / weight`` first, each share at most its cap.

    Entries without a weight come last, in proportion to their caps.
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
    """Distribute without non-zero shares below ``trifle``, where the others can take them instead.

    :param share_out: distributes an amount among caps; a cap of 0 excludes an entry.
    :param exempt: entries that may get any amount.
    """
    caps, kept = list(caps), set(exempt)
    while True:
        shares = share_out(amount, caps)
        small = [i for i, share in enumerate(shares) if 0 < share < trifle and i not in kept]
        if not small:
            return shares
        least = min(small, key=lambda i: (shares[i], i))
        if shares[least] == amount:
            return shares  # the whole amount is a trifle
        if sum(caps) - caps[least] >= amount:
            caps[least] = 0
        else:
            kept.add(least)
