"""Carry out a rebalance over any guests: read those that move, and send each target when its turn has come.

Each guest is read by a task of its own, so that one that does not answer does not delay the others.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

from workbench.domain.rebalance.progress import Stage
from workbench.domain.rebalance.seen import seen_of
from workbench.errors import MonitorError, NotReached, WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.domain.rebalance.progress import Course, Seen
    from workbench.engine.base import Guest

STEP = 0.1
"""Seconds between two steps, and before a guest that does not answer is asked again."""
ROUND = 10.0
"""Seconds after which a wait for a guest is begun again."""


async def carry_out(
    guests: Mapping[str, Guest], course: Course, report: Callable[[Course], None], *, own_safety: bool
) -> None:
    """Run a course until it is over.

    :param guests: by name, those of the course.
    :param report: called after each step.
    :param own_safety: send with the ramp and guard of each guest's profile; otherwise with those that are on.
    """
    followed = {name: _Followed(guests[name], own_safety) for name in course.progress if name in guests}
    begun = time.time()
    try:
        while True:
            found = {name: seen for name, one in followed.items() if (seen := one.seen(begun)) is not None}
            orders = course.advance(time.monotonic(), found)
            for name, one in course.progress.items():
                if name in followed and one.stage is Stage.MOVING:
                    await followed[name].begin()
            await asyncio.gather(*(_send(course, followed[name], size) for name, size in orders))
            report(course)
            if course.over:
                return
            for name, one in course.progress.items():
                if name in followed and one.stage.over:  # other clients may be waiting for its monitor
                    await followed[name].end()
            await asyncio.sleep(STEP)
    finally:
        await asyncio.gather(*(one.end() for one in followed.values()))


async def _send(course: Course, one: _Followed, size: int) -> None:
    try:
        await one.send(size)
    except WorkbenchError as error:
        course.fail(one.name, error.message)


class _Followed:
    """One guest of the course."""

    def __init__(self, guest: Guest, own_safety: bool) -> None:
        self._guest = guest
        self._own_safety = own_safety
        self._latest: GuestSnapshot | None = None
        self._task: asyncio.Task[None] | None = None
        self._held = AsyncExitStack()

    @property
    def name(self) -> str:
        return self._guest.snapshot.name

    def seen(self, begun: float) -> Seen | None:
        return seen_of(self._latest, begun) if self._latest is not None else None

    async def begin(self) -> None:
        """Read it from now on, over one connection: its ramp and guard last as long as that."""
        if self._task is None:
            await self._held.enter_async_context(self._guest.hold())
            self._task = asyncio.create_task(self._follow(), name=f"rebalance {self.name}")

    async def end(self) -> None:
        """Stop reading it."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._held.aclose()

    async def send(self, size: int) -> None:
        snapshot = self._guest.snapshot
        if self._own_safety and snapshot.balloon is None:
            snapshot = await self._guest.refresh()  # its profile is known with its first reading
        safety = snapshot.safety if self._own_safety else None
        await self._guest.set_target(size, safety=safety)

    async def _follow(self) -> None:
        """Read it until it ends."""
        while self._guest.snapshot.phase.alive:
            with suppress(NotReached, MonitorError):  # the time of one wait is over, or it does not answer
                await self._guest.wait_until(lambda _snapshot: False, ROUND, each=self._see)
            self._see(self._guest.snapshot)
            await asyncio.sleep(STEP)

    def _see(self, snapshot: GuestSnapshot) -> None:
        self._latest = snapshot
