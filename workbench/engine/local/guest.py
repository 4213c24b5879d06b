"""A running guest on this host and the operations on it; :mod:`workbench.engine.local.driver` drives it.

Changes (a target, pause, reset) run one at a time; commands from the QMP console run alongside the readings.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.guest.lifecycle import Phase
from workbench.domain.qmp.record.record import Kind, Origin
from workbench.engine.balloon.own_target import own_target
from workbench.engine.balloon.readings import DEADLINE as POLL_DEADLINE
from workbench.engine.balloon.record.history import HistoryFiles
from workbench.engine.local.console import Console
from workbench.engine.local.devices import LocalDevices
from workbench.engine.local.driver import GuestDriver
from workbench.engine.local.lookups import LocalLookups
from workbench.engine.start.launch import kill
from workbench.errors import CommandFailed, MonitorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workbench.domain.balloon.history.samples import Past
    from workbench.domain.balloon.path.timeline import PathView
    from workbench.domain.balloon.safety.protection import ProtectionRequest
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.domain.qmp.schema import Schema
    from workbench.engine.state.directory import Running, StateDirectory
    from workbench.settings import Settings

USER_DEADLINE = 60.0
"""Seconds that a command from the user may take."""


class LocalGuest(GuestDriver):
    """A guest whose QEMU runs on this host: see :class:`workbench.engine.base.Guest`."""

    def __init__(
        self,
        running: Running,
        state: StateDirectory,
        snapshot: GuestSnapshot,
        publish: Callable[[GuestSnapshot], None],
        settings: Settings,
    ) -> None:
        super().__init__(running, state, snapshot, publish, settings)
        self._cache = settings.cache
        self.devices = LocalDevices(self._connected, running, settings)
        self.lookups = LocalLookups(self._connected, running.pid)
        self._console = Console(running.path)

    async def execute(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        origin: Origin = Origin.USER,
        oob: bool = False,
    ) -> object:
        deadline = USER_DEADLINE if origin is Origin.USER else POLL_DEADLINE
        try:
            with own_target(self._probe, command, arguments or {}), self.hotplug.asking(command, arguments or {}):
                return await self._connected().execute(command, arguments, origin=origin, deadline=deadline, oob=oob)
        finally:
            if origin is Origin.USER:
                self._readings.expire()
            self._pace.hurry()

    async def schema(self) -> Schema:
        from workbench.engine.qmp.schema import read_schema

        return await read_schema(self._connected(), self._cache)

    async def past(self, start: float, step: float) -> Past:
        return await asyncio.to_thread(HistoryFiles.of(self._running.path).past, start, step)

    async def set_target(self, size: int) -> None:
        self._awake()
        async with self._changes:
            self._connected()
            if self._probe is None or not self._probe.present:
                raise CommandFailed("balloon", "DeviceNotActive", "the guest has no balloon device")
            await self._protector.set_target(self._probe, self._readings.reading, size)
        self._pace.hurry()

    async def protect(self, request: ProtectionRequest) -> None:
        async with self._changes:
            await self._protector.carry_out(request, self._probe, self._readings.reading)
        self._emit(replace(self.snapshot, protection=self._protector.state(self.snapshot.memory or 0)))
        self._readings.expire()
        self._pace.hurry()

    async def pause(self) -> None:
        await self._change("stop")

    async def resume(self) -> None:
        await self._change("cont")

    async def reset(self) -> None:
        await self._change("system_reset")

    async def power_down(self) -> None:
        await self._change("system_powerdown")
        self._stopping_since = time.monotonic()
        if self.snapshot.phase is Phase.RUNNING:  # a guest that ends at once is not read again
            self._emit(replace(self.snapshot, phase=Phase.STOPPING))

    async def kill(self) -> None:
        """Send SIGKILL, which also works on a frozen QEMU, where ``quit`` would wait."""
        self.record.add(time.time(), Kind.NOTE, Origin.ACTION, "", f"SIGKILL to QEMU, pid {self._running.pid}")
        kill(self._running.pid)
        self._pace.hurry()

    def console(self, listener: Callable[[str], None]) -> Callable[[], None]:
        return self._console.listen(listener)

    async def type(self, text: str) -> None:
        await self._console.type(text)

    def path(self, listener: Callable[[PathView], None]) -> Callable[[], None]:
        return self._path.listen(listener)

    async def close(self) -> None:
        """Detach from the guest; it continues to run."""
        await self._path.close()  # it needs the monitor, which the driver closes
        async with self._changes:
            with suppress(MonitorError):
                await self._protector.leave(self._probe)
        await self.hotplug.close()
        await self._end_driving()
        await self._console.close()

    async def _change(self, command: str) -> None:
        self._awake()
        async with self._changes:
            await self._connected().execute(command, origin=Origin.ACTION)
        self._pace.expire()
        self._pace.hurry()
