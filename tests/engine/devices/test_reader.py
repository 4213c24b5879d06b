"""Reading the whole device tree of every real QEMU available, without crashing it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.real import VIRTIO_DEVICES, each_qemu, running_qemu
from workbench.domain.devices.qom import levels
from workbench.domain.devices.virtio import DriverState
from workbench.domain.qmp.record.record import Origin
from workbench.engine.devices.reader import DeviceReader, read_node, read_tree
from workbench.engine.devices.virtio_state import STATUS_QUERY_SAFE
from workbench.engine.qmp.monitor import Monitor
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workbench.domain.devices.tree import DeviceTree

MORE = (
    "-device", "pcie-root-port,id=rp0,chassis=1,addr=6",
    "-device", "virtio-rng-pci,bus=rp0",
    "-device", "virtio-rng-pci,addr=7",
    "-blockdev", "null-co,node-name=null0,read-zeroes=on",
    "-device", "virtio-blk-pci,id=blk0,drive=null0,addr=8",
)  # fmt: skip


class Asked:
    """Counts the commands that pass, and hands them on."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self.commands: list[str] = []
        self.lines: list[str] = []

    async def __call__(self, command: str, arguments: Mapping[str, object] | None = None) -> object:
        self.commands.append(command)
        if command == "human-monitor-command" and arguments:
            self.lines.append(str(arguments["command-line"]))
        return await self.monitor.execute(command, arguments)


async def tree_when_mapped(reader: DeviceReader) -> DeviceTree:
    """The tree once the firmware has mapped every virtio device."""
    async with asyncio.timeout(30):
        while True:
            tree = await reader.tree()
            if all(device.driver is not DriverState.UNMAPPED for device in tree) and tree.device("01:00.0"):
                return tree
            await asyncio.sleep(0.02)


@each_qemu()
async def test_a_full_look_leaves_qemu_alive(qemu: str) -> None:
    """Every device opened, every property read, every virtio device queried as far as this version allows."""
    with running_qemu(*MORE, binary=qemu) as (process, socket):
        monitor = await Monitor.connect(socket)
        asked = Asked(monitor)
        reader = DeviceReader(asked, monitor.version)
        tree = await tree_when_mapped(reader)
        assert [device.path for device in tree if not device.path] == []
        behind = tree.device("01:00.0")
        assert behind is not None
        assert behind.path.startswith("/machine/peripheral-anon/device["), "behind the root port"
        for device in tree:
            node = await reader.node(device.path)
            assert node.type == device.type
            assert node.value("realized") is True
            assert (node.virtio is not None) == (device.virtio_id is not None)
        version = tuple(int(part) for part in monitor.version.split(".")[:2])
        assert ("x-query-virtio-status" in asked.commands) == (version in STATUS_QUERY_SAFE)
        assert "qom-list-types" not in asked.commands, "it loads every module into the guest's process"
        seen = {int(line.split()[-1], 16) & 0x3FFF for line in asked.lines if line.startswith("xp ")}
        assert {0x14, 0x2000} <= seen <= {0x14, 0x2000, 0x00, 0x12}, "never the ISR"
        assert {int(line.split()[-1], 16) & 0x1F for line in asked.lines if line.startswith("i ")} <= {0, 4}
        assert process.poll() is None
        assert await monitor.execute("query-status")
        await monitor.close()


@each_qemu()
async def test_the_balloon_s_node(qemu: str) -> None:
    with running_qemu(binary=qemu, memory="128M") as (_, socket):
        monitor = await Monitor.connect(socket)
        async with asyncio.timeout(30):
            while True:
                node = await read_node(monitor, "/machine/peripheral/balloon0")
                if node.virtio is not None and node.virtio.status is not None:
                    break
                await asyncio.sleep(0.02)
        await monitor.execute("balloon", {"value": 96 << 20})
        node = await read_node(monitor, "/machine/peripheral/balloon0")
        assert node.virtio is not None
        words = [(field.name, field.value) for field in node.virtio.config]
        assert words[:2] == [("num_pages", 8192), ("actual", 0)]
        assert {name for name, _ in words[2:]} <= {"free_page_hint_cmd_id", "poison_val"}
        assert "32 MiB" in node.virtio.config[0].words
        assert node.virtio.driver is DriverState.NO_DRIVER
        assert node.value("deflate-on-oom") is True
        assert any(child.name == "virtio-backend" and child.type == "virtio-balloon-device" for child in node.children)
        assert node.virtio.offered is not None
        assert "DEFLATE_ON_OOM" in node.virtio.offered
        assert node.virtio.negotiated == ()
        await monitor.close()


@each_qemu()
async def test_before_the_firmware_ran(qemu: str) -> None:
    with running_qemu(binary=qemu, devices=VIRTIO_DEVICES, paused=True) as (_, socket):
        monitor = await Monitor.connect(socket)
        tree = await read_tree(monitor)
        states = {device.qdev_id: device.driver for device in tree if device.virtio_id}
        assert set(states) == {"net0", "scsi0", "balloon0", "serial0", "rng0"}
        assert set(states.values()) == {DriverState.UNMAPPED}
        node = await read_node(monitor, "/machine/peripheral/net0")
        assert node.virtio is not None
        assert (node.virtio.status, node.virtio.driver) == (None, DriverState.UNMAPPED)
        await monitor.close()


