"""Where a guest lives that the workbench started: its state directory, its own QMP sockets, its process on this host."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.qmp.record.record import Origin
from workbench.engine.balloon.place import Place
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.qmp.silence import is_stopped, silence_of, silence_words
from workbench.engine.session.protocols import CAN, Capability
from workbench.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from workbench.domain.guest.lifecycle import Silence
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.domain.qmp.record.record import Record
    from workbench.engine.balloon.backing import HostSide
    from workbench.engine.local.console import Console
    from workbench.engine.session import protocols
    from workbench.engine.state.directory import Ended, Running, StateDirectory

SCREEN, SHARED, EVENTS, USER = "qmp.sock", "qmp-cli.sock", "qmp-events.sock", "qmp-user.sock"
"""A guest's QMP sockets; each serves one client: the screen, commands and scripts in turn, one reader of events, the user's
tools."""
EVENTS_DEADLINE = 2.0
"""Seconds without a greeting after which another client must hold this monitor; QEMU greets within milliseconds."""


class LocalParts:
    """One run of a guest on this host; see :class:`workbench.engine.session.protocols.Parts`."""

    def __init__(self, running: Running, state: StateDirectory, *, socket: str) -> None:
        """:param socket: the QMP socket that the session uses: :data:`SCREEN` or :data:`SHARED`."""
        self.name = running.name
        self.facts = running
        self.monitors = LocalMonitors(running.path, socket)
        self.process = LocalProcess(running, state)
        self.power = LocalPower(running.pid)
        self.store = LocalStore(running)
        self.source = LocalSource(running)

    @cached_property
    def console(self) -> Console:
        from workbench.engine.local.console import Console

        return Console(self.facts.path)

    def host_look(self) -> HostSide:
        from workbench.engine.balloon.backing import HostSide

        place = self.store.place
        return HostSide(place.pid, place.memory, place.log)


class LocalMonitors:
    """The guest's own QMP sockets."""

    def __init__(self, directory: Path, socket: str) -> None:
        self._directory = directory
        self._socket = socket

    @property
    def user(self) -> str:
        return str(self._directory / USER)

    async def connect(self, record: Record, *, deadline: float) -> protocols.Monitor:
        return await Monitor.connect(self._directory / self._socket, record, deadline=deadline)

    async def connect_for_events(self) -> protocols.Monitor:
        return await Monitor.connect(self._directory / EVENTS, deadline=EVENTS_DEADLINE)


class LocalProcess:
    """QEMU's process on this host."""

    def __init__(self, running: Running, state: StateDirectory) -> None:
        self._running = running
        self._state = state

    @property
    def run(self) -> str:
        return run_of(self._running)

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def alive(self) -> bool:
        return self._running.alive

    @property
    def stopped(self) -> bool:
        return is_stopped(self._running.pid)

    def silence(self) -> tuple[Silence, str]:
        silence = silence_of(self._running.pid)
        return silence, silence_words(self._running.pid, silence)

    async def end(self) -> Ended:
        from workbench.engine.start.launch import find_end

        return await find_end(self._state, self._running)


class LocalPower:
    """QMP, and signals."""

    can_kill = CAN

    def __init__(self, pid: int) -> None:
        self._pid = pid

    async def pause(self, monitor: protocols.Monitor) -> None:
        await monitor.execute("stop", origin=Origin.ACTION)

    async def resume(self, monitor: protocols.Monitor) -> None:
        await monitor.execute("cont", origin=Origin.ACTION)
        reply = await monitor.execute("query-status", origin=Origin.ACTION)
        if isinstance(reply, dict) and reply.get("status") == "suspended":
            # QEMU ignores it then (monitor/qmp-cmds.c, qmp_cont).
            raise MonitorError("the guest is suspended: resuming it has no effect", hint="wake it with system_wakeup")

    async def reset(self, monitor: protocols.Monitor) -> None:
        await monitor.execute("system_reset", origin=Origin.ACTION)

    async def power_down(self, monitor: protocols.Monitor) -> None:
        await monitor.execute("system_powerdown", origin=Origin.ACTION)

    def kill(self) -> None:
        from workbench.engine.start.launch import kill

        kill(self._pid)


class LocalStore:
    """The guest's state directory."""

    can_write = CAN

    def __init__(self, running: Running) -> None:
        facts, path = running.facts, running.path
        log, console = path / "qemu.log", path / "serial.log"
        self.place = Place(path, running.pid, facts.memory, facts.started, log, console)


class LocalSource:
    """The guest's profile: the file, and the copy that it was started from."""

    def __init__(self, running: Running) -> None:
        self._running = running

    @property
    def path(self) -> str:
        return self._running.facts.profile

    def describe(self, snapshot: GuestSnapshot) -> GuestSnapshot:
        from workbench.domain.profile.cautions import caution_lines
        from workbench.domain.profile.safety import safety_of
        from workbench.engine.profiles.store import started_profile

        profile = started_profile(self._running.path)
        return replace(
            snapshot,
            description=profile.description if profile else "",
            cautions=caution_lines(profile),
            safety=safety_of(profile),
            device_lines=self.device_lines(),
        )

    @property
    def can_keep(self) -> Capability:
        return CAN if self.path else Capability(f"{self._running.name} has no profile to add the device to")

    def device_lines(self) -> Mapping[str, str]:
        from workbench.engine.hotplug.plugged import kept_lines

        return self._running.facts.device_lines | kept_lines(self._running.path)


def run_of(running: Running) -> str:
    """Identifies a run: the pid alone may be reused."""
    return f"{running.pid}@{running.facts.started:.6f}"
