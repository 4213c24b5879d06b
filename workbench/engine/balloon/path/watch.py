"""The path of each change of one guest's target, followed for whoever looks at it.

While nobody looks, a change is known by its request, its reply and the readings that are taken anyway. While somebody
does, QEMU's trace events are on, and its log is read as it grows.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.domain.balloon.path.changes import follow, poll, sent
from workbench.domain.balloon.path.timeline import PathView, words_of
from workbench.domain.balloon.path.trace_log import Sieve
from workbench.domain.qmp.record.record import Kind
from workbench.engine.balloon.path.trace import LOG, TraceEvents, TraceLog
from workbench.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.balloon.path.timeline import Timeline
    from workbench.domain.balloon.reading import Reading
    from workbench.domain.qmp.record.record import Message, Record
    from workbench.engine.qmp.monitor import Monitor
    from workbench.engine.state.directory import Running

POLL = 0.05
"""Seconds between looks at the log while somebody looks at the path."""
CHECK = 2.0
"""Seconds between looks whether the events are still on, and the log still there."""
CLOSE = 3.0
"""Seconds that leaving may take to switch the events off; the next workbench does what was not done."""


class PathWatch:
    """Follows one guest's changes; see :meth:`workbench.engine.base.Guest.path`."""

    def __init__(self, running: Running, record: Record) -> None:
        """:param record: what passes on the monitor that our own requests go through."""
        self._running = running
        self._listeners: list[Callable[[PathView], None]] = []
        self._monitor: Monitor | None = None
        self._sieve = Sieve(running.pid)
        self._log: TraceLog | None = None
        self._why = ""
        self._follower: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._timeline: Timeline | None = None
        self._held: int | None = None
        """The pages that the guest held when it was last read, before any change."""
        self._reset = False
        """Whether the guest was reset, and nothing has changed since."""
        self._told: PathView | None = None
        self.ready = asyncio.Event()
        """Set while the events are on, or it is known why they cannot be."""
        record.listen(self._heard)

    # Who looks.

    def listen(self, listener: Callable[[PathView], None]) -> Callable[[], None]:
        """Call ``listener`` at once and whenever something new is seen; call what this returns to end it."""
        self._listeners.append(listener)
        listener(self._view())
        # What stood when the last one left need not be what this one was told, such as in the midst of switching off.
        self._told = None
        self._start()

        def forget() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)
            if not self._listeners:
                self._stop.set()

        return forget

    async def connected(self, monitor: Monitor) -> None:
        """There is a monitor to ask; what a killed workbench has left on is switched off."""
        self._monitor = monitor
        with suppress(MonitorError):
            await TraceEvents(monitor, self._running).sweep()
        self._start()

    async def close(self) -> None:
        """Nobody looks any more: the events are off when this returns, if QEMU answers."""
        self._listeners.clear()
        self._stop.set()
        if self._follower is not None:
            await asyncio.wait({self._follower}, timeout=CLOSE)

    def _start(self) -> None:
        if not self._listeners or self._monitor is None or self._monitor.closed:
            return
        if self._follower is not None and not self._follower.done():
            self._stop.clear()  # somebody came back before the last one had left
            return
        self._stop = asyncio.Event()
        self._follower = asyncio.create_task(self._follow(self._monitor), name=f"path {self._running.name}")

    async def _follow(self, monitor: Monitor) -> None:
        """The events are on while this runs."""
        while self._listeners and not monitor.closed:
            self._stop.clear()
            events = TraceEvents(monitor, self._running)
            try:
                self._why = await events.begin()
                self._log = None if self._why else TraceLog(self._running.path / LOG)
                self.ready.set()
                self._tell()
                await self._until_stopped(monitor, events)
            except MonitorError as error:
                self._why = error.message
                self._tell()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), 1.0)
            finally:
                self._log = None
                self.ready.clear()
                with suppress(MonitorError):  # the marker stays, and the next workbench finds it
                    await events.end()

    async def _until_stopped(self, monitor: Monitor, events: TraceEvents) -> None:
        checked = time.monotonic()
        while not self._stop.is_set() and not monitor.closed:
            if self._log is not None and time.monotonic() > checked + CHECK:
                self._why, checked = await events.trouble(), time.monotonic()
            self._drain()
            if self._why:
                self._log = None
            self._tell()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), POLL)

    # What is seen.

    def reading(self, reading: Reading | None) -> None:
        """The config space was read from outside."""
        if reading is not None:
            self._drain()
            self._timeline = poll(self._timeline, reading, time.time_ns() // 1000, reset=self._reset)
            self._reset = self._reset and self._timeline is None
            self._held = words_of(reading)[1]
            self._tell()

    def _heard(self, message: Message) -> None:
        """Something passed on the monitor: our own request, the reply to it, or the event; or the guest was reset."""
        if message.name not in ("balloon", "BALLOON_CHANGE", "RESET"):
            return
        at = round(message.time * 1e6)
        self._drain()
        if message.name == "RESET" and message.kind is Kind.EVENT:
            self._timeline, self._reset = None, True
        elif message.kind is Kind.COMMAND and isinstance(message.payload, dict):
            size = message.payload.get("value")
            if type(size) is int:
                held = self._timeline.held if self._timeline is not None else self._held
                self._timeline = sent(at, size, held=held, traced=self._log is not None, reset=self._reset)
                self._reset = False
        elif self._timeline is not None and message.kind is Kind.REPLY:
            self._timeline = self._timeline.answered(at)
        elif self._timeline is not None and message.kind is Kind.EVENT:
            self._timeline = self._timeline.event(at)
        self._tell()

    def _drain(self) -> None:
        """Take what QEMU has written: it comes before whatever is heard next."""
        if self._log is None:
            return
        now = time.time_ns() // 1000
        for text in self._log.lines():
            line = self._sieve.take(text)
            if line is not None:
                self._timeline = follow(self._timeline, line, now, reset=self._reset)
                self._reset = self._reset and self._timeline is None

    def _view(self) -> PathView:
        version = self._monitor.version if self._monitor is not None else ""
        return PathView(version, self._timeline, traced=self._log is not None, why=self._why)

    def _tell(self) -> None:
        if not self._listeners:
            return
        view = self._view()
        if view != self._told:
            self._told = view
            for listener in tuple(self._listeners):
                listener(view)
