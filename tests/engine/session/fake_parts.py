"""A guest that lives nowhere: every part of one, as the session asks for them, with a QEMU of a few commands behind it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.guest.lifecycle import Silence
from workbench.domain.qmp.record.record import Kind, Origin, Record
from workbench.domain.units import MIB
from workbench.engine.balloon.place import Place
from workbench.engine.session.protocols import CAN, Capability
from workbench.engine.state.directory import Ended, GuestFacts, Running
from workbench.errors import CommandFailed, MonitorClosed, MonitorUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from workbench.domain.balloon.backing import Backing
    from workbench.domain.balloon.plugged_memory import Module
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.balloon.host_memory import RamHeld
    from workbench.engine.devices.virtio_pci import Execute
    from workbench.engine.session.protocols import Monitor

    Listener = Callable[[str, Mapping[str, object], float], None]

RAM = 128 * MIB
BALLOON = "/machine/peripheral/balloon0"
PROPERTIES = {
    "deflate-on-oom": False,
    "free-page-reporting": False,
    "guest-stats-polling-interval": 2,
    "guest-stats": {"last-update": 0, "stats": {}},
}


class FakeQemu:
    """A QEMU whose guest has no driver: a target is known, and nothing moves."""

    def __init__(self) -> None:
        self.alive = True
        self.status = "running"
        self.monitors: list[FakeMonitor] = []

    def answer(self, command: str, arguments: Mapping[str, object]) -> object:
        match command:
            case "query-status":
                return {"status": self.status, "running": self.status == "running"}
            case "query-memory-size-summary":
                return {"base-memory": RAM, "plugged-memory": 0}
            case "query-balloon":
                return {"actual": RAM}
            case "query-memory-devices" | "query-pci":
                return []
            case "qom-list":
                here = arguments.get("path") == "/machine/peripheral"
                return [{"name": "balloon0", "type": "child<virtio-balloon-pci>"}] if here else []
            case "qom-get" if arguments.get("property") in PROPERTIES:
                return PROPERTIES[str(arguments["property"])]
            case "stop" | "cont" | "system_reset" | "system_powerdown" | "balloon":
                return self._change(command)
        raise CommandFailed(command, "CommandNotFound", f"The command {command} has not been found")

    def _change(self, command: str) -> object:
        events = {"stop": "STOP", "cont": "RESUME", "system_reset": "RESET", "system_powerdown": "POWERDOWN"}
        self.status = {"stop": "paused", "cont": "running"}.get(command, self.status)
        if command in events:
            self.tell(events[command])
        return {}

    def tell(self, event: str) -> None:
        for monitor in tuple(self.monitors):
            monitor.hear(event)

    def end(self) -> None:
        self.alive = False
        for monitor in tuple(self.monitors):
            monitor.lose()


class FakeMonitor:
    """See :class:`workbench.engine.qmp.protocol.Monitor`."""

    version = "11.1.0"
    package = ""
    peer_pid: int | None = None

    def __init__(self, qemu: FakeQemu, record: Record) -> None:
        self._qemu = qemu
        self.record = record
        self._listeners: list[Listener] = []
        self._closed = asyncio.Event()
        self._on_closed: list[Callable[[], None]] = []
        qemu.monitors.append(self)

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    async def execute(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        origin: Origin = Origin.USER,
        deadline: float = 5.0,
        oob: bool = False,
    ) -> object:
        await asyncio.sleep(0)
        if self.closed:
            raise MonitorClosed("the connection to QEMU has ended")
        self.record.add(time.time(), Kind.COMMAND, origin, command, arguments or {}, oob=oob)
        return self._qemu.answer(command, arguments or {})

    def on_event(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def on_closed(self, listener: Callable[[], None]) -> None:
        self._on_closed.append(listener)

    async def wait_closed(self) -> None:
        await self._closed.wait()

    async def close(self) -> None:
        self.lose()

    def hear(self, event: str) -> None:
        for listener in tuple(self._listeners):
            listener(event, {}, time.time())

    def lose(self) -> None:
        if not self.closed:
            self._qemu.monitors.remove(self)
            self._closed.set()
            for listener in self._on_closed:
                listener()


class FakeHost:
    """A host that cannot be looked at."""

    held: RamHeld | None = None
    asking = False
    unknown = ""

    def look(self, base: int, ram: int, *, newer_than: float = 0.0, moving: bool = False) -> RamHeld | None:
        return None

    def backing(self, *, reporting: bool | None) -> Backing | None:
        return None

    def look_at_devices(self, pci: object) -> None:
        """Nothing to learn."""

    def know_modules(self, modules: Iterable[Module]) -> None:
        """Nothing to learn."""

    async def ask(self, execute: Execute) -> None:
        """Nothing to ask."""


class FakeParts:
    """See :class:`workbench.engine.session.protocols.Parts`: all parts in one object."""

    user = ""
    run = "1@1"
    pid = 1
    stopped = False
    path = ""
    can_type = Capability("a guest that lives nowhere has no serial console")
    can_kill = can_write = CAN
    can_keep = Capability("it has no profile")

    def __init__(self, directory: Path, name: str = "fw") -> None:
        self.qemu = FakeQemu()
        self.name = name
        self.facts = Running(directory, self.pid, GuestFacts(name, RAM, "tcg", "", "", 1.0))
        self.place = Place(directory, 0, RAM, 1.0)
        self.monitors = self.process = self.console = self.power = self.store = self.source = self

    async def connect(self, record: Record, *, deadline: float) -> Monitor:
        if not self.qemu.alive:
            raise MonitorUnavailable("nothing is listening")
        return FakeMonitor(self.qemu, record)

    async def connect_for_events(self) -> Monitor:
        return await self.connect(Record(), deadline=1.0)

    @property
    def alive(self) -> bool:
        return self.qemu.alive

    def silence(self) -> tuple[Silence, str]:
        return Silence.OCCUPIED, Silence.OCCUPIED.words

    async def end(self) -> Ended:
        return Ended(137, "", 1.0)

    def listen(self, listener: Callable[[str], None]) -> Callable[[], None]:
        return lambda: None

    async def type(self, text: str) -> None:
        raise MonitorUnavailable(self.can_type.why_not)

    async def close(self) -> None:
        """Nothing is open."""

    async def pause(self, monitor: Monitor) -> None:
        await monitor.execute("stop", origin=Origin.ACTION)

    async def resume(self, monitor: Monitor) -> None:
        await monitor.execute("cont", origin=Origin.ACTION)

    async def reset(self, monitor: Monitor) -> None:
        await monitor.execute("system_reset", origin=Origin.ACTION)

    async def power_down(self, monitor: Monitor) -> None:
        await monitor.execute("system_powerdown", origin=Origin.ACTION)

    def kill(self) -> None:
        self.qemu.end()

    def describe(self, snapshot: GuestSnapshot) -> GuestSnapshot:
        return replace(snapshot, description="lives nowhere")

    def device_lines(self) -> Mapping[str, str]:
        return {}

    def host_look(self) -> FakeHost:
        return FakeHost()
