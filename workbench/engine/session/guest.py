"""A guest and the operations on it, over its session; see :class:`workbench.engine.base.Guest`.

Changes (a target, pause, reset) run one at a time; commands from the QMP console run alongside the readings.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

from workbench.domain.qmp.record.record import Kind, Origin
from workbench.engine.balloon.own_target import asks_for_target, own_target
from workbench.engine.session.link import BORROW_DEADLINE
from workbench.engine.session.pace import REST
from workbench.engine.session.session import GuestSession
from workbench.engine.session.stop import stop
from workbench.errors import (
    CommandFailed,
    MonitorClosed,
    MonitorCrowded,
    MonitorError,
    MonitorSilent,
    MonitorTimeout,
    MonitorUnavailable,
    NotReached,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from workbench.domain.balloon.history.marks import Mark
    from workbench.domain.balloon.history.samples import Past
    from workbench.domain.balloon.path.timeline import PathView
    from workbench.domain.balloon.safety.protection import ProtectionRequest, Safety
    from workbench.domain.guest.lifecycle import Exit
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.domain.qmp.record.record import Record
    from workbench.domain.qmp.schema import Schema
    from workbench.engine.base import Event
    from workbench.engine.session.devices import SessionDevices
    from workbench.engine.session.driver import GuestDriver
    from workbench.engine.session.hotplug import SessionHotplug
    from workbench.engine.session.lookups import SessionLookups
    from workbench.engine.session.protocols import Monitor, Parts
    from workbench.settings import Settings

USER_DEADLINE = 60.0
"""Seconds that a command from the user may take."""
POLL_DEADLINE = 1.0
"""Seconds that any other command may take."""
STEP = 0.05
"""Seconds between two readings while something is waited for."""
SETTLE_STEP = 0.1
"""Seconds between two readings that show whether a diff moves."""
FRESH = 1.0
"""Seconds that a guest's report may be late."""
EVENT = 2.0
"""Seconds to wait for an event that follows the reply to its command."""


