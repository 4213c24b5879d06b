"""Reading QOM, buses and types of every real QEMU available, 5.2 too, and of one that changes during a read."""

from __future__ import annotations

import asyncio
import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.real import each_qemu, running_qemu
from workbench.domain.devices.buses import Bus, BusDevice, flat, sits_on
from workbench.domain.devices.qom import Property, levels
from workbench.domain.devices.type_info import Access, access
from workbench.engine.devices.buses import BusReader
from workbench.engine.devices.qom import QomReader, parse_version
from workbench.engine.devices.reader import DeviceReader
from workbench.engine.devices.types import TypeBook, ancestors, ask_parents, parse_parents, parse_properties
from workbench.engine.qmp.empty_qemu import run_empty
from workbench.engine.qmp.monitor import Monitor
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OF_EVERY_AGE = (
    "-device", "virtio-balloon-pci,id=balloon0", "-device", "virtio-scsi-pci,id=scsi0",
    "-blockdev", "null-co,node-name=null0,read-zeroes=on", "-device", "scsi-hd,id=disk0,drive=null0,bus=scsi0.0",
)  # fmt: skip
"""Devices in comma syntax: QEMU 5.2 knows no other."""
DISK = "/machine/peripheral/disk0"


@each_qemu()
async def test_everything_is_read_on_every_version_and_qemu_lives(qemu: str) -> None:
    with running_qemu(binary=qemu, devices=OF_EVERY_AGE, paused=True) as (process, socket):
        monitor = await Monitor.connect(socket)
        reader = DeviceReader(monitor.execute, monitor.version)
        try:
            nodes = await reader.qom.walk(values=True)
            names = await reader.qom.walk()
            root = await BusReader(reader.qom).root()
            qtree = await monitor.hmp("info qtree")
            book = TypeBook(monitor.execute)
            types = {node.type: await book.describe(node.type) for node in nodes.values() if node.type}
            node = await reader.node("/machine/peripheral/balloon0")
        finally:
            await monitor.close()
        assert process.poll() is None, "no look ends a QEMU"
        assert set(names) == set(nodes)
        assert {child.path for _, child in levels(nodes)} == set(nodes) - {"/"}
        assert not any(one.unread for node in nodes.values() for one in node.properties)
        shown = [one for _, one in flat(root)]
        assert sorted(bus.name for bus in shown if isinstance(bus, Bus)) == sorted(
            line.split()[1] for line in qtree.splitlines() if line.strip().startswith("bus: ")
        )
        devices = [one for one in shown if isinstance(one, BusDevice)]
        assert len(devices) == sum(line.strip().startswith("dev: ") for line in qtree.splitlines())
        assert [one.type for one in devices if one.id == "disk0"] == ["scsi-hd"]
        balloon = types["virtio-balloon-pci"]
        assert balloon.properties["deflate-on-oom"].default is False
        assert balloon.parents is None, "no QEMU was queried for them"
        interval = next(one for one in node.properties if one.name == "guest-stats-polling-interval")
        fixed = next(one for one in node.properties if one.name == "deflate-on-oom")
        assert access(node, interval, balloon)[0] is Access.SETTABLE
        assert access(node, fixed, balloon)[0] is Access.READ_ONLY
        if parse_version(monitor.version) < (7, 2):
            assert node.virtio is not None
            assert node.virtio.queues is None
            assert node.virtio.queues_note


@each_qemu()
async def test_read_only_properties_are_rejected_and_settable_ones_accepted(qemu: str) -> None:
    """This QEMU rejects any value for every property that is classified as read-only."""
    with running_qemu(binary=qemu, devices=OF_EVERY_AGE, paused=True) as (_, socket):
        monitor = await Monitor.connect(socket)
        reader = DeviceReader(monitor.execute, monitor.version)
        book = TypeBook(monitor.execute)
        wrong = []
        for path in ("/machine/peripheral/balloon0", "/machine/peripheral/scsi0", DISK):
            node = await reader.node(path)
            info = await book.describe(node.type)
            for one in node.properties:
                kind, _ = access(node, one, info)
                if kind is Access.UNKNOWN or one.error:
                    continue
                try:
                    # Null fits no setter of these devices: it is refused as a value where the property can be set.
                    # A link is read as text before it is judged.
                    value = "" if one.type.startswith("link<") else None
                    await monitor.execute("qom-set", {"path": path, "property": one.name, "value": value})
                    said = "taken"
                except CommandFailed as error:
                    said = error.description
                settable = "Invalid parameter type" in said or "expected" in said
                if settable != (kind is Access.SETTABLE):
                    wrong.append((one.name, kind, said))
        await monitor.close()
        assert wrong == []


