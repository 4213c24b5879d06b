"""Read the qdev buses from QOM.

A bus is a child of the device that provides it, and has a link ``child[N]`` to each device on it (hw/core/bus.c and
hw/core/qdev.c, ``bus_add_child()``). HMP's ``info qtree`` prints the same as text.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from workbench.domain.devices.buses import ROOT, Bus, BusDevice, bus_name, flat
from workbench.domain.devices.qom import entries, parse_children
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from workbench.domain.devices.qom import Child
    from workbench.engine.devices.qom import QomReader

_NO_BUSES = frozenset({"irq", "memory-region", "container"})
_MADE = ("/machine/peripheral", "/machine/peripheral-anon")
"""Where the devices are that were added by ``-device`` or ``device_add``: only these come and go."""
DEPTH_MAX = 32
"""Nested buses; more would be a cycle of links."""


class BusReader:
    """Reads the buses of one QEMU.

    It caches which types are buses, and the buses themselves for as long as QEMU has the same devices: a repeated read
    takes two commands instead of a hundred. Call :meth:`forget` when a device was removed, because another one with its
    name may be on a different bus.
    """

    def __init__(self, qom: QomReader) -> None:
        self._qom = qom
        self._is_bus: dict[str, bool] = {}
        self._root: Bus | None = None
        self._made: tuple[tuple[Child, ...], ...] = ()
        """The added devices when the buses were read."""
        self._gone = 0
        """Number of devices removed so far."""

    def forget(self) -> None:
        self._gone += 1
        self._root = None

    async def root(self) -> Bus:
        """The main system bus with everything below it. A PC has no other root.

        :raise workbench.errors.MonitorError: when QEMU does not reply.
        """
        gone = self._gone
        made = tuple(await asyncio.gather(*(self._children(path) for path in _MADE)))
        if self._root is not None and made == self._made:
            return self._root
        root = await self._bus(ROOT, "System", 0)
        whole = not any(isinstance(one, Bus) and one.error for _, one in flat(root))
        # A read that started before a device was removed may still contain it.
        self._root, self._made = root if whole and gone == self._gone else None, made
        return root

    async def _children(self, path: str) -> tuple[Child, ...]:
        try:
            return await self._qom.children(path)
        except CommandFailed:
            return ()  # this machine has no such container

    async def _bus(self, path: str, type_name: str, depth: int) -> Bus:
        name = bus_name(path)
        try:
            listing = await self._qom.listing(path)
        except CommandFailed as error:
            return Bus(name, type_name, path, error=error.description)
        links = sorted(
            (number, str(entry["name"]), str(entry["type"]).removeprefix("link<").removesuffix(">"))
            for entry in entries(listing)
            if str(entry.get("type", "")).startswith("link<") and (number := _number(str(entry["name"]))) is not None
        )
        places = await asyncio.gather(*(self._qom.value(path, link) for _, link, _ in links))
        devices = await asyncio.gather(
            *(
                self._device(str(place), kind, depth)
                for place, (_, _, kind) in zip(places, links, strict=True)
                if place  # unplugged while reading
            )
        )
        return Bus(name, type_name, path, tuple(devices))

    async def _device(self, path: str, type_name: str, depth: int) -> BusDevice:
        if depth >= DEPTH_MAX:
            return BusDevice(type_name, path)
        try:
            children = parse_children(path, await self._qom.listing(path))
        except CommandFailed:
            return BusDevice(type_name, path)
        maybe = [child for child in children if child.type not in _NO_BUSES]
        await asyncio.gather(*(self._learn(child) for child in {child.type: child for child in maybe}.values()))
        buses = [child for child in maybe if self._is_bus.get(child.type)]
        below = await asyncio.gather(*(self._bus(child.path, child.type, depth + 1) for child in buses))
        return BusDevice(type_name, path, tuple(below))

    async def _learn(self, child: Child) -> None:
        """Note whether a type is a bus, by properties that only buses have (hw/core/bus.c, ``bus_class_init()``)."""
        if child.type in self._is_bus:
            return
        try:
            names = {entry["name"] for entry in entries(await self._qom.listing(child.path))}
        except CommandFailed:
            return  # removed while reading: the type is still unknown
        self._is_bus[child.type] = {"hotplug-handler", "realized"} <= names and "hotpluggable" not in names


def _number(name: str) -> int | None:
    """``7`` of ``child[7]``."""
    digits = name.removeprefix("child[").removesuffix("]")
    return int(digits) if name == f"child[{digits}]" and digits.isascii() and digits.isdigit() else None
