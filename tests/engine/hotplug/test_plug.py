"""Plugging and unplugging on every QEMU available, without an operating system in the guest."""

from __future__ import annotations

import asyncio
import socketserver
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.real import QEMU, each_qemu, running_qemu
from workbench.domain.hotplug.leftovers import Behind, Sort
from workbench.domain.hotplug.plan import FreeBus, Offer, plan
from workbench.domain.hotplug.unplug import Kind, State
from workbench.domain.qmp.record.record import Kind as TrafficKind
from workbench.engine.devices.qom import parse_version
from workbench.engine.devices.reader import DeviceReader
from workbench.engine.hotplug.backends import read_backends, remove_behind
from workbench.engine.hotplug.offers import properties_of
from workbench.engine.hotplug.plug import behind_of, plug
from workbench.engine.hotplug.unplug import Unplugs
from workbench.engine.hotplug.unplug_files import UnplugFiles
from workbench.engine.qmp.monitor import Monitor
from workbench.errors import CommandFailed, MonitorError, NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

BOARD = (
    "-device", "pcie-root-port,id=rp0,chassis=1,addr=6", "-device", "virtio-scsi-pci,id=scsi0,addr=2",
    "-device", "virtio-serial-pci,id=serial0,addr=4", "-device", "virtio-rng-pci,id=cold0,addr=5",
)  # fmt: skip
"""In comma syntax: QEMU 5.2 knows no other."""


@asynccontextmanager
async def board(qemu: str) -> AsyncIterator[tuple[Monitor, Unplugs, DeviceReader]]:
    with running_qemu(binary=qemu, devices=BOARD) as (process, socket):
        monitor = await Monitor.connect(socket)
        unplugs = Unplugs(UnplugFiles(socket.parent))
        monitor.on_event(lambda event, data, _when: unplugs.note(event, data))
        try:
            yield monitor, unplugs, DeviceReader(monitor.execute, monitor.version)
            assert process.poll() is None
        finally:
            await unplugs.close()
            await monitor.close()


def reset_carries_out(monitor: Monitor) -> bool:
    """Whether a reset completes a pending unplug: not on 5.2, which the workbench does not start guests with."""
    return parse_version(monitor.version) >= (6, 0)


def offered(kind: Kind, bus: str, qemu: str = "", **more: object) -> Offer:
    return Offer(kind, f"{kind}9", (FreeBus(bus),), properties_of(kind, qemu) if qemu else {}, **more)  # type: ignore[arg-type]


@each_qemu()
async def test_a_refused_device_leaves_nothing_behind(qemu: str, tmp_path: Path) -> None:
    async with board(qemu) as (monitor, _, reader):
        for kind, values in (
            (Kind.NET, {}),
            (Kind.RNG, {}),
            (Kind.DISK, {"file": "new.qcow2", "size": "1M"}),
            (Kind.SERIAL, {"backend": "null"}),
        ):
            offer = offered(kind, "nosuch", base=str(tmp_path))
            wanted = plan(offer, values)
            with pytest.raises(CommandFailed, match="nosuch"):
                await plug(monitor.execute, wanted, offer)
            # Each name is free again: what was made before the device is gone.
            first = wanted.steps[0]
            if kind is Kind.DISK:
                assert not list(tmp_path.iterdir()), "an image that was made for it"
                await monitor.execute("blockdev-add", {"driver": "null-co", "node-name": "disk9-image"})
            else:
                await monitor.execute(first.command, first.arguments)
        names = {child.name for child in await reader.qom.children("/machine/peripheral")}
        assert names == {"cold0", "rp0", "scsi0", "serial0"}


@each_qemu()
async def test_what_needs_no_guest_goes_at_once_with_what_stood_behind_it(qemu: str, tmp_path: Path) -> None:
    async with board(qemu) as (monitor, unplugs, reader):
        disk = offered(Kind.DISK, "scsi0.0", qemu, base=str(tmp_path))
        port = offered(Kind.SERIAL, "serial0.0", qemu, directory=str(tmp_path))
        for offer, values in ((disk, {"file": "d.qcow2", "size": "1M"}), (port, {"kind": "port", "name": "a.b"})):
            for _ in range(2):  # the second time all names must be free again
                await plug(monitor.execute, plan(offer, values), offer)
                end = await unplugs.unplug(monitor.execute, reader.qom, offer.id, 20)
                assert (end.state, end.left) == (State.GONE, ())
        assert unplugs.waiting == ()


