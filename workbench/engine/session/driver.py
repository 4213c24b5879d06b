"""The task that drives a guest's session for a screen, as long as QEMU's process lives::

connect ──► serve: look, then wait for an event, a request or the next reading ──► QEMU ended: report, clean up
   ▲                          │ connection lost, or no answer                                 ▲
   └──── once a second ◄──────┴─────────── the process is gone ───────────────────────────────┘
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.engine.balloon.readings import DEADLINE as POLL_DEADLINE
from workbench.engine.session.pace import GAP, MOVING, REST, UNWATCHED
from workbench.errors import MonitorClosed, MonitorError

if TYPE_CHECKING:
    from workbench.engine.session.protocols import Monitor
    from workbench.engine.session.session import GuestSession


class GuestDriver:
    """Reads one guest at its pace."""

    def __init__(self, session: GuestSession) -> None:
        self._session = session
        self.watched = False
        """Whether the guest is on display; if so, it is read often."""
        self.looked = asyncio.Event()
        """Set after the first round, whether or not the guest answered."""
        self._rounds = asyncio.Condition()
        self._ended = 0
        """Rounds ended so far."""
        self.over = False
        """Whether QEMU has ended, or the driver was closed."""
        self._task = asyncio.create_task(self._drive(), name=f"guest {session.parts.name}")

    @property
    def up_to_date(self) -> bool:
        """Whether everything has been read since the last event; what may have changed is read over several rounds."""
        return not self._session.readings.expired

    async def close(self) -> None:
        """Stop reading."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def round_end(self) -> None:
        """Wait until a round ends; returns at once when there will be none any more."""
        seen = self._ended
        async with self._rounds:
            await self._rounds.wait_for(lambda: self._ended != seen or self.over)

    async def next_round(self) -> None:
        """Read now, and wait until that is done, whether or not the guest answered."""
        pace = self._session.pace
        wanted = self._ended + (1 if pace.waiting else 2)  # one that has begun does not count
        pace.expire()
        pace.hurry()
        async with self._rounds:
            await self._rounds.wait_for(lambda: self._ended >= wanted or self.over)

    async def _drive(self) -> None:
        session = self._session
        try:
            while session.parts.process.alive:
                await self._connect_and_serve()
            await session.publish_end()
            await session.close()
        finally:
            self.over = True
            await self._count()

    async def _connect_and_serve(self) -> None:
        session = self._session
        try:
            monitor = await session.link.open(POLL_DEADLINE)
        except MonitorError as error:
            session.publish_unreachable(error)
            await self._count()
        else:
            await self._serve(monitor)
            await session.link.close()
        if session.parts.process.alive:
            await session.pace.sleep(REST)

    async def _serve(self, monitor: Monitor) -> None:
        """Look again and again until the connection ends."""
        session = self._session
        while not monitor.closed:
            protector = session.protector
            busy = self.watched or (protector is not None and protector.busy)
            try:
                await session.look(REST if busy else UNWATCHED)
            except MonitorClosed:
                return
            except MonitorError:
                pass  # the snapshot says why
            # An unexpected reply may raise anything in the code that reads it; a driver that ended would leave old
            # numbers that look current. It is reported, and the next round reads everything again.
            except Exception as error:  # noqa: BLE001
                session.pace.expire()
                session.published.odd(error)
            await self._count()
            await self._sleep_until_next()

    async def _sleep_until_next(self) -> None:
        session = self._session
        protector, readings, pace = session.protector, session.readings, session.pace
        if not session.published.snapshot.answering:
            interval = REST
        elif not self.up_to_date:
            pace.expire()
            interval = 0.0
        elif readings.moving and (self.watched or (protector is not None and protector.armed)):
            interval = MOVING
        else:
            interval = pace.rest_in
            due = protector.due(time.time()) if protector is not None else None
            if due is not None:
                interval = min(interval, max(GAP, due))
        await pace.wait(interval)

    async def _count(self) -> None:
        self.looked.set()
        async with self._rounds:
            self._ended += 1
            self._rounds.notify_all()
