"""Read the device tree of a running QEMU, without changing the guest or QEMU.

What is avoided, and why:

- ``qom-list-types``: it loads every module of QEMU into the guest's process (qom/qom-qmp-cmds.c,
  ``module_load_qom_all()``). If the package was upgraded under a running QEMU, a module of the other build crashes it:
  ``util/module.c: module_load_dso: Assertion `QTAILQ_EMPTY(&dso_init_list)' failed``.
- ``x-query-virtio-status`` on versions on which it is not known to be safe: it aborts QEMU 11.1.
- Writes to registers: fields behind a select register are read only as far as the guest selected them.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from workbench.domain.devices.qom import Child, Node, entries
from workbench.domain.devices.tree import DeviceTree, Place, Registers, build_tree
from workbench.domain.devices.virtio import Virtio
from workbench.domain.devices.virtio_config import balloon_config
from workbench.domain.qmp.record.record import Origin
from workbench.engine.devices import pci_ids
from workbench.engine.devices.qom import QomReader, parse_version
from workbench.engine.devices.virtio_pci import BALLOON, modern_bar, pci_devices, read_config, read_status
from workbench.engine.devices.virtio_state import read_virtio
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.domain.devices.pci import PciAddress
    from workbench.domain.devices.tree import PciDevice
    from workbench.engine.devices.virtio_pci import Execute, ModernBar
    from workbench.engine.qmp.protocol import Monitor

BALLOON_WORDS = 4
"""32-bit words of a balloon's configuration space (struct virtio_balloon_config)."""
_BOARD = ("/machine/peripheral", "/machine/peripheral-anon", "/machine/unattached")
_NO_DEVICES = ("irq", "memory-region", "container")


async def read_tree(monitor: Monitor) -> DeviceTree:
    """The current device tree. To read it repeatedly keep a :class:`DeviceReader`, which needs fewer queries."""
    return await DeviceReader(partial(monitor.execute, origin=Origin.SCREEN), monitor.version).tree()


async def read_node(monitor: Monitor, path: str) -> Node:
    """The object at a QOM path with its current properties."""
    return await DeviceReader(partial(monitor.execute, origin=Origin.SCREEN), monitor.version).node(path)


class _Qom(Struct, frozen=True):
    """What was read from QOM, and the PCI functions it was read for."""

    functions: tuple[tuple[PciAddress, int, int, str], ...]
    machine: str
    places: tuple[Place, ...]