class SessionGuest:
    """A guest with a QEMU process."""

    def __init__(
        self,
        parts: Parts,
        snapshot: GuestSnapshot,
        publish: Callable[[GuestSnapshot], None],
        settings: Settings,
        *,
        driven: bool,
    ) -> None:
        """
        :param driven: keep a connection, and read the guest continually; otherwise it is read only on request.
        """
        self._parts = parts
        self._session = GuestSession(parts, snapshot, publish, settings, borrowed=not driven)
        self._settings = settings
        self._driver: GuestDriver | None = None
        if driven:
            from workbench.engine.session.driver import GuestDriver

            self._driver = GuestDriver(self._session)

    @cached_property
    def devices(self) -> SessionDevices:
        from workbench.engine.session.devices import SessionDevices

        return SessionDevices(self._session.link.use, self._parts, self._settings)

    @cached_property
    def lookups(self) -> SessionLookups:
        from workbench.engine.session.lookups import SessionLookups

        return SessionLookups(self._session.link.use, self._parts.process.pid)

    @property
    def hotplug(self) -> SessionHotplug:
        return self._session.hotplug

    @property
    def snapshot(self) -> GuestSnapshot:
        return self._session.published.snapshot

    @property
    def record(self) -> Record:
        return self._session.record

    @property
    def watched(self) -> bool:
        return self._driver is not None and self._driver.watched

    @watched.setter
    def watched(self, value: bool) -> None:
        if self._driver is not None:
            self._driver.watched = value

    @property
    def up_to_date(self) -> bool:
        """Whether everything has been read since the last event."""
        return self._driver is not None and self._driver.up_to_date

    async def looked(self) -> None:
        """Wait for the first reading, whether or not the guest answers."""
        if self._driver is not None:
            await self._driver.looked.wait()

    def hold(self) -> AbstractAsyncContextManager[None]:
        return self._session.link.hold()

    # Reading.

    async def refresh(
        self, *, settle: float = 0.0, report: bool = False, brief: bool = False, patience: float = BORROW_DEADLINE
    ) -> GuestSnapshot:
        if brief and self._driver is None:
            async with self._borrow(patience):
                await self._session.glance()
            return self.snapshot
        readings = self._session.readings
        readings.expire()
        if self._driver is not None:
            await self._driver.next_round()
            while readings.expired and self.snapshot.answering and not self._driver.over:
                await self._driver.round_end()  # what may have changed is read over several rounds
            return self.snapshot
        async with self._borrow(patience):
            await self._session.look(full=True)
            while readings.expired:
                await self._session.look(full=True)
            if report:
                await self._look_until(self._has_new_report(), self._report_patience)
            await self._look_until(lambda snapshot: not _diff(snapshot), settle, SETTLE_STEP)
        return self.snapshot

    def _has_new_report(self) -> Callable[[GuestSnapshot], bool]:
        before = _last_report(self.snapshot)
        return lambda snapshot: _last_report(snapshot) != before

    @property
    def _report_patience(self) -> float:
        """Seconds in which the guest should report; 0 if it does not."""
        stats = self._session.readings.stats
        return stats.interval + FRESH if stats is not None and stats.interval else 0.0

    async def _look_until(self, condition: Callable[[GuestSnapshot], bool], seconds: float, step: float = STEP) -> bool:
        """Look until a condition is met or the time is over; returns whether it is met."""
        end = time.monotonic() + seconds
        while not condition(self.snapshot):
            if time.monotonic() >= end:
                return False
            await asyncio.sleep(step)
            readings = self._session.readings
            if not _diff(self.snapshot) and not readings.expired:
                readings.expire()  # at rest, what is around the balloon may change
            await self._session.look(REST)
        return True

    async def wait_until(
        self,
        condition: Callable[[GuestSnapshot], bool],
        seconds: float,
        *,
        each: Callable[[GuestSnapshot], None] = lambda _snapshot: None,
    ) -> GuestSnapshot:
        def met(snapshot: GuestSnapshot) -> bool:
            each(snapshot)
            return condition(snapshot)

        if self._driver is not None:
            reached = await self._watch_until(met, seconds)
        else:
            async with self._borrow():
                await self._session.look()
                reached = await self._look_until(met, seconds)
        if not reached:
            why = f"was not met within {seconds:g} s" if self.snapshot.phase.alive else "was not met before it ended"
            raise NotReached(f"{self._parts.name}: the condition {why}")
        return self.snapshot

    async def _watch_until(self, condition: Callable[[GuestSnapshot], bool], seconds: float) -> bool:
        driver = self._driver
        assert driver is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not condition(self.snapshot):
                    if driver.over:
                        return False
                    await driver.round_end()
                return True
        return False

    @asynccontextmanager
    async def _borrow(self, patience: float = BORROW_DEADLINE) -> AsyncIterator[Monitor]:
        """The connection; if there is none, the snapshot says why."""
        try:
            async with self._session.link.use(patience) as monitor:
                yield monitor
        except MonitorError as error:
            if self._session.link.monitor is None:
                await self._publish_lost(error)
            raise

    async def _publish_lost(self, error: MonitorError) -> None:
        """Publish why there is no connection, or how the guest ended."""
        if self._parts.process.alive:
            self._session.publish_unreachable(error)
        elif self.snapshot.phase.alive:
            await self._session.publish_end()

    async def past(self, start: float, step: float) -> Past:
        from workbench.engine.balloon.record.history import HistoryFiles

        return await asyncio.to_thread(HistoryFiles.of(self._parts.store.place.directory).past, start, step)

    async def marks(self) -> Sequence[Mark]:
        return self._session.readings.marks.load()

    async def version(self) -> str:
        async with self._session.link.use() as monitor:
            return monitor.version

    async def wait_disconnected(self) -> NoReturn:
        async with self._session.link.use() as monitor:
            await monitor.wait_closed()
            raise MonitorClosed("the connection to QEMU ended")

    async def schema(self) -> Schema:
        from workbench.engine.qmp.schema import read_schema

        async with self._session.link.use() as monitor:
            return await read_schema(monitor, self._settings.cache)

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[Event]]:
        from workbench.engine.session.events import EventStream

        try:
            monitor = await self._parts.monitors.connect_for_events()
        except (MonitorSilent, MonitorCrowded) as error:
            await self._check_answers()
            raise MonitorUnavailable(
                f"another client is reading the events of {self._parts.name}, and only one can",
                hint="stop the other client, or connect your own tool to qmp-user.sock",
            ) from error
        try:
            yield EventStream(monitor)
        finally:
            await monitor.close()

    async def _check_answers(self) -> None:
        """:raise MonitorError: if QEMU answers on none of its monitors, so that no client need hold any."""
        name, process = self._parts.name, self._parts.process
        self._session.link.check_awake()
        try:
            if self._driver is None:
                async with self._session.link.use(POLL_DEADLINE) as monitor:
                    await monitor.execute("query-status", origin=Origin.USER, deadline=POLL_DEADLINE)
            answers = self._driver is None or self.snapshot.answering
        except (MonitorTimeout, MonitorCrowded):
            answers = False
        if not answers:
            raise MonitorUnavailable(f"{name} does not answer: its events cannot be read", hint=process.silence()[1])

    def path(self, listener: Callable[[PathView], None]) -> Callable[[], None]:
        return self._session.path.listen(listener)

    # Requests.

    async def execute(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        origin: Origin = Origin.USER,
        oob: bool = False,
        deadline: float | None = None,
    ) -> object:
        session = self._session
        if deadline is None:
            deadline = USER_DEADLINE if origin is Origin.USER else POLL_DEADLINE
        async with session.link.use() as monitor:
            if self._driver is None and asks_for_target(command, arguments or {}):
                with suppress(CommandFailed):  # QEMU's error for the command itself is more useful
                    await session.look()  # what stood before it
            try:
                target = own_target(session.probe, command, arguments or {})
                with target, session.asking(command, arguments or {}):
                    return await monitor.execute(command, arguments, origin=origin, deadline=deadline, oob=oob)
            finally:
                if origin is Origin.USER:
                    session.expire()
                session.pace.hurry()

    async def set_target(self, size: int, *, safety: Safety | None = None) -> None:
        session = self._session
        session.link.check_awake()
        async with session.link.use():
            if self._driver is None and session.probe is None:
                await session.look()
            if safety is not None:
                session.protect_with(safety)
            async with session.changes:
                probe = session.probe
                if probe is None or not probe.present:
                    raise CommandFailed("balloon", "DeviceNotActive", "the guest has no balloon device")
                if session.protector is not None:
                    await session.protector.set_target(probe, session.readings.reading, size)
                    session.emit(session.published.snapshot)  # a ramp has begun, or ended
                else:
                    from workbench.engine.balloon.safety.ramp import Ramper

                    Ramper(self._parts.store.place.directory).end()
                    await probe.set_target(size)
        session.pace.hurry()

    async def protect(self, request: ProtectionRequest) -> None:
        session = self._session
        if session.protector is None:
            session.protect_with(session.published.snapshot.safety)
            assert session.protector is not None
        async with session.changes:
            await session.protector.carry_out(request, session.probe, session.readings.reading)
        session.emit(session.published.snapshot)
        session.readings.expire()
        session.pace.hurry()

    async def pause(self) -> None:
        await self._change(self._parts.power.pause)

    async def resume(self) -> None:
        await self._change(self._parts.power.resume)

    async def reset(self) -> None:
        await self._change(self._parts.power.reset, event="RESET")

    async def power_down(self) -> None:
        await self._change(self._parts.power.power_down)
        self._session.published.note_power_down()

    async def kill(self) -> None:
        """Send SIGKILL, which also works on a frozen QEMU, where ``quit`` would wait."""
        pid = self._parts.process.pid
        self.record.add(time.time(), Kind.NOTE, Origin.ACTION, "", f"SIGKILL to QEMU, pid {pid}")
        self._parts.power.kill()
        self._session.pace.hurry()

    async def wait_ended(self, seconds: float) -> Exit | None:
        end = time.monotonic() + seconds
        while self._parts.process.alive:
            if time.monotonic() >= end:
                return None
            await asyncio.sleep(STEP / 2)
        if self._driver is None:
            await self._session.publish_end()
        else:
            await self._driver.next_round()
        return self.snapshot.ended

    async def stop(self, seconds: float = 30.0, *, kill: bool = False) -> Exit:
        return await stop(self, seconds, kill=kill)

    async def _change(self, power: Callable[[Monitor], Awaitable[None]], *, event: str = "") -> None:
        """:param event: QEMU's event that follows its reply; a borrowed connection is kept until it is recorded."""
        session = self._session
        session.link.check_awake()
        async with session.link.use() as monitor, session.changes:
            came = asyncio.Event()
            if self._driver is None and event:
                monitor.on_event(lambda name, _data, _when: came.set() if name == event else None)
            await power(monitor)
            if self._driver is None and event:
                with suppress(TimeoutError):
                    await asyncio.wait_for(came.wait(), EVENT)
        session.pace.expire()
        session.pace.hurry()

    # The console.

    def console(self, listener: Callable[[str], None]) -> Callable[[], None]:
        return self._parts.console.listen(listener)

    async def type(self, text: str) -> None:
        await self._parts.console.type(text)

    async def close(self) -> None:
        """Let go of the guest; it continues to run."""
        await self._session.leave()
        if self._driver is not None:
            await self._driver.close()
        await self._session.close()
        await self._parts.console.close()


def _diff(snapshot: GuestSnapshot) -> int:
    reading = snapshot.balloon.reading if snapshot.balloon is not None else None
    return reading.diff if reading is not None else 0


def _last_report(snapshot: GuestSnapshot) -> float | None:
    stats = snapshot.balloon.stats if snapshot.balloon is not None else None
    return stats.last_update if stats is not None else None
