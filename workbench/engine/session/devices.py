"""Queries on the devices of a guest, over its session's connection."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from workbench.domain.qmp.record.record import Origin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from workbench.domain.compare.drift import Difference, Live
    from workbench.domain.devices.buses import Bus
    from workbench.domain.devices.endpoints import Endpoints
    from workbench.domain.devices.qom import Property
    from workbench.domain.devices.tree import DeviceTree, Node
    from workbench.domain.devices.type_info import TypeInfo
    from workbench.domain.devices.virtio import Virtio
    from workbench.engine.compare.drift import DriftReader
    from workbench.engine.devices.buses import BusReader
    from workbench.engine.devices.reader import DeviceReader
    from workbench.engine.devices.types import TypeBook
    from workbench.engine.session.protocols import Monitor, Parts
    from workbench.settings import Settings


class SessionDevices:
    """See :class:`workbench.engine.base.Devices`. Readers cache what does not change within a connection."""

    def __init__(
        self, use: Callable[[], AbstractAsyncContextManager[Monitor]], parts: Parts, settings: Settings
    ) -> None:
        """:param use: gives the connection to QEMU, or raises if there is none."""
        self._use = use
        self._parts = parts
        self._settings = settings
        self._drift: DriftReader | None = None
        self._monitor: Monitor | None = None
        self._reader: DeviceReader
        self._buses: BusReader
        self._types: TypeBook

    async def tree(self) -> DeviceTree:
        async with self._reading() as reader:
            return await reader.tree()

    async def node(self, path: str) -> Node:
        async with self._reading() as reader:
            return await reader.node(path)

    async def values(self, path: str, kinds: Sequence[tuple[str, str]]) -> tuple[Property, ...]:
        async with self._reading() as reader:
            return await reader.qom.values(path, kinds)

    async def virtio(self, path: str) -> Virtio | None:
        async with self._reading() as reader:
            return await reader.virtio(path)

    async def buses(self) -> Bus:
        async with self._reading():
            return await self._buses.root()

    async def walk(self, *, values: bool = False, depth: int | None = None) -> Mapping[str, Node]:
        async with self._reading() as reader:
            if depth is None:
                return await reader.qom.walk(values=values)
            return await reader.qom.walk("/", depth, values=values)

    async def describe(self, type_name: str) -> TypeInfo:
        async with self._reading():
            return await self._types.describe(type_name)

    async def live(self) -> Live:
        from workbench.engine.compare.drift import read_live

        async with self._reading() as reader:
            return await read_live(reader.qom)

    async def drift(self) -> tuple[Difference, ...]:
        async with self._use() as monitor:
            qom = self._reader_of(monitor).qom
            return await self._drifts().read(qom, partial(monitor.execute, origin=Origin.SCREEN))

    async def places(self) -> Mapping[str, str]:
        return await self._drifts().places()

    async def endpoints(self) -> Endpoints:
        from workbench.engine.compare.drift import started_argv
        from workbench.engine.devices.endpoints import read_endpoints

        async with self._use() as monitor:
            return await read_endpoints(monitor.execute, started_argv(self._parts.process.pid))

    def _drifts(self) -> DriftReader:
        if self._drift is None:
            from workbench.engine.compare.drift import DriftReader

            self._drift = DriftReader(self._parts.facts, self._settings)
        return self._drift

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[DeviceReader]:
        async with self._use() as monitor:
            yield self._reader_of(monitor)

    def _reader_of(self, monitor: Monitor) -> DeviceReader:
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
