"""Looks up completions for the QMP console in a guest."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import TYPE_CHECKING, cast

from workbench.domain.qmp.hmp import parse_help
from workbench.domain.qmp.lookups import Kind, Known, Lookup
from workbench.domain.qmp.record.record import Origin
from workbench.engine.devices.drivers import DriverBook
from workbench.engine.qmp.schema import build_of
from workbench.engine.storage.files import process_has_file
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from workbench.domain.qmp.manual import Paragraph
    from workbench.engine.session.protocols import Monitor

    Execute = Callable[..., Awaitable[object]]
    Entry = Mapping[str, object]

DEADLINE = 2.0
"""Seconds to wait for an answer: a suggestion is not worth more."""
_NET = re.compile(r"^(?: \\ )?([^\s:\\]+)(?:: index=\d+,type=([\w-]+)|$)", re.MULTILINE)
"""A line of ``info network`` (net/net.c, ``print_net_client()``)."""


_BUS = re.compile(
    r"^(?P<indent> *)bus: (?P<name>.+)\n +type (?P<type>.+)\n(?=(?P<inside>(?:(?P=indent) +.*\n?)*))", re.MULTILINE
)
"""A bus in ``info qtree`` with everything indented below it (system/qdev-monitor.c, ``qbus_print()``)."""


class SessionLookups:
    """See :class:`workbench.engine.base.Lookups`."""

    def __init__(
        self, use: Callable[[], AbstractAsyncContextManager[Monitor]], pid: int, drivers: DriverBook | None = None
    ) -> None:
        """
        :param use: gives the connection to QEMU, or raises if there is none.
        :param drivers: of its program; by default they are read when needed.
        """
        self._use = use
        self._pid = pid
        self._drivers = drivers or DriverBook()
        self._hmp: dict[str, Sequence[Known]] = {}
        self._hmp_of: Monitor | None = None
        """The connection that they were read from."""

    async def has_file(self, path: str) -> bool:
        return await asyncio.to_thread(process_has_file, self._pid, path)

    async def manual(self, command: str) -> Sequence[Paragraph]:
        from workbench.engine.qmp.manual import manual_of

        return await asyncio.to_thread(manual_of, command, self._pid)

    async def known(self, lookup: Lookup) -> Sequence[Known]:
        async with self._use() as monitor:
            if lookup.kind in (Kind.DRIVER, Kind.DRIVER_PROPERTY):
                return await self._of_program(monitor, lookup)
            return await self._of_guest(monitor, lookup)

    async def _of_guest(self, monitor: Monitor, lookup: Lookup) -> Sequence[Known]:
        execute = partial(monitor.execute, origin=Origin.SCREEN, deadline=DEADLINE)
        try:
            if lookup.kind is Kind.HMP:
                return await self._hmp_commands(monitor, execute, lookup.of)
            found = tuple([known async for known in _ASK[lookup.kind](execute, lookup.of)])
            return await self._fitting(monitor, found, lookup.of) if lookup.kind is Kind.BUS else found
        except CommandFailed:
            return ()  # a path that does not exist, or a command that this QEMU lacks

    async def _hmp_commands(self, monitor: Monitor, execute: Execute, of: str) -> Sequence[Known]:
        """Output of ``help``, read once per connection: it does not change while QEMU runs."""
        if self._hmp_of is not monitor:
            self._hmp, self._hmp_of = {}, monitor
        if of not in self._hmp:
            text = await execute("human-monitor-command", {"command-line": f"help {of}".strip()})
            self._hmp[of] = parse_help(str(text), of)
        return self._hmp[of]

    async def _fitting(self, monitor: Monitor, buses: Sequence[Known], driver: str) -> Sequence[Known]:
        """Sort buses that fit the driver first, empty ones before others: ``pcie.0`` does not support hotplug, root ports do."""
        drivers = await self._of_program(monitor, Lookup(Kind.DRIVER)) if driver else ()
        wanted = next((one.bus for one in drivers if one.value == driver), "")
        fit = {"PCI", "PCIE"} if wanted == "PCI" else {wanted}

        def order(one: Known) -> tuple[bool, bool]:
            return one.bus not in fit, not one.empty

        return sorted(buses, key=order) if wanted else buses

    async def _of_program(self, monitor: Monitor, lookup: Lookup) -> Sequence[Known]:
        """Answers of another QEMU process of the same program."""
        if not build_of(monitor):
            return ()  # the peer is not known to be QEMU
        program = f"/proc/{monitor.peer_pid}/exe"
        if lookup.kind is Kind.DRIVER:
            return await self._drivers.drivers(program)
        return await self._drivers.properties(program, lookup.of)


async def _qom(execute: Execute, path: str) -> list[Entry]:
    entries = _entries(await execute("qom-list", {"path": path}))
    return sorted(entries, key=lambda entry: str(entry.get("name")))  # QEMU returns them unordered


async def _children(execute: Execute, path: str, *, below: str = "") -> AsyncIterator[Known]:
    for entry in await _qom(execute, path):
        type_ = str(entry.get("type"))
        if type_.startswith("child<"):
            yield Known(f"{below}{entry.get('name')}", type_.removeprefix("child<").removesuffix(">"))


def _devices(execute: Execute, _of: str) -> AsyncIterator[Known]:
    return _children(execute, "/machine/peripheral")


def _objects(execute: Execute, _of: str) -> AsyncIterator[Known]:
    return _children(execute, "/objects")


def _paths(execute: Execute, of: str) -> AsyncIterator[Known]:
    return _children(execute, of, below=f"{of.rstrip('/')}/")


async def _properties(execute: Execute, path: str) -> AsyncIterator[Known]:
    for entry in await _qom(execute, path):
        if not str(entry.get("type")).startswith("child<"):
            yield Known(str(entry.get("name")), str(entry.get("type")))


async def _nodes(execute: Execute, _of: str) -> AsyncIterator[Known]:
    for entry in _entries(await execute("query-named-block-nodes")):
        if name := entry.get("node-name"):
            yield Known(str(name), " ".join(str(entry.get(key, "")) for key in ("drv", "file")).strip())


async def _drives(execute: Execute, _of: str) -> AsyncIterator[Known]:
    for entry in _entries(await execute("query-block")):
        if name := entry.get("device"):
            yield Known(str(name), str(entry.get("qdev", "drive")))


async def _chardevs(execute: Execute, _of: str) -> AsyncIterator[Known]:
    for entry in _entries(await execute("query-chardev")):
        yield Known(str(entry.get("label")), str(entry.get("filename", "")))


async def _cpus(execute: Execute, _of: str) -> AsyncIterator[Known]:
    for entry in _entries(await execute("query-cpus-fast")):
        index = entry.get("cpu-index")
        if isinstance(index, int):
            yield Known(index, str(entry.get("qom-path", "")))


async def _trace_events(execute: Execute, _of: str) -> AsyncIterator[Known]:
    for entry in _entries(await execute("trace-event-get-state", {"name": "*"})):
        yield Known(str(entry.get("name")), str(entry.get("state", "")))


async def _jobs(execute: Execute, _of: str) -> AsyncIterator[Known]:
    for entry in _entries(await execute("query-jobs")):
        yield Known(str(entry.get("id")), f"{entry.get('type', '')}, {entry.get('status', '')}")


async def _clients(execute: Execute) -> AsyncIterator[tuple[str, str]]:
    """Name and type of each network client (net/net.c, ``print_net_client()``)."""
    text = str(await execute("human-monitor-command", {"command-line": "info network"}))
    for match in _NET.finditer(text.replace("\r", "")):
        yield match[1], match[2] or "hubport"


async def _nets(execute: Execute, _of: str) -> AsyncIterator[Known]:
    async for name, type_ in _clients(execute):
        yield Known(name, type_)


async def _netdevs(execute: Execute, _of: str) -> AsyncIterator[Known]:
    async for name, type_ in _clients(execute):
        if type_ != "nic":
            yield Known(name, type_)


async def _buses(execute: Execute, _of: str) -> AsyncIterator[Known]:
    """Buses with a unique name: each virtio PCI device has a ``virtio-bus`` for its backend half."""
    text = str(await execute("human-monitor-command", {"command-line": "info qtree"})).replace("\r", "")
    for match in _BUS.finditer(text):
        name, type_, inside = match["name"], match["type"], match["inside"]
        if type_ == "System" or name == "virtio-bus":
            continue
        devices = len(re.findall(f"^{match['indent']}  dev: ", inside, re.MULTILINE))
        held = f"{devices} device{'s' if devices > 1 else ''}" if devices else "empty"
        yield Known(name, f"{type_}, {held}", bus=type_, empty=not devices)


def _entries(reply: object) -> list[Entry]:
    """The objects in a reply that should be a list of objects."""
    return [cast("Entry", one) for one in reply if isinstance(one, dict)] if isinstance(reply, list) else []


_ASK: Mapping[Kind, Callable[[Execute, str], AsyncIterator[Known]]] = {
    Kind.DEVICE: _devices,
    Kind.OBJECT: _objects,
    Kind.CHILD: _paths,
    Kind.PROPERTY: _properties,
    Kind.NODE: _nodes,
    Kind.DRIVE: _drives,
    Kind.CHARDEV: _chardevs,
    Kind.CPU: _cpus,
    Kind.TRACE: _trace_events,
    Kind.JOB: _jobs,
    Kind.NET: _nets,
    Kind.NETDEV: _netdevs,
    Kind.BUS: _buses,
}
