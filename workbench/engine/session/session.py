"""One guest, read and judged: connect, probe, read, judge, publish, for the screen and for every command and script.

A session keeps its guest's state between readings and publishes a frozen :class:`GuestSnapshot` whenever something has
changed. It reads only when asked: by the driver of a screen (:mod:`workbench.engine.session.driver`), again and again, or by
a command, once or until a condition is met.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.guest.lifecycle import Silence
from workbench.domain.qmp.record.record import Kind, Origin, Record
from workbench.engine.session.link import Link
from workbench.engine.session.pace import REST, Pace
from workbench.engine.session.published import Published
from workbench.errors import CommandFailed, MonitorClosed, MonitorCrowded, MonitorError, MonitorTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from workbench.domain.balloon.safety.protection import Protection, Safety
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.balloon.path.watch import PathWatch
    from workbench.engine.balloon.probe import BalloonProbe
    from workbench.engine.balloon.readings import Readings
    from workbench.engine.balloon.safety.protection import Protector
    from workbench.engine.session.hotplug import SessionHotplug
    from workbench.engine.session.protocols import Monitor, Parts
    from workbench.settings import Settings

TREE_EVENTS = frozenset({"DEVICE_DELETED", "RESET", "DEVICE_UNPLUG_GUEST_ERROR", "MEMORY_DEVICE_SIZE_CHANGE"})
"""Events after which the device tree or an address in it may have changed."""


class GuestSession:
    """The state of one guest between readings.

    What reads the balloon, follows its path or plugs devices is made, and imported, on first use: a command that sends one
    QMP command needs none of it.
    """

    def __init__(
        self,
        parts: Parts,
        snapshot: GuestSnapshot,
        publish: Callable[[GuestSnapshot], None],
        settings: Settings,
        *,
        borrowed: bool,
    ) -> None:
        """
        :param publish: gets each new snapshot.
        :param borrowed: connect for each request instead of once. Such a session has no ramp and no guard of its own until it
            sends a target with them, and it lets other processes record the history.
        """
        self.parts = parts
        self.published = Published(snapshot, parts.source, publish)
        self.record = Record()
        self.pace = Pace()
        self.link = Link(
            parts,
            self.record,
            borrowed=borrowed,
            opened=self._opened,
            leaving=self.leave,
            trouble=lambda: self.published.snapshot.trouble,
        )
        self.probe: BalloonProbe | None = None
        """Reads the balloon over the current connection; None until the first look."""
        self.protector: Protector | None = None
        """Its ramp and guard; None while this process runs neither."""
        self.changes = asyncio.Lock()
        """Held while a request changes the guest."""
        self._settings = settings
        self._readings: Readings | None = None
        self._path: PathWatch | None = None
        self._hotplug: SessionHotplug | None = None
        if not borrowed:
            self.protect_with(self.published.described().safety)
            self._path = self.path  # it follows changes from the start, shown or not

    @property
    def readings(self) -> Readings:
        """What was read of the balloon so far."""
        if self._readings is None:
            from workbench.engine.balloon.readings import Readings

            wanted = self.published.described().safety.statistics
            self._readings = Readings(self.parts.store.place, wanted, lasting=not self.link.borrowed)
        return self._readings

    @property
    def path(self) -> PathWatch:
        """Follows the path of each change of the target, from when it is first asked for."""
        if self._path is None:
            from workbench.engine.balloon.path.watch import PathWatch

            self._path = PathWatch(self.parts.store.place, self.record, self.link.monitor)
            if self._readings is not None:
                self._path.reading(self._readings.reading)
        return self._path

    @property
    def hotplug(self) -> SessionHotplug:
        if self._hotplug is None:
            from workbench.engine.session.hotplug import SessionHotplug

            changed = self._devices_changed
            self._hotplug = SessionHotplug(self.link.use, self.parts, self._settings, self.changes, changed)
        return self._hotplug

    # Reading.

    async def look(self, rest: float = REST, *, full: bool = False) -> None:
        """One round over the open connection: read what is due, let ramp and guard act on it, and publish.

        :param rest: seconds until everything is read again; in between only what moves is.
        :param full: read everything now.
        :raise MonitorError: if QEMU does not answer; the snapshot then says why.
        """
        if full:
            self.pace.expire()
        try:
            await self._round(rest)
        except MonitorTimeout:
            if self.protector is not None:
                self.protector.forget()
            self.publish_silence()
            self.pace.expire()
            raise
        except MonitorClosed:
            raise  # how the guest ended says more
        except CommandFailed as error:
            self.publish_trouble(f"QEMU rejected {error.command}: {error.description}")
            raise
        except MonitorError as error:
            self.publish_trouble(error.message)
            raise

    async def _round(self, rest: float) -> None:
        self.link.check_awake()
        monitor = self.link.connected()
        probe = await self._opened_probe(monitor)
        at_rest = self.pace.begin(rest)
        protector = self.protector
        await self.readings.look(probe, at_rest=at_rest, statistics=protector is not None and protector.armed)
        if protector is not None:
            async with self.changes:
                readings = self.readings
                judge = partial(readings.verdict, probe)
                if await protector.after_reading(probe, readings.reading, readings.stats, judge, readings.status):
                    self.pace.hurry()
        if self._hotplug is not None or not self.link.borrowed:
            await self.hotplug.look()
        self._publish(monitor, probe)
        if self._path is not None:
            self._path.reading(self.readings.reading)

    async def glance(self) -> None:
        """Read the run state only.

        :raise MonitorError: if QEMU does not answer; the snapshot then says why.
        """
        from workbench.engine.balloon.readings import DEADLINE

        monitor = self.link.connected()
        reply = await monitor.execute("query-status", origin=Origin.USER, deadline=DEADLINE)
        status = str(reply.get("status", "")) if isinstance(reply, dict) else ""
        self.published.send(self.published.answered(status, monitor.version))

    async def _connect_path(self, monitor: Monitor) -> None:
        """Disable the trace events that a killed workbench left enabled; enable them for those who follow a path."""
        if self._path is not None:
            await self._path.connected(monitor)
        else:
            from workbench.engine.balloon.path.trace import TraceEvents

            with suppress(MonitorError):
                await TraceEvents(monitor, self.parts.store.place).sweep()

    async def _opened_probe(self, monitor: Monitor) -> BalloonProbe:
        if self.probe is None:
            from workbench.engine.balloon.probe import BalloonProbe
            from workbench.engine.balloon.readings import DEADLINE

            origin = Origin.USER if self.link.borrowed else Origin.SCREEN
            probe = BalloonProbe(
                monitor, self.parts.store.place, self.parts.host_look(), origin=origin, deadline=DEADLINE
            )
            await probe.open()
            await self._connect_path(monitor)
            self.probe = probe
            self.pace.expire()
        return self.probe

    def asking(self, command: str, arguments: Mapping[str, object]) -> AbstractContextManager[None]:
        """Wrap a command typed by the user: an unplug that it requests is followed like any other."""
        return self.hotplug.asking(command, arguments) if command == "device_del" else nullcontext()

    def expire(self) -> None:
        """Something may have changed: read everything again soon."""
        if self._readings is not None:
            self._readings.expire()

    def protect_with(self, safety: Safety) -> None:
        """Run this ramp and guard from now on, with each look."""
        from workbench.engine.balloon.safety.protection import Protector

        self.protector = Protector(self.parts.store.place.directory, safety)

    # Connections.

    def _opened(self, monitor: Monitor) -> None:
        self.probe = None
        monitor.on_event(self._on_event)
        monitor.on_closed(self._closed)

    def _closed(self) -> None:
        self.probe = None
        if self._hotplug is not None:
            self._hotplug.forget()
        self.pace.interrupt()

    async def leave(self) -> None:
        """End what runs only as long as the connection: path, ramp, guard. The connection can still be used."""
        if self._path is not None:
            await self._path.close()
        if self.protector is not None:
            async with self.changes:
                with suppress(MonitorError):  # a QEMU that ended or is frozen keeps the guard's settings
                    await self.protector.leave(self.probe)
            self.protector = None
        if self._readings is not None:
            self._readings.close()

    async def close(self) -> None:
        """Let go of the guest, which continues to run."""
        if self._hotplug is not None:
            await self._hotplug.close()
        if self._readings is not None:
            self._readings.close()
        await self.link.close()

    def _on_event(self, name: str, data: Mapping[str, object], when: float) -> None:
        if self._hotplug is not None:
            self._hotplug.note(name, data)
        devices = name in TREE_EVENTS
        if devices and self.probe is not None:
            self.probe.device.forget_address()
        self.published.note_event(name, devices=devices)
        self.readings.note_event(name, data, when)
        if name == "RESET" and self.protector is not None:
            self.protector.reset()
        if name == "BALLOON_CHANGE":
            self.pace.hurry()
            return
        self.readings.expire()
        self.pace.note_event()

    def _devices_changed(self) -> None:
        """A device was plugged, its unplug was requested, or it is gone."""
        hotplug, last = self.hotplug, self.published.snapshot
        self.emit(
            replace(
                last,
                unplugs=hotplug.waiting,
                unplugged=hotplug.late,
                device_lines=hotplug.lines,
                devices_revision=last.devices_revision + 1,
            )
        )

    # Publishing.

    def _publish(self, monitor: Monitor, probe: BalloonProbe) -> None:
        from workbench.domain.balloon.balloon import has_driver_returned

        protection = self._protection(probe.ram)
        balloon = self.readings.balloon(probe, ramping=protection.ramping)
        now = self.published.answered(self.readings.status, monitor.version)
        returned = has_driver_returned(now.balloon, balloon)
        self.published.send(
            replace(
                now,
                memory=probe.ram,
                balloon=balloon,
                protection=protection,
                devices_revision=now.devices_revision + (1 if returned else 0),
            )
        )

    def publish_silence(self) -> None:
        """QEMU does not answer."""
        silence, words = self.parts.process.silence()
        self.publish_trouble(words, silence)

    def publish_trouble(self, trouble: str, silence: Silence = Silence.BROKEN) -> None:
        """QEMU cannot be asked: keep the last reading, marked as old."""
        last, probe = self.published.snapshot, self.probe
        balloon = last.balloon
        if probe is not None:
            balloon = self.readings.balloon(probe, answering=False, trouble=trouble)
        self.published.trouble(trouble, silence, balloon, self._protection(last.memory or 0))

    def publish_unreachable(self, error: MonitorError) -> None:
        """It could not be connected to."""
        if isinstance(error, MonitorTimeout | MonitorCrowded) or self.parts.process.stopped:
            self.publish_silence()
        else:
            self.publish_trouble(error.message)

    async def publish_end(self) -> None:
        """QEMU has ended: find out how, and clean up after it."""
        how = self.published.ended(await self.parts.process.end())
        self.record.add(time.time(), Kind.NOTE, Origin.SCREEN, "", f"{self.parts.name} was {how.words}")

    def emit(self, snapshot: GuestSnapshot) -> None:
        """Publish a snapshot of the running guest, with the state of its ramp and guard."""
        self.published.send(replace(snapshot, protection=self._protection(snapshot.memory or 0)))

    def _protection(self, ram: int) -> Protection:
        """Its ramp and guard, as this process runs them, or as they are found."""
        if self.protector is not None:
            return self.protector.state(ram)
        from workbench.engine.balloon.safety.status import found_protection

        return found_protection(self.parts.store.place.directory, self.readings.reading)
