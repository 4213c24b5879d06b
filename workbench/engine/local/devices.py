"""Queries on the devices of a guest on this host, over one connection to QEMU."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from workbench.domain.qmp.record.record import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from workbench.domain.compare.drift import Difference, Live
    from workbench.domain.devices.buses import Bus
    from workbench.domain.devices.qom import Property
    from workbench.domain.devices.tree import DeviceTree, Node
    from workbench.domain.devices.type_info import TypeInfo
    from workbench.domain.devices.virtio import Virtio
    from workbench.engine.compare.drift import DriftReader
    from workbench.engine.devices.buses import BusReader
    from workbench.engine.devices.reader import DeviceReader
    from workbench.engine.devices.types import TypeBook
    from workbench.engine.qmp.monitor import Monitor
    from workbench.engine.state.directory import Running
    from workbench.settings import Settings


class LocalDevices:
    """See :class:`workbench.engine.base.Devices`. Readers cache what does not change within a connection."""

    def __init__(self, connected: Callable[[], Monitor], running: Running, settings: Settings) -> None:
        """:param connected: returns the connection to QEMU, or raises if there is none."""
        self._connected = connected
        self._running = running
        self._settings = settings
        self._drift: DriftReader | None = None
        self._monitor: Monitor | None = None
        self._reader: DeviceReader
        self._buses: BusReader
        self._types: TypeBook

    async def tree(self) -> DeviceTree:
        return await self._now().tree()

    async def node(self, path: str) -> Node:
        return await self._now().node(path)

    async def values(self, path: str, kinds: Sequence[tuple[str, str]]) -> tuple[Property, ...]:
        return await self._now().qom.values(path, kinds)

    async def virtio(self, path: str) -> Virtio | None:
        return await self._now().virtio(path)

    async def buses(self) -> Bus:
        self._now()
        return await self._buses.root()

    async def walk(self, *, values: bool = False) -> Mapping[str, Node]:
        return await self._now().qom.walk(values=values)

    async def describe(self, type_name: str) -> TypeInfo:
        self._now()
        return await self._types.describe(type_name)

    async def live(self) -> Live:
        """Objects in QEMU that were created by a command line or a client."""
        from workbench.engine.compare.drift import read_live

        return await read_live(self._now().qom)

    async def drift(self) -> tuple[Difference, ...]:
        qom = self._now().qom
        return await self._drifts().read(qom, partial(self._connected().execute, origin=Origin.SCREEN))

    async def places(self) -> Mapping[str, str]:
        return await self._drifts().places()

    def _drifts(self) -> DriftReader:
        if self._drift is None:
            from workbench.engine.compare.drift import DriftReader

            self._drift = DriftReader(self._running, self._settings)
        return self._drift

    def _now(self) -> DeviceReader:
        monitor = self._connected()
        if self._monitor is not monitor:
            # Imported on first use: the screen's start does not need them.
            from workbench.engine.devices.buses import BusReader
            from workbench.engine.devices.reader import DeviceReader
            from workbench.engine.devices.types import TypeBook

            self._reader = DeviceReader.of(monitor)
            self._buses = buses = BusReader(self._reader.qom)

            def listen(event: str, _data: Mapping[str, object], _time: float) -> None:
                if event == "DEVICE_DELETED":
                    buses.forget()

            monitor.on_event(listen)
            self._types = TypeBook(partial(monitor.execute, origin=Origin.SCREEN), monitor, self._settings.cache)
            self._monitor = monitor
        return self._reader
