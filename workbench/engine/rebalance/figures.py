"""Read guests for a rebalance: with statistics that match their present size."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.rebalance.guests import figures_cover, unsettled_since
from workbench.errors import MonitorError, NotReached

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.base import Guest

FIGURES = 4.0
"""Seconds to wait for statistics newer than the last movement of the balloon."""
LOOK = 0.5
"""Seconds in which a diff is read repeatedly to see whether it moves."""


async def figures_of(guests: Sequence[Guest]) -> list[GuestSnapshot]:
    """Read all guests at the same time; those that do not answer have the reason in their snapshot."""
    return list(await asyncio.gather(*(_figures(guest) for guest in guests)))


async def _figures(guest: Guest) -> GuestSnapshot:
    async with guest.hold():
        try:
            first = await guest.refresh(settle=LOOK)
        except MonitorError:
            return guest.snapshot
        since = unsettled_since(first)

        def cover(snapshot: GuestSnapshot) -> bool:
            return snapshot.balloon is None or figures_cover(snapshot.balloon, since)

        if first.status == "running":
            with suppress(NotReached, MonitorError):
                await guest.wait_until(cover, FIGURES)
    last = guest.snapshot
    if cover(last) or last.balloon is None:
        return last
    return replace(last, balloon=replace(last.balloon, stats=None))