async def test_values_of_some_properties_are_read_again() -> None:
    with running_qemu(devices=OF_EVERY_AGE, paused=True) as (_, socket):
        monitor = await Monitor.connect(socket)
        reader = DeviceReader(monitor.execute, monitor.version)
        path = "/machine/peripheral/balloon0"
        kinds = [("guest-stats-polling-interval", "int"), ("nothing", "int")]
        await monitor.execute("qom-set", {"path": path, "property": kinds[0][0], "value": 7})
        first, second = await reader.qom.values(path, kinds)
        assert (first.value, first.error) == (7, "")
        assert (second.value, bool(second.error)) == (None, True)
        with pytest.raises(CommandFailed, match="nosuch"):
            await reader.qom.values("/machine/nosuch", kinds)
        await monitor.close()


class Vanishing:
    """Forwards commands, and makes an object vanish after its listing was read."""

    def __init__(self, monitor: Monitor, path: str) -> None:
        self._monitor = monitor
        self._path = path
        self._listed = 0

    async def __call__(self, command: str, arguments: Mapping[str, object] | None = None) -> object:
        if arguments and arguments.get("path") == self._path:
            self._listed += command == "qom-list"
            if command != "qom-list" or self._listed > 1:
                raise CommandFailed(command, "DeviceNotFound", f"Device '{self._path}' not found")
        return await self._monitor.execute(command, arguments)


async def test_an_object_that_vanishes_while_it_is_read() -> None:
    with running_qemu(devices=OF_EVERY_AGE, paused=True) as (_, socket):
        monitor = await Monitor.connect(socket)
        with pytest.raises(CommandFailed, match="not found"):
            await QomReader(Vanishing(monitor, DISK), (7, 2)).node(DISK)
        nodes = await QomReader(Vanishing(monitor, DISK), (7, 2)).walk(values=True)
        assert DISK not in nodes
        assert "/machine/peripheral/scsi0" in nodes, "the rest is there"
        bus = await BusReader(QomReader(Vanishing(monitor, "/machine/q35/pcie.0"), (7, 2))).root()
        assert any(isinstance(one, Bus) and one.name == "pcie.0" and one.error for _, one in flat(bus))
        await monitor.close()


async def test_one_object_that_is_gone_does_not_hide_the_others_that_were_asked_with_it() -> None:
    """Since 10.1 many objects are queried at once, and QEMU rejects the whole query if one is gone."""
    tree = {
        "/": [("a", "child<thing>"), ("gone", "child<thing>"), ("n", "int")],
        "/a": [("b", "child<thing>"), ("text", "string")],
        "/a/b": [("type", "string")],
    }
    asked: list[list[str]] = []

    async def execute(command: str, arguments: Mapping[str, object] | None = None) -> object:
        assert command == "qom-list-get"
        assert arguments is not None
        paths = arguments["paths"]
        assert isinstance(paths, list)
        asked.append(paths)
        if "/gone" in paths:
            raise CommandFailed(command, "DeviceNotFound", "Device '/gone' not found")
        return [{"properties": [entry(*pair) for pair in tree[path]]} for path in paths]

    def entry(name: str, kind: str) -> dict[str, object]:
        return {"name": name, "type": kind} | ({} if name == "text" else {"value": 1})

    nodes = await QomReader(execute, (10, 1)).walk()
    assert set(nodes) == {"/", "/a", "/a/b"}
    assert nodes["/a"].properties == (Property("text", "string", error="not readable now"),)
    assert ["/a", "/gone"] in asked


async def test_parents_come_from_a_second_qemu_and_are_kept(tmp_path: Path) -> None:
    with running_qemu(devices=OF_EVERY_AGE, paused=True) as (process, socket):
        monitor = await Monitor.connect(socket)
        asked: list[str] = []

        async def execute(command: str, arguments: Mapping[str, object] | None = None) -> object:
            asked.append(command)
            return await monitor.execute(command, arguments)

        info = await TypeBook(execute, monitor, tmp_path).describe("virtio-balloon-pci")
        assert info.parents is not None
        assert info.parents[-3:] == ("pci-device", "device", "object")
        assert "qom-list-types" not in asked, "it loads every module into the guest's process"
        (kept,) = tmp_path.iterdir()
        assert json.loads(kept.read_text())["virtio-balloon-pci"] == info.parents[0]
        kept.write_text(json.dumps({"virtio-balloon-pci": "kept"}))
        again = await TypeBook(execute, monitor, tmp_path).describe("virtio-balloon-pci")
        assert again.parents == ("kept",)
        assert process.poll() is None
        await monitor.close()


