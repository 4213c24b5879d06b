"""The session's connection to QEMU: held by a driver, or borrowed for one request at a time.

A QMP socket serves one client. The screen holds one of its own; a command or script borrows the one that all of them
share, and returns it as soon as nothing needs it.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NoReturn

from workbench.domain.guest.lifecycle import exit_words
from workbench.engine.qmp.silence import stopped_error
from workbench.errors import MonitorClosed, MonitorCrowded, MonitorTimeout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from workbench.domain.qmp.record.record import Record
    from workbench.engine.session.protocols import Monitor, Parts

BORROW_DEADLINE = 5.0
"""Seconds to wait for other clients of a shared monitor."""
TRY = 0.02
"""Seconds until a monitor is tried again whose queue of waiting clients is full."""


class Link:
    """The connection of one guest."""

    def __init__(
        self,
        parts: Parts,
        record: Record,
        *,
        borrowed: bool,
        opened: Callable[[Monitor], None],
        leaving: Callable[[], Awaitable[None]],
        trouble: Callable[[], str],
    ) -> None:
        """
        :param borrowed: open the connection for each use; otherwise its owner calls :meth:`open` and :meth:`close`.
        :param opened: called with each new connection.
        :param leaving: called before a borrowed connection is returned, while it can still be used.
        :param trouble: why there is no connection, as last seen.
        """
        self._parts = parts
        self._record = record
        self.borrowed = borrowed
        self._opened = opened
        self._leaving = leaving
        self._trouble = trouble
        self._monitor: Monitor | None = None
        self._users = 0
        self._turn = asyncio.Lock()
        """Held while the connection is opened or closed."""

    @property
    def monitor(self) -> Monitor | None:
        """The open connection, if any."""
        return None if self._monitor is None or self._monitor.closed else self._monitor

    async def open(self, deadline: float) -> Monitor:
        """Connect.

        :raise MonitorError: if QEMU does not answer within ``deadline`` seconds, or cannot be reached.
        """
        self.check_awake()
        self._monitor = await self._parts.monitors.connect(self._record, deadline=deadline)
        self._opened(self._monitor)
        return self._monitor

    async def close(self) -> None:
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            await monitor.close()

    def connected(self) -> Monitor:
        """The open connection.

        :raise MonitorClosed: if there is none.
        """
        if self.monitor is None and self.borrowed:
            raise MonitorClosed("the connection to QEMU has ended")
        if self.monitor is None:
            trouble = self._trouble() or "not connected to QEMU"
            raise MonitorClosed(f"{self._parts.name}: {trouble}", hint="the screen tries to reconnect once a second")
        return self.monitor

    def check_awake(self) -> None:
        """:raise MonitorTimeout: for a stopped QEMU: a change would wait in its socket and take effect when it is resumed."""
        if self._parts.process.stopped:
            raise stopped_error(self._parts.name, self._parts.process.pid)

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Keep a borrowed connection open between uses. It is opened by the first."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self.borrowed and not self._users:
                await self._return()

    @asynccontextmanager
    async def use(self, patience: float = BORROW_DEADLINE) -> AsyncIterator[Monitor]:
        """The connection, opened if it is borrowed.

        :param patience: seconds to wait for other clients.
        :raise MonitorError: if there is none; with how QEMU ended, if it ended while it was in use.
        """
        if not self.borrowed:
            yield self.connected()
            return
        async with self.hold():
            try:
                async with self._turn:
                    monitor = self.monitor or await self._wait_for_turn(patience)
                yield monitor
            except MonitorTimeout as error:
                if self._parts.process.stopped:
                    raise stopped_error(self._parts.name, self._parts.process.pid, sent=error.sent) from error
                raise
            except MonitorClosed as error:
                if not self._parts.process.alive:
                    await self._add_end(error)
                raise

    async def _wait_for_turn(self, patience: float) -> Monitor:
        """Connect; while the queue of waiting clients is full, try again."""
        end = time.monotonic() + patience
        while True:
            try:
                return await self.open(max(TRY, end - time.monotonic()))
            except MonitorCrowded:
                if time.monotonic() >= end:
                    raise
            await asyncio.sleep(TRY)

    async def _return(self) -> None:
        async with self._turn:
            if self._users:
                return  # taken again while we waited
            try:
                if self.monitor is not None:
                    await self._leaving()
            finally:
                await self.close()

    async def _add_end(self, error: MonitorClosed) -> NoReturn:
        """Put how QEMU ended in front of the message."""
        ended = await self._parts.process.end()
        name = self._parts.name
        hint = error.hint or ended.cause or f"to start it again: workbench start {name}"
        raise MonitorClosed(f"{name}: {exit_words(ended.code)}: {error.message}", hint=hint, sent=error.sent) from error
