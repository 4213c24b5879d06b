"""Follows the path of each change of one guest's target for its listeners.

Without listeners, a change is known by its request, its reply and the regular readings. With listeners, QEMU's trace
events are enabled and its log is read as it grows.
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
    from workbench.engine.balloon.place import Place
    from workbench.engine.qmp.protocol import Monitor

POLL = 0.05
"""Seconds between reads of the log while there are listeners."""
CHECK = 2.0
"""Seconds between checks that the events are still enabled and the log still exists."""
CLOSE = 3.0
"""Seconds that closing may take to disable the events; the next workbench does what is left."""


class PathWatch:
    """Follows one guest's changes; see :meth:`workbench.engine.base.Guest.path`."""

    def __init__(self, place: Place, record: Record, monitor: Monitor | None = None) -> None:
        """
        :param record: the messages on the monitor that carries our own requests.
        :param monitor: that monitor, if it is open already.
        """
        self._place = place
        self._listeners: list[Callable[[PathView], None]] = []
        self._monitor = monitor
        self._sieve = Sieve(place.pid)
        self._log: TraceLog | None = None
        self._why = ""
        self._follower: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self._timeline: Timeline | None = None
        self._held: int | None = None
        """Pages in the balloon at the last reading before any change."""
        self._reset = False
        """Whether the guest was reset without a change since."""
        self._published: PathView | None = None
        self.ready = asyncio.Event()
        """Set while the events are enabled, or it is known why they cannot be."""
        record.listen(self._heard)

    # Listeners.

    def listen(self, listener: Callable[[PathView], None]) -> Callable[[], None]:
        """Call ``listener`` now and on every update; returns a function that ends this."""
        self._listeners.append(listener)
        listener(self._view())
        # The view may have changed since the last listener left, such as while the events were being disabled.
        self._published = None
        self._start()

        def forget() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)
            if not self._listeners:
                self._stop.set()

        return forget

    async def connected(self, monitor: Monitor) -> None:
        """Use this monitor; disables the events that a killed workbench left enabled."""
        self._monitor = monitor
        with suppress(MonitorError):
            await TraceEvents(monitor, self._place).sweep()
        self._start()

    async def close(self) -> None:
        """Drop all listeners; on return the events are disabled, if QEMU answers."""
        self._listeners.clear()
        self._stop.set()
        if self._follower is not None:
            await asyncio.wait({self._follower}, timeout=CLOSE)

    def _start(self) -> None:
        if not self._listeners or self._monitor is None or self._monitor.closed:
            return
        if self._follower is not None and not self._follower.done():
            self._stop.clear()  # a new listener came before the last one was gone
            return
        self._stop = asyncio.Event()
        self._follower = asyncio.create_task(self._follow(self._monitor), name=f"path {self._place.directory.name}")

    async def _follow(self, monitor: Monitor) -> None:
        """Keep the events enabled while this runs."""
        while self._listeners and not monitor.closed:
            self._stop.clear()
            events = TraceEvents(monitor, self._place)
            try:
                self._why = await events.begin()
                self._log = None if self._why else TraceLog(self._place.directory / LOG)
                self.ready.set()
                self._notify()
                await self._until_stopped(monitor, events)
            except MonitorError as error:
                self._why = error.message
                self._notify()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), 1.0)
            finally:
                self._log = None
                self.ready.clear()
                with suppress(MonitorError):  # the file stays, and the next workbench finds it
                    await events.end()

    async def _until_stopped(self, monitor: Monitor, events: TraceEvents) -> None:
        checked = time.monotonic()
        while not self._stop.is_set() and not monitor.closed:
            if self._log is not None and time.monotonic() > checked + CHECK:
                self._why, checked = await events.trouble(), time.monotonic()
            self._drain()
            if self._why:
                self._log = None
            self._notify()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), POLL)

    # Updates.

    def reading(self, reading: Reading | None) -> None:
        """Add a reading of the config space."""
        if reading is not None:
            self._drain()
            self._timeline = poll(self._timeline, reading, time.time_ns() // 1000, reset=self._reset)
            self._reset = self._reset and self._timeline is None
            self._held = words_of(reading)[1]
            self._notify()

    def _heard(self, message: Message) -> None:
        """Handle a message on the monitor: our own request, its reply or event, or a reset."""
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
        self._notify()

    def _drain(self) -> None:
        """Read what QEMU has logged: it precedes the next message."""
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

    def _notify(self) -> None:
        if not self._listeners:
            return
        view = self._view()
        if view != self._published:
            self._published = view
            for listener in tuple(self._listeners):
                listener(view)