@each_qemu()
async def test_parents_are_known_where_a_module_of_another_build_lies_in_the_way(qemu: str) -> None:
    """QEMU builds that find the modules of another build crash on them: the query is repeated without modules.

    8.2 crashes on the second module that it cannot load, too (util/module.c, ``module_load_qom_all()``; fixed in 9.1).
    """
    parents = await ask_parents(qemu)
    if not parents:
        version = subprocess.run([qemu, "-version"], capture_output=True, text=True, check=True).stdout
        assert "version 8.2" in version
        pytest.skip("this QEMU crashes on modules that it cannot load")
    assert ancestors("virtio-balloon-pci", parents) is not None
    assert ancestors("virtio-balloon-device", parents) == ("virtio-device", "device", "object")
    assert ancestors("pcie-root-port", parents) is not None


async def test_a_program_that_says_nothing_is_not_waited_for_in_vain() -> None:
    assert not await run_empty("/bin/false", sealed=b"{}")


async def test_where_no_second_qemu_can_run_parents_are_not_known() -> None:
    assert await ask_parents("/bin/false") == {}
    assert await ask_parents("/nonexistent/qemu") == {}
    assert parse_parents(b'{"QMP": {}}\n{"return": {}}\nnonsense\n[1]\n{"return": [{"name": "a", "parent": "b"}]}') == {
        "a": "b"
    }
    assert ancestors("x", {}) is None
    assert ancestors("a", {"a": "b", "b": "a"}) is not None, "a ring ends"
    assert parse_properties("nonsense") == []


async def test_buses_are_read_again_when_a_device_came_or_went_and_only_then() -> None:
    asked: list[str] = []
    with running_qemu(devices=OF_EVERY_AGE, paused=True) as (_, socket):
        monitor = await Monitor.connect(socket)

        async def execute(command: str, arguments: Mapping[str, object] | None = None) -> object:
            asked.append(command)
            return await monitor.execute(command, arguments)

        def disks(root: Bus) -> list[str]:
            return [one.id for _, one in flat(root) if isinstance(one, BusDevice) and one.type == "scsi-hd"]

        try:
            reader = BusReader(QomReader(execute, (7, 2)))
            gone = asyncio.Event()

            def listen(event: str, _data: Mapping[str, object], _time: float) -> None:
                if event == "DEVICE_DELETED":
                    reader.forget()
                    gone.set()

            monitor.on_event(listen)
            assert disks(await reader.root()) == ["disk0"]
            asked.clear()
            assert disks(await reader.root()) == ["disk0"]
            assert asked == ["qom-list", "qom-list"], "the second look costs little"
            for name in ("null1", "null2"):
                await monitor.execute("blockdev-add", {"driver": "null-co", "node-name": name, "read-zeroes": True})
            late = {"driver": "scsi-hd", "id": "late0", "drive": "null1", "bus": "scsi0.0"}
            await monitor.execute("device_add", late)
            assert disks(await reader.root()) == ["disk0", "late0"]
            # Another one of its name and type at another place.
            await monitor.execute("device_del", {"id": "late0"})
            await asyncio.wait_for(gone.wait(), 30)
            await monitor.execute("device_add", {**late, "scsi-id": 7, "drive": "null2"})
            asked.clear()
            assert disks(await reader.root()) == ["disk0", "late0"]
            assert len(asked) > 2, "read again"
        finally:
            await monitor.close()


def test_what_a_device_sits_on() -> None:
    disk = BusDevice("scsi-hd", DISK)
    scsi = Bus("scsi0.0", "SCSI", "/machine/peripheral/scsi0/x/scsi0.0", (disk,))
    card = BusDevice("virtio-scsi-pci", "/machine/peripheral/scsi0", (scsi,))
    root = Bus("main", "System", "/machine/unattached/sysbus", (BusDevice("edu", "/machine/peripheral/scsi"), card))
    assert sits_on(root, DISK) == [DISK, scsi.path, card.path, root.path]
    assert sits_on(root, f"{DISK}/inside") == [DISK, scsi.path, card.path, root.path]
    assert sits_on(root, scsi.path) == [scsi.path, card.path, root.path]
    assert sits_on(root, "/objects/ram0") == []
