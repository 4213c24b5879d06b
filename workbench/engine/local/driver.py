"""The one task that drives a guest on this host.

The driver connects to the guest's monitor, reads what the screen shows, and publishes a frozen
:class:`GuestSnapshot` whenever something changed. It lives as long as QEMU's process does::

    connect ──► serve: read, publish, wait for an event, a request or the next reading ──► QEMU ended: report, clean up
       ▲                          │ connection lost, or no answer                                 ▲
       └──── once a second ◄──────┴─────────── the process is gone ───────────────────────────────┘
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.balloon.balloon import has_driver_returned
from workbench.domain.guest.lifecycle import Exit, Phase, Silence, phase_of
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.qmp.record.record import Kind, Origin, Record
from workbench.engine.balloon.path.watch import PathWatch
from workbench.engine.balloon.probe import BalloonProbe
from workbench.engine.balloon.readings import DEADLINE as POLL_DEADLINE
from workbench.engine.balloon.readings import Readings
from workbench.engine.balloon.safety.protection import Protector
from workbench.engine.local.hotplug import LocalHotplug
from workbench.engine.local.pace import GAP, MOVING, REST, UNWATCHED, Pace
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.qmp.silence import is_stopped, silence_of, silence_words, stopped_error
from workbench.engine.start.launch import find_end
from workbench.errors import (
    CommandFailed,
    MonitorClosed,
    MonitorCrowded,
    MonitorError,
    MonitorTimeout,
    MonitorUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workbench.engine.state.directory import Ended, Running, StateDirectory
    from workbench.settings import Settings

POWER_DOWN_PATIENCE = 30.0
"""Seconds after which a guest that ignored its power button counts as running again."""
TREE_EVENTS = frozenset({"DEVICE_DELETED", "RESET", "DEVICE_UNPLUG_GUEST_ERROR", "MEMORY_DEVICE_SIZE_CHANGE"})
"""Events after which the device tree or an address in it may have changed."""


class GuestDriver:
    """Drives one guest: keeps its state between rounds, and runs the task that reads and publishes it."""

    def __init__(
        self,
        running: Running,
        state: StateDirectory,
        snapshot: GuestSnapshot,
        publish: Callable[[GuestSnapshot], None],
        settings: Settings,
    ) -> None:
        self._running = running
        self._state = state
        self._publish_to = publish
        self.snapshot = snapshot
        self.record = Record()
        self.watched = False
        self._monitor: Monitor | None = None
        self._probe: BalloonProbe | None = None
        self._path = PathWatch(running, self.record)
        self._readings = Readings(running)
        self._protector = Protector(running.path, snapshot.safety)
        self._stopping_since: float | None = None
        self._pace = Pace()
        self.looked = asyncio.Event()
        """Set after the first round, whether or not the guest answered."""
        self._changes = asyncio.Lock()
        self.hotplug = LocalHotplug(self._connected, running, settings, self._changes, self._devices_changed)
        self._driver = asyncio.create_task(self._drive(), name=f"guest {running.name}")

    @property
    def up_to_date(self) -> bool:
        """Whether everything has been read since the last event; what may have changed is read over several rounds."""
        return not self._readings.expired

    async def _end_driving(self) -> None:
        """Disconnect from the monitor; QEMU continues to run."""
        self._driver.cancel()
        with suppress(asyncio.CancelledError):
            await self._driver

    async def _drive(self) -> None:
        try:
            while self._running.alive:
                await self._connect_and_serve()
            self._publish_end(await find_end(self._state, self._running))
        finally:
            self._readings.close()
            if self._monitor is not None:
                await self._monitor.close()

    async def _connect_and_serve(self) -> None:
        pid = self._running.pid
        try:
            if is_stopped(pid):  # known at once, without another client waiting on its socket
                raise MonitorTimeout("QEMU's process is stopped")
            self._monitor = await Monitor.connect(self._running.path / "qmp.sock", self.record, deadline=POLL_DEADLINE)
        except (MonitorTimeout, MonitorCrowded):
            self._publish_silence()
        except MonitorUnavailable as error:
            if is_stopped(pid):
                self._publish_silence()
            else:
                self._publish_trouble(error.message)
        else:
            await self._serve(self._monitor)
            self.hotplug.forget()
            await self._monitor.close()
            self._monitor = self._probe = None
        if self._running.alive:
            await self._pace.sleep(REST)

    async def _serve(self, monitor: Monitor) -> None:
        """Read and publish until the connection ends."""
        monitor.on_event(self._on_event)
        monitor.on_closed(self._pace.interrupt)
        self._probe = None
        while not monitor.closed:
            try:
                await self._round(monitor)
            except MonitorTimeout:
                self._protector.forget()
                self._publish_silence()
                self._pace.expire()
            except MonitorClosed:
                return
            except CommandFailed as error:
                self._publish_trouble(f"QEMU rejected {error.command}: {error.description}")
            except MonitorError as error:
                self._publish_trouble(error.message)
            # An unexpected reply may raise anything in the code that reads it; a driver that ended would leave old
            # numbers that look current. It is reported, and the next round reads everything again.
            except Exception as error:  # noqa: BLE001
                self._publish_odd(error)
            await self._sleep_until_next(monitor)

    async def _round(self, monitor: Monitor) -> None:
        """Read what is due, and publish it."""
        if is_stopped(self._running.pid):  # known at once, without requests piling up
            raise MonitorTimeout("QEMU's process is stopped")
        if self._probe is None:
            probe = BalloonProbe(monitor, self._running, deadline=POLL_DEADLINE)
            await probe.open()
            await self._path.connected(monitor)
            self._probe = probe
            self._pace.expire()
        at_rest = self._pace.begin(REST if self.watched or self._protector.busy else UNWATCHED)
        await self._readings.look(self._probe, at_rest=at_rest, statistics=self._protector.armed)
        await self._protect(self._probe)
        await self.hotplug.look()
        self._publish()
        self._path.reading(self.snapshot.balloon.reading if self.snapshot.balloon else None)

    async def _protect(self, probe: BalloonProbe) -> None:
        """Let the guard check the reading, and send the ramp's next step."""
        async with self._changes:
            readings = self._readings
            judge = partial(readings.verdict, probe)
            if await self._protector.after_reading(probe, readings.reading, readings.stats, judge, readings.status):
                self._pace.hurry()

    async def _sleep_until_next(self, monitor: Monitor) -> None:
        if not self.snapshot.answering:
            interval = REST
        elif not self.up_to_date:
            self._pace.expire()
            interval = 0.0
        elif self._readings.moving and (self.watched or self._protector.armed):
            interval = MOVING
        else:
            interval = self._pace.rest_in
            if (due := self._protector.due(time.time())) is not None:
                interval = min(interval, max(GAP, due))
        await self._pace.wait(interval)

    def _on_event(self, name: str, data: Mapping[str, object], when: float) -> None:
        self.hotplug.note(name, data)
        if name in TREE_EVENTS:
            if self._probe is not None:
                self._probe.forget_address()
            self.snapshot = replace(self.snapshot, devices_revision=self.snapshot.devices_revision + 1)
        self._readings.note_event(name, data, when)
        if name == "RESET":
            self._protector.reset()
        if name == "POWERDOWN":
            self._stopping_since = time.monotonic()
        elif name in {"RESET", "RESUME"}:
            self._stopping_since = None
        if name == "BALLOON_CHANGE":
            self._pace.hurry()
            return
        self._readings.expire()
        self._pace.note_event()

    def _devices_changed(self) -> None:
        """A device was plugged, its unplug was requested, or it is gone."""
        revision = self.snapshot.devices_revision + 1
        hotplug = self.hotplug
        self._emit(
            replace(
                self.snapshot,
                unplugs=hotplug.waiting,
                unplugged=hotplug.late,
                device_lines=hotplug.lines,
                devices_revision=revision,
            )
        )

    # Publishing.

    def _publish(self) -> None:
        assert self._monitor is not None
        assert self._probe is not None
        balloon = self._readings.balloon(self._probe)
        driver_changed = has_driver_returned(self.snapshot.balloon, balloon)
        self._emit(
            replace(
                self.snapshot,
                phase=self._phase(),
                status=self._readings.status,
                answering=True,
                trouble="",
                silence=None,
                qemu_version=self._monitor.version,
                memory=self._probe.ram,
                balloon=balloon,
                protection=self._protector.state(self._probe.ram),
                devices_revision=self.snapshot.devices_revision + (1 if driver_changed else 0),
            )
        )

    def _phase(self) -> Phase:
        phase, since = phase_of(self._readings.status), self._stopping_since
        asked = since is not None and time.monotonic() - since < POWER_DOWN_PATIENCE
        return Phase.STOPPING if asked and phase is Phase.RUNNING else phase

    def _publish_silence(self) -> None:
        """The monitor does not answer."""
        silence = silence_of(self._running.pid)
        self._publish_trouble(silence_words(self._running.pid, silence), silence)

    def _publish_trouble(self, trouble: str, silence: Silence = Silence.BROKEN) -> None:
        """QEMU cannot be asked: keep the last reading, marked as old."""
        balloon = (
            self._readings.balloon(self._probe, answering=False, trouble=trouble)
            if self._probe is not None
            else self.snapshot.balloon
        )
        protection = self._protector.state(self.snapshot.memory or 0)
        self._emit(
            replace(
                self.snapshot, answering=False, trouble=trouble, silence=silence, balloon=balloon, protection=protection
            )
        )

    def _publish_odd(self, error: Exception) -> None:
        """An unexpected error in a round: the snapshot is not rebuilt, which might fail again."""
        words = f"unexpected reply from QEMU: {type(error).__name__}: {error}"
        self._pace.expire()
        self._emit(replace(self.snapshot, answering=False, trouble=words, silence=Silence.BROKEN))

    def _publish_end(self, ended: Ended) -> None:
        how = Exit(ended.code)
        self.record.add(time.time(), Kind.NOTE, Origin.SCREEN, "", f"{self._running.name} was {how.words}")
        self._emit(
            GuestSnapshot(
                self._running.name,
                phase=Phase.STOPPED,
                memory=self.snapshot.memory,
                profile_path=self.snapshot.profile_path,
                description=self.snapshot.description,
                backing=self.snapshot.backing,
                ended=how,
                ended_cause=ended.cause,
                cautions=self.snapshot.cautions,
                ended_output=ended.output.rstrip() if ended.code else "",
            )
        )

    def _emit(self, snapshot: GuestSnapshot) -> None:
        self.looked.set()
        if snapshot != self.snapshot:
            self.snapshot = snapshot
            self._publish_to(snapshot)

    def _connected(self) -> Monitor:
        if self._monitor is None or self._monitor.closed:
            raise MonitorClosed(
                f"{self._running.name}: {self.snapshot.trouble or 'not connected to QEMU'}",
                hint="the screen tries to reconnect once a second",
            )
        return self._monitor

    def _awake(self) -> None:
        """:raise MonitorTimeout: for a stopped QEMU: a change would wait in its socket and take effect when it is resumed."""
        if is_stopped(self._running.pid):
            raise stopped_error(self._running.name, self._running.pid)
