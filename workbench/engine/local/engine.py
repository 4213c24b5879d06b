"""QEMU on this host: joins profiles and running guests by name, starts, finds and watches them.

For a screen the engine is *driven*: every running guest has a task that reads it. For commands and scripts it is not: it
looks when it is asked, and borrows each guest's shared monitor for as long as a request takes.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.guest.lifecycle import Exit, Phase
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.host.hugepages import HugepageHolder, Supply
from workbench.engine.local.parts import SCREEN, SHARED, LocalParts, run_of
from workbench.engine.session.guest import SessionGuest
from workbench.engine.state.directory import StateDirectory
from workbench.engine.state.liveness import live_pid
from workbench.errors import HostError, MonitorError, NotFound, StartError, WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from workbench.domain.compare.drift import Live
    from workbench.domain.host.snapshot import HostSnapshot
    from workbench.domain.qmp.record.record import Message, Record
    from workbench.domain.rebalance.progress import Course
    from workbench.engine.local.profiles import ProfileFiles
    from workbench.engine.local.stopped import StoppedGuest
    from workbench.engine.profiles.store import ProfileStore
    from workbench.engine.state.directory import Running
    from workbench.engine.storage.input_history import InputHistory
    from workbench.settings import Settings

FIRST_LOOK = 0.15
"""Seconds that opening waits for the first readings of running guests."""
LEAVE = 2.0
"""Seconds that closing waits for starts in progress; QEMUs launched by then continue to run."""
PATIENCE = 1.5
"""Seconds that one guest may take to answer among others."""
END_DEADLINE = 2.0
"""Seconds to wait for a keeper to write the exit status of a QEMU that is gone."""
SCAN = 0.5
"""Seconds between scans of the two directories, for guests and profiles from other processes."""


class LocalEngine:
    """See :class:`workbench.engine.base.Engine`."""

    def __init__(self, settings: Settings, *, driven: bool = True) -> None:
        """:param driven: read all running guests continually, from :meth:`open` to :meth:`close`."""
        self._settings = settings
        self._driven = driven
        self._state = StateDirectory(settings.state)
        self._snapshots: dict[str, GuestSnapshot] = {}
        self._guests: dict[str, SessionGuest] = {}
        self._listeners: list[Callable[[GuestSnapshot], None]] = []
        self._scanner: asyncio.Task[None] | None = None
        self._starting: set[str] = set()
        self._forgotten: dict[str, GuestSnapshot] = {}
        """The last snapshot of each name that has lost both profile and guest: a view may still ask for it."""
        self._records: dict[str, Record] = {}
        """Monitor traffic of each guest that ended since the screen opened."""
        self._starts: set[asyncio.Task[None]] = set()

    @cached_property
    def input_history(self) -> InputHistory:
        from workbench.engine.storage.input_history import InputHistory

        return InputHistory(self._settings.data / "qmp-history")

    @cached_property
    def _profiles(self) -> ProfileStore:
        from workbench.engine.profiles.store import ProfileStore  # a command for one running guest needs none

        return ProfileStore(self._settings.profiles)

    @cached_property
    def profiles(self) -> ProfileFiles:
        from workbench.engine.local.profiles import ProfileFiles

        async def look(name: str) -> Live:
            if name not in self._guests:
                raise NotFound(f"{name} is not running")
            return await self._guests[name].devices.live()

        return ProfileFiles(self._profiles, self._settings, look)

    async def open(self) -> None:
        if not self._driven:
            return
        self._state.prepare()
        self._scan()
        self._scanner = asyncio.create_task(self._scan_forever(), name="scan")
        # Wait briefly, so that the screen opens with its guests; not for one that does not answer.
        looks = [asyncio.ensure_future(guest.looked()) for guest in self._guests.values()]
        if looks:
            _, late = await asyncio.wait(looks, timeout=FIRST_LOOK)
            for look in late:
                look.cancel()

    async def close(self) -> None:
        self._listeners.clear()
        await self._leave_starts()
        if self._scanner is not None:
            self._scanner.cancel()
            with suppress(asyncio.CancelledError):
                await self._scanner
        await asyncio.gather(*(guest.close() for guest in self._guests.values()))

    async def _leave_starts(self) -> None:
        """Wait for starts to finish, and leave slow ones to their keepers."""
        if not self._starts:
            return
        starts = tuple(self._starts)
        _, late = await asyncio.wait(starts, timeout=LEAVE)
        for task in late:
            task.cancel()
        # The caller of a start got its error; if no caller waits any more, the next screen shows how QEMU ended.
        await asyncio.gather(*starts, return_exceptions=True)

    async def refresh(
        self, names: Sequence[str] | None = None, *, settle: float = 0.0, brief: bool = False
    ) -> Sequence[GuestSnapshot]:
        if names is None:
            await self._clean_up()
            self._scan()
            names = sorted(self._guests)
        guests = [self.guest(name) for name in names]
        await asyncio.gather(*(_look(guest, settle, brief) for guest in guests if guest.snapshot.phase.alive))
        return [guest.snapshot for guest in guests]

    async def carry_out(self, course: Course, report: Callable[[Course], None]) -> None:
        from workbench.engine.rebalance.carry_out import carry_out

        guests = {name: self.guest(name) for name in course.progress}
        await carry_out(guests, course, report, own_safety=not self._driven)

    def guests(self) -> Sequence[GuestSnapshot]:
        if not self._driven:
            self._scan()
        return [self._snapshots[name] for name in sorted(self._snapshots)]

    def guest(self, name: str) -> SessionGuest | StoppedGuest:
        if not self._driven:
            self._find(name)
        if name in self._guests:
            return self._guests[name]
        last = self._snapshots.get(name) or self._forgotten.get(name)
        if last is not None:
            from workbench.engine.local.stopped import StoppedGuest

            return StoppedGuest(last, self._records.get(name), self._state, screen=self._driven)
        if self._driven:
            raise NotFound(f"no guest or profile named {name!r}")
        raise self._state.not_running(name)

    def watch(self, listener: Callable[[GuestSnapshot], None]) -> Callable[[], None]:
        self._listeners.append(listener)

        def forget() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return forget

    async def start(self, name: str, supply: Supply = Supply.NOTHING) -> None:
        """See :meth:`Engine.start`. Cancelling the caller, such as a screen that closes, does not cancel the start."""
        task = asyncio.create_task(self._start(name, supply), name=f"start {name}")
        self._starts.add(task)
        task.add_done_callback(self._starts.discard)
        await asyncio.shield(task)

    async def _start(self, name: str, supply: Supply) -> None:
        from workbench.engine.start.launch import start
        from workbench.engine.start.plan import plan

        if name in self._starting:
            raise StartError(f"{name} is already being started")
        if not self._driven:
            self._find(name)
        if name in self._guests:
            hint = "" if self._driven else f"to stop it: workbench stop {name}"
            raise StartError(f"{name} is already running, pid {self._guests[name].snapshot.pid}", hint=hint)
        self._starting.add(name)
        try:
            self._publish(replace(self._snapshots.get(name, GuestSnapshot(name)), phase=Phase.STARTING, ended=None))
            loaded = self._profiles.load(name)
            planned = await plan(loaded, self._settings, short=supply is not Supply.NOTHING)
            running = await start(self._state, planned, lasting=self._driven, supply=supply)
        except BaseException:
            self._starting.discard(name)
            self._scan()  # publishes that it is stopped, or that its profile is gone
            raise
        self._starting.discard(name)
        self._adopt(running)

    async def host(self) -> HostSnapshot:
        from workbench.engine.host.host import read_host

        host = await read_host(self._settings.cache)
        on_hugepages = [guest for guest in self._guests.values() if guest.snapshot.backing and guest.snapshot.pid]
        return replace(host, holders=await asyncio.to_thread(_holders, on_hugepages)) if on_hugepages else host

    async def keep_picture(self, name: str, svg: str) -> Path:
        from workbench.engine.storage.files import write_atomic

        directory = self._settings.data / "pictures"
        path = directory / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.svg"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            await asyncio.to_thread(write_atomic, path, svg)
        except OSError as error:
            raise HostError(f"cannot write {path}: {error.strerror}") from error
        return path

    async def keep_record(self, name: str, messages: Sequence[Message]) -> Path:
        from workbench.engine.storage.record_file import save_record

        directory = self._settings.data / "records"
        try:
            return await asyncio.to_thread(save_record, messages, directory, name, time.time())
        except OSError as error:
            raise HostError(f"cannot write to {directory}: {error.strerror}") from error

    async def _clean_up(self) -> None:
        """Clean up after guests that have ended, including one that has just ended and whose exit status is not written yet."""
        ended = [name for name in self._state.names() if self._state.find(name) is None]
        await asyncio.gather(*(_clean(self._state, name) for name in ended))

    def _find(self, name: str) -> None:
        """Look for one guest or profile, without reading the others."""
        known = self._guests.get(name)
        running = self._state.find(name)
        if known is not None and (running is None or run_of(running) != known.snapshot.run):
            del self._guests[name]  # it has ended; an open request on it says how
        if running is not None:
            self._adopt(running)
        elif any(entry.name == name for entry in self._profiles.entries()) or self._state.last_end(name) is not None:
            self._publish(self._stopped(name))

    async def _scan_forever(self) -> None:
        while True:
            await asyncio.sleep(SCAN)
            # A directory that cannot be read right now is scanned again; known guests stay.
            with suppress(WorkbenchError, OSError):
                self._scan()

    def _scan(self) -> None:
        """Add profiles and guests from other processes, and drop those that are gone."""
        profiles = {entry.name: entry for entry in self._profiles.entries()}
        for name in self._state.names():
            if name in self._guests or name in self._starting:
                continue
            running = self._state.find(name)
            if running is not None:
                self._adopt(running)
            else:
                self._state.clean(name)
        for name in {*profiles, *self._snapshots} - set(self._guests) - self._starting:
            if name in profiles:
                self._publish(self._stopped(name))
            else:
                self._forget(name)

    def _stopped(self, name: str) -> GuestSnapshot:
        from workbench.domain.profile.cautions import caution_lines
        from workbench.domain.profile.safety import safety_of
        from workbench.domain.units import format_size

        loaded = self._profiles.load(name)
        profile = loaded.profile
        hugepages = profile.memory.hugepages if profile else None
        ended = self._state.last_end(name)
        return GuestSnapshot(
            name,
            ended=Exit(ended.code) if ended else None,
            ended_cause=ended.cause if ended else "",
            cautions=caution_lines(profile),
            ended_output=ended.output.rstrip() if ended and ended.code else "",
            memory=profile.memory.size if profile else None,
            accelerator=str(profile.accelerator) if profile else "",
            description=profile.description if profile else "",
            safety=safety_of(profile),
            backing=f"{format_size(hugepages.size)} pages" if hugepages else "",
            problems=len(loaded.problems),
            profile_path=str(loaded.path),
        )

    def _adopt(self, running: Running) -> None:
        """Watch a running guest, started by this process or another."""
        facts = running.facts
        if running.name in self._guests:
            return
        old = self._snapshots.get(running.name, GuestSnapshot(running.name))
        parts = LocalParts(running, self._state, socket=SCREEN if self._driven else SHARED)
        snapshot = replace(
            old,
            user_monitor=parts.monitors.user,
            phase=Phase.RUNNING,
            pid=running.pid,
            run=parts.process.run,
            directory=str(running.path),
            memory=facts.memory or None,
            accelerator=facts.accelerator,
            accelerator_reason=facts.accelerator_reason,
            started=facts.started or None,
            backing=facts.backing,
            ended=None,
            ended_cause="",
            ended_output="",
            profile_path=facts.profile or old.profile_path,
        )
        guest = SessionGuest(parts, snapshot, self._take, self._settings, driven=self._driven)
        self._guests[running.name] = guest
        self._publish(guest.snapshot)

    def _take(self, snapshot: GuestSnapshot) -> None:
        """Take a snapshot from a guest's driver; an ended guest is dropped with its driver."""
        if not snapshot.phase.alive:
            ended = self._guests.pop(snapshot.name, None)
            if ended is not None:
                self._records[snapshot.name] = ended.record
        self._publish(snapshot)

    def _publish(self, snapshot: GuestSnapshot) -> None:
        if self._snapshots.get(snapshot.name) == snapshot:
            return
        self._snapshots[snapshot.name] = snapshot
        self._forgotten.pop(snapshot.name, None)
        for listener in tuple(self._listeners):
            listener(snapshot)

    def _forget(self, name: str) -> None:
        """A profile was removed and its guest is not running: publish a last snapshot without a profile."""
        last = self._forgotten[name] = replace(self._snapshots.pop(name), phase=Phase.STOPPED, profile_path="")
        for listener in tuple(self._listeners):
            listener(last)


async def _look(guest: SessionGuest | StoppedGuest, settle: float, brief: bool) -> None:
    with suppress(MonitorError, NotFound):  # the snapshot says why
        await guest.refresh(settle=settle, brief=brief, patience=PATIENCE)


async def _clean(state: StateDirectory, name: str) -> None:
    from workbench.engine.start.launch import wait_for_end

    path = state.path(name)
    deadline = time.monotonic() + END_DEADLINE
    while state.clean(name) is None and path.exists() and time.monotonic() < deadline:
        # Locked without an exit status: it is being started. With one: another process cleans up, and keeps the status first.
        if live_pid(path) is not None or (state.is_locked(name) and not (path / "exit").exists()):
            return
        await wait_for_end(path, END_DEADLINE)
        await asyncio.sleep(0.01)


def _holders(guests: Sequence[SessionGuest]) -> tuple[HugepageHolder, ...]:
    """The hugepages held by each guest."""
    from workbench.engine.host.hugepages import hugepages_held

    found = [
        HugepageHolder(guest.snapshot.name, page, size)
        for guest in guests
        for page, size in hugepages_held(guest.snapshot.pid or 0).items()
    ]
    return tuple(sorted(found, key=lambda holder: (holder.page, holder.guest)))