@each_qemu()
async def test_a_guest_without_an_operating_system_never_lets_go(qemu: str) -> None:
    async with board(qemu) as (monitor, unplugs, reader):
        offer = offered(Kind.NET, "rp0", qemu)
        await plug(monitor.execute, plan(offer, {}), offer)
        stake = await behind_of(reader.qom, "net9")
        assert (stake.type, [one.words for one in stake.behind]) == ("virtio-net-pci", ["netdev net9-host"])
        end = await unplugs.unplug(monitor.execute, reader.qom, "net9", 0.2)
        assert end.state is State.OVERDUE
        assert [(one.id, one.state) for one in unplugs.waiting] == [("net9", State.OVERDUE)], "it stays marked"
        again = await unplugs.unplug(monitor.execute, reader.qom, "net9", 0.2)
        assert (again.state, again.again) == (State.OVERDUE, True)
        assert (await behind_of(reader.qom, "net9")).type == "virtio-net-pci", "it is still there"
        if not reset_carries_out(monitor):
            return
        # A reset carries out what was asked for, and the late answer takes the netdev away too.
        await monitor.execute("system_reset")
        async with asyncio.timeout(20):
            while unplugs.waiting:
                await asyncio.sleep(0.02)
        with pytest.raises(NotFound):
            await behind_of(reader.qom, "net9")
        with pytest.raises(CommandFailed):
            await monitor.execute("netdev_del", {"id": "net9-host"})


@each_qemu()
async def test_a_backend_that_is_refused_says_what_that_means(qemu: str, tmp_path: Path) -> None:
    async with board(qemu) as (monitor, _, _):
        disk = offered(Kind.DISK, "scsi0.0", base=str(tmp_path))
        await plug(monitor.execute, plan(disk, {"file": "d.qcow2", "size": "1M"}), disk)
        (tmp_path / "raw.img").write_bytes(bytes(1024))
        with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as taken:
            forward = f"tcp:127.0.0.1:{taken.server_address[1]}-:22"
            for kind, bus, values, hint in (
                (Kind.DISK, "scsi0.0", {"file": "d.qcow2", "id": "d2"}, "in use"),
                (Kind.DISK, "scsi0.0", {"file": "raw.img", "id": "d3"}, "raw"),
                (Kind.NET, "rp0", {"forward": forward}, "host port is in use"),
            ):
                offer = offered(kind, bus, base=str(tmp_path))
                with pytest.raises(CommandFailed) as refused:
                    await plug(monitor.execute, plan(offer, values), offer)
                assert hint in refused.value.hint, refused.value
        there = await read_backends(monitor.execute)
        assert there.namesakes() == {"disk9"}, "nothing is left"


@each_qemu()
async def test_what_a_controller_has_on_it_goes_with_it(qemu: str, tmp_path: Path) -> None:
    bus = FreeBus("scsi9.0", controller="scsi9", slot="rp0")
    offer = Offer(Kind.DISK, "disk9", (bus,), properties_of(Kind.DISK, qemu), base=str(tmp_path))
    async with board(qemu) as (monitor, unplugs, reader):
        wrong = plan(offer, {"file": "d.qcow2", "size": "1M", "logical_block_size": "513"})
        with pytest.raises(CommandFailed) as refused:
            await plug(monitor.execute, wrong, offer)
        assert "scsi9, plugged in for it, is being unplugged again" in refused.value.hint
        assert not list(tmp_path.iterdir())
        assert (await read_backends(monitor.execute)).of("disk9", unused=False) == ()
        if not reset_carries_out(monitor):
            return
        await monitor.execute("system_reset")  # without an operating system that lets it go
        async with asyncio.timeout(20):
            while "scsi9" in {child.name for child in await reader.qom.children("/machine/peripheral")}:
                await asyncio.sleep(0.02)
        await plug(monitor.execute, plan(offer, {"file": "d.qcow2", "size": "1M"}), offer)
        stake = await behind_of(reader.qom, "scsi9")
        assert (stake.type, stake.devices) == ("virtio-scsi-pci", ("disk9",))
        assert [one.words for one in stake.behind] == ["block node disk9-image"]
        assert (await unplugs.unplug(monitor.execute, reader.qom, "scsi9", 0.1)).state is State.OVERDUE
        await monitor.execute("system_reset")
        async with asyncio.timeout(20):
            while unplugs.waiting:
                await asyncio.sleep(0.02)
        assert (await read_backends(monitor.execute)).all[Sort.NODE] == []