class DeviceReader:
    """Reads the device tree of one QEMU.

    It caches where PCI devices are in QOM for as long as ``query-pci`` shows the same ones, so that a repeated read takes
    one command plus one per virtio device. Call :meth:`forget` when a device was added or removed.
    """

    def __init__(self, execute: Execute, version: str) -> None:
        """:param version: QEMU's version, such as ``7.2.22``; empty when unknown: only features of every version are used."""
        self._execute = execute
        self._version = parse_version(version)
        self.version = version
        self.qom = QomReader(execute, self._version)
        self._is_pci: dict[str, bool] = {}
        self._qom: _Qom | None = None

    @classmethod
    def of(cls, monitor: Monitor) -> DeviceReader:
        """The screen's reader for one session: its queries count as polling, and an unplug clears its cache."""
        reader = cls(partial(monitor.execute, origin=Origin.SCREEN), monitor.version)

        def listen(event: str, _data: Mapping[str, object], _time: float) -> None:
            if event == "DEVICE_DELETED":
                reader.forget()

        monitor.on_event(listen)
        return reader

    def forget(self) -> None:
        """Read QOM again next time: a device was added or removed, perhaps another one in the same slot."""
        self._qom = None

    async def tree(self) -> DeviceTree:
        """PCI devices with QOM paths and driver states.

        :raise workbench.errors.MonitorError: when QEMU does not reply.
        """
        tree, bars = await self._joined()
        asked = [
            (device, bars[device.address]) for device in tree if device.address in bars and is_emulated_virtio(device)
        ]
        answers = await asyncio.gather(*(self._registers(device, bar) for device, bar in asked))
        return tree.with_registers({device.address: found for (device, _), found in zip(asked, answers, strict=True)})

    async def node(self, path: str) -> Node:
        """One object with its properties and their values, read now.

        :raise workbench.errors.CommandFailed: when the path does not exist (any more).
        """
        node = await self.qom.node(path)
        if any(child.name == "virtio-backend" for child in node.children):
            return replace(node, virtio=await self.virtio(path))
        return node

    async def virtio(self, path: str) -> Virtio | None:
        """Registers and features of the virtio PCI device at a path; None for any other device or if it is not plugged in."""
        tree, bars = await self._joined()
        device = tree.device(path)
        if device is None or device.virtio_id is None or not is_emulated_virtio(device):
            return None
        bar = bars.get(device.address)
        registers = await self._registers(device, bar) if bar is not None else Registers()
        state = tree.with_registers({device.address: registers}).device(path)
        known = Virtio(device.virtio_id, registers.status, state.driver if state else None, config=registers.config)
        return await read_virtio(self._execute, self.version, f"{path}/virtio-backend", known, bar)

    async def _registers(self, device: PciDevice, bar: ModernBar) -> Registers:
        """The status byte and the balloon's configuration; that of other devices is in their properties."""
        status = await read_status(self._execute, bar)
        if device.virtio_id != BALLOON:
            return Registers(status)
        return Registers(status, balloon_config(await read_config(self._execute, bar, BALLOON_WORDS) or ()))

    async def _joined(self) -> tuple[DeviceTree, dict[PciAddress, ModernBar]]:
        """The tree without driver states, and the mapped register BARs, both from one ``query-pci``."""
        pci = await self._execute("query-pci")
        bare = build_tree(pci)
        functions = tuple((one.address, one.vendor, one.device, one.qdev_id) for one in bare)
        if self._qom is None or self._qom.functions != functions:
            machine = await self._execute("qom-get", {"path": "/machine", "property": "type"})
            self._qom = _Qom(functions, str(machine), tuple(await self._places()))
        tree = build_tree(pci, machine=self._qom.machine, places=self._qom.places)
        tree = tree.with_names(pci_ids.names((one.vendor, one.device) for one in tree))
        bars = (modern_bar(device) for device in pci_devices(pci))
        return tree, {bar.pci_address: bar for bar in bars if bar is not None}

    async def _places(self) -> list[Place]:
        """Every QOM object that may be a PCI function, with its slot unless its id identifies it."""
        board = {child.path: child for child in await self.qom.children("/machine")}
        owners = [path for path in _BOARD if path in board]
        # A host bridge contains its own PCI function: /machine/q35/mch.
        owners += [path for path, child in board.items() if child.type not in _NO_DEVICES]
        # Pipelined: QEMU replies in order, and no command waits for the previous reply.
        found = await asyncio.gather(*(self.qom.children(owner) for owner in owners))
        named: list[Child] = []
        others: list[Child] = []
        for owner, children in zip(owners, found, strict=True):
            if owner == "/machine/peripheral":
                named += children  # query-pci reports their ids
            else:
                others += (child for child in children if child.type not in _NO_DEVICES)
        functions = await self._pci_functions(others)
        # Since QEMU 8.2 the south bridge of a pc board contains its IDE and PM functions (hw/isa/piix.c).
        holders = [child.path for child in functions if child.path.startswith(f"{_BOARD[-1]}/")]
        held = [
            child
            for children in await asyncio.gather(*(self.qom.children(path) for path in holders))
            for child in children
            if child.type not in _NO_DEVICES
        ]
        functions += await self._pci_functions(held)
        placed = await asyncio.gather(*(self._place(child) for child in functions))
        return [*(Place(child.path, child.type) for child in named), *placed]

    async def _pci_functions(self, children: Sequence[Child]) -> list[Child]:
        """The children whose type is a PCI device."""
        await asyncio.gather(*(self._learn(child) for child in {child.type: child for child in children}.values()))
        return [child for child in children if self._is_pci.get(child.type)]

    async def _place(self, child: Child) -> Place:
        """Where one PCI function is. Its ``addr`` is a number in every version, whatever the declared type."""
        devfn, bus = await asyncio.gather(self.qom.value(child.path, "addr"), self.qom.value(child.path, "parent_bus"))
        return Place(child.path, child.type, devfn if isinstance(devfn, int) else -1, str(bus or ""))

    async def _learn(self, child: Child) -> None:
        """Note whether a type is a PCI device, by properties that only those have (hw/pci/pci.c, ``pci_props``)."""
        if child.type in self._is_pci:
            return
        try:
            listing = await self.qom.listing(child.path)
        except CommandFailed:
            return  # unplugged while reading: the type is still unknown
        self._is_pci[child.type] = {"addr", "romfile"} <= {entry["name"] for entry in entries(listing)}


def is_emulated_virtio(device: PciDevice) -> bool:
    """Whether QEMU emulates the registers: with a passed-through card, reading them may have side effects."""
    return device.virtio_id is not None and device.type.startswith(("virtio-", "vhost-"))