async def test_the_second_tree_asks_little_and_an_unplug_makes_it_look_again() -> None:
    port = ("-device", '{"driver":"pcie-root-port","id":"rp0","chassis":1,"addr":"6"}')
    with running_qemu(*port, paused=True) as (_, socket):
        monitor = await Monitor.connect(socket)
        asked = Asked(monitor)
        reader = DeviceReader(asked, monitor.version)
        first = await reader.tree()
        asked.commands.clear()
        assert await reader.tree() == first
        assert asked.commands == ["query-pci"]
        await monitor.execute("device_add", {"driver": "virtio-rng-pci", "id": "late0", "bus": "rp0"})
        reader.forget()
        await reader.tree()
        assert "qom-list" in asked.commands
        assert any(child.name == "late0" for child in await reader.qom.children("/machine/peripheral"))
        await monitor.close()


async def test_the_screen_s_reader_asks_as_the_screen_and_forgets_on_an_unplug(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listeners: list[Callable[[str, Mapping[str, object], float], None]] = []
    with running_qemu(paused=True) as (_, socket):
        monitor = await Monitor.connect(socket)
        monkeypatch.setattr(monitor, "on_event", listeners.append)
        reader = DeviceReader.of(monitor)
        await reader.tree()
        assert {message.origin for message in monitor.record} == {Origin.SCREEN}
        before = len(monitor.record)
        await reader.tree()
        assert len(monitor.record) == before + 2, "query-pci and its reply"
        # Without an operating system in the guest nothing is ever unplugged: the event is given by hand.
        for listener in listeners:
            listener("DEVICE_DELETED", {"path": "/machine/peripheral/net0"}, 0.0)
        await reader.tree()
        assert len(monitor.record) > before + 4, "QOM was read again"
        await monitor.close()


async def test_a_property_that_cannot_be_read_says_why() -> None:
    with running_qemu(devices=()) as (_, socket):
        monitor = await Monitor.connect(socket)
        node = await read_node(monitor, "/machine/unattached/device[0]")
        crash = next(one for one in node.properties if one.name == "crash-information")
        assert (crash.value, crash.text) == (None, "No crash occurred")
        await monitor.close()


async def test_a_path_that_is_gone_is_an_error_and_a_walk_continues() -> None:
    with running_qemu() as (_, socket):
        monitor = await Monitor.connect(socket)
        reader = DeviceReader(monitor.execute, monitor.version)
        with pytest.raises(CommandFailed, match="nosuch"):
            await reader.node("/machine/nosuch")
        assert await reader.qom.walk("/machine/nosuch", 2) == {}
        found = [(depth, child.path) for depth, child in levels(await reader.qom.walk("/", 2))]
        assert (3, "/machine/peripheral/balloon0") in found
        assert max(depth for depth, _ in found) == 3
        await monitor.close()


@pytest.mark.parametrize("version", ["", "11.1.3", "10.1.0", "9.2.0", "gone wrong"])
async def test_an_unseen_version_is_never_asked_for_its_virtio_status(version: str) -> None:
    with running_qemu() as (_, socket):
        monitor = await Monitor.connect(socket)
        asked = Asked(monitor)

        async def execute(command: str, arguments: Mapping[str, object] | None = None) -> object:
            if command == "qom-list-get" and arguments:
                return [{"properties": await asked("qom-list", {"path": path})} for path in arguments["paths"]]  # type: ignore[attr-defined]
            return await asked(command, arguments)

        reader = DeviceReader(monitor.execute, monitor.version)
        async with asyncio.timeout(
            30
        ):  # the registers tell how many queues there are, once the firmware has mapped them
            while any(device.driver is DriverState.UNMAPPED for device in await reader.tree()):
                await asyncio.sleep(0.02)
        node = await DeviceReader(execute, version).node("/machine/peripheral/net0")
        assert "x-query-virtio-status" not in asked.commands
        assert ("x-query-virtio-queue-status" in asked.commands) == (version == "11.1.3")
        assert node.virtio is not None
        assert node.virtio.note or node.virtio.negotiated == ()
        await monitor.close()


async def test_a_machine_without_pci_has_an_empty_tree() -> None:
    with running_qemu("-machine", "none", devices=()) as (_, socket):
        monitor = await Monitor.connect(socket)
        tree = await read_tree(monitor)
        assert (tree.machine, tree.buses) == ("none", ())
        await monitor.close()


@each_qemu()
async def test_an_i440fx_board_has_its_paths_too(qemu: str) -> None:
    """Since QEMU 8.2 its IDE and PM functions are children of the south bridge in QOM."""
    devices = ("-device", "virtio-net-pci,id=net0,addr=5")
    with running_qemu("-machine", "pc", devices=devices, paused=True, binary=qemu) as (_, socket):
        monitor = await Monitor.connect(socket)
        try:
            tree = await read_tree(monitor)
        finally:
            await monitor.close()
        assert [device.type for device in tree] == ["i440FX", "PIIX3", "piix3-ide", "PIIX4_PM", "virtio-net-pci"]
        assert [device.path for device in tree if not device.path] == []
        assert tree.buses[0].name == "pci.0"
