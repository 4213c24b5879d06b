"""Guests for tests of a budget."""

from __future__ import annotations

from workbench.domain.rebalance.proposal import Candidate
from workbench.domain.units import MIB


def guest(name: str = "a", *, used: int | None = 100, floor: int = 130, **sizes: int | str) -> Candidate:
    """Sizes in MiB; a guest of 512 MiB that has all of it."""
    mib = {key: value * MIB for key, value in sizes.items() if isinstance(value, int)}
    ram = mib.get("ram", 512 * MIB)
    target = mib.get("target", ram)
    return Candidate(
        name,
        ram,
        target,
        mib.get("actual", target),
        floor * MIB,
        used=None if used is None else used * MIB,
        resident=mib.get("resident"),
        fixed=str(sizes.get("fixed", "")),
    )