@each_qemu()
async def test_backends_and_their_users_are_known(qemu: str, tmp_path: Path) -> None:
    async with board(qemu) as (monitor, _, reader):
        for kind, bus, values in (
            (Kind.NET, "rp0", {}),
            (Kind.DISK, "scsi0.0", {"file": "d.qcow2", "size": "1M"}),
            (Kind.SERIAL, "serial0.0", {"backend": "null"}),
        ):
            offer = offered(kind, bus, base=str(tmp_path))
            await plug(monitor.execute, plan(offer, values), offer)
        await monitor.execute("netdev_add", {"type": "user", "id": "gone-host"})
        await monitor.execute("blockdev-add", {"driver": "null-co", "node-name": "gone-image"})
        there = await read_backends(monitor.execute)
        assert {"net9", "disk9", "serial9", "gone"} <= there.namesakes()
        assert there.of("net9") == there.of("disk9") == ()
        living = {child.name for child in await reader.qom.children("/machine/peripheral")}
        left = there.leftovers(living, ())
        assert {name: [one.words for one in rest] for name, rest in left.items()} == {
            "gone": ["netdev gone-host", "block node gone-image"]
        }
        assert await remove_behind(monitor.execute, left["gone"]) == ()
        assert await remove_behind(monitor.execute, left["gone"]) == (), "removed already"
        used = await remove_behind(monitor.execute, there.of("disk9", unused=False))
        assert used[0].what == Behind(Sort.NODE, "disk9-image")


@each_qemu()
async def test_what_qemu_itself_rejects_is_reported_and_not_pending(qemu: str) -> None:
    async with board(qemu) as (monitor, unplugs, reader):
        with pytest.raises(CommandFailed, match="hotplug") as refused:
            await unplugs.unplug(monitor.execute, reader.qom, "cold0", 5)
        assert "cannot be unplugged while the guest runs" in refused.value.hint
        with pytest.raises(NotFound, match="nosuch"):
            await unplugs.unplug(monitor.execute, reader.qom, "nosuch", 5)
        assert unplugs.waiting == ()


async def test_a_guest_that_refuses_keeps_the_device_and_all_behind_it() -> None:
    async with board(QEMU) as (monitor, unplugs, reader):
        offer = offered(Kind.NET, "rp0")
        await plug(monitor.execute, plan(offer, {}), offer)
        asked = asyncio.create_task(unplugs.unplug(monitor.execute, reader.qom, "net9", 20))
        while not unplugs.waiting:
            await asyncio.sleep(0)
        unplugs.note("DEVICE_DELETED", {"path": "/machine/peripheral/net9/virtio-backend"})
        unplugs.note("DEVICE_UNPLUG_GUEST_ERROR", {"device": "other"})
        await asyncio.sleep(0)
        assert unplugs.waiting, "those are of other things"
        unplugs.note("DEVICE_UNPLUG_GUEST_ERROR", {"device": "net9", "path": "/machine/peripheral/net9"})
        assert (await asked).state is State.REFUSED
        assert unplugs.waiting == ()
        assert (await behind_of(reader.qom, "net9")).behind, "its netdev is there"


async def test_a_device_that_is_gone_before_the_reply_leaves_no_mark() -> None:
    async with board(QEMU) as (monitor, unplugs, _):
        with unplugs.asking(monitor.execute, "port0"):
            assert [one.id for one in unplugs.waiting] == ["port0"]
            unplugs.note("DEVICE_DELETED", {"device": "port0", "path": "/machine/peripheral/port0"})
        assert unplugs.waiting == ()
        async with asyncio.timeout(20):
            while unplugs.files.load():
                await asyncio.sleep(0.01)
        with pytest.raises(CommandFailed), unplugs.asking(monitor.execute, "cold0"):
            await monitor.execute("device_del", {"id": "cold0"})
        assert unplugs.waiting == ()
        assert not unplugs.files.load()


async def test_a_connection_that_ends_during_an_unplug_claims_nothing() -> None:
    async with board(QEMU) as (monitor, unplugs, reader):
        offer = offered(Kind.NET, "rp0")
        await plug(monitor.execute, plan(offer, {}), offer)
        asked = asyncio.create_task(unplugs.unplug(monitor.execute, reader.qom, "net9", 20))
        while "device_del" not in [message.name for message in monitor.record if message.kind is TrafficKind.REPLY]:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0)
        unplugs.forget()
        with pytest.raises(MonitorError, match="may still be unplugged"):
            await asked
        assert unplugs.files.load()["net9"].pid == 0, "who looks next need not wait for this process"


@each_qemu()
def test_types_are_asked_of_a_qemu_of_their_own(qemu: str) -> None:
    for kind in Kind:
        for driver, infos in properties_of(kind, qemu).items():
            assert infos, driver
    found: Mapping[str, object] = properties_of(Kind.NET, qemu)["virtio-net-pci"]
    assert {"mac", "speed", "netdev"} <= set(found)
