"""Reading a balloon through a real QEMU's monitor, without a guest driver, with each installed version."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.real import QEMU, VIRTIO_DEVICES, each_qemu, running_qemu
from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.balloon.diagnosis.judge import Circumstances, judge
from workbench.domain.balloon.reading import Measure, Source
from workbench.domain.qmp.record.record import Kind, Origin
from workbench.engine.balloon.backing import HostSide
from workbench.engine.balloon.host_memory import RamHeld
from workbench.engine.balloon.place import Place
from workbench.engine.balloon.probe import BalloonProbe
from workbench.engine.balloon.record.target_record import RECORD, TargetRecord
from workbench.engine.devices.virtio_pci import balloon_bar
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.qmp.protocol import COMMAND_DEADLINE
from workbench.errors import CommandFailed, MonitorClosed, MonitorTimeout

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
    from pathlib import Path

    from workbench.domain.balloon.backing import Backing
    from workbench.domain.balloon.plugged_memory import Module
    from workbench.engine.devices.virtio_pci import Execute

MIB = 1 << 20
RAM = 128 * MIB
LEGACY = (
    "-device",
    '{"driver":"virtio-balloon-pci","id":"balloon0","addr":"3","disable-modern":true,"disable-legacy":"off"}',
)
"""A balloon without the registers of virtio 1.x: only query-balloon reports it."""


def probe_at(monitor: Monitor, place: Place, *, deadline: float = COMMAND_DEADLINE) -> BalloonProbe:
    """A probe of a QEMU on this host."""
    return BalloonProbe(monitor, place, HostSide(place.pid, place.memory, place.log), deadline=deadline)


@asynccontextmanager
async def probed(
    binary: str, *, devices: Sequence[str] = VIRTIO_DEVICES, paused: bool = False
) -> AsyncIterator[tuple[BalloonProbe, Monitor, Place]]:
    """A QEMU with firmware only, a session to it and a probe that is open."""
    with running_qemu("-monitor", "none", binary=binary, devices=devices, paused=paused) as (process, path):
        place = Place(path.parent, process.pid, RAM, 1000.0, path.parent / "qemu.log")
        monitor = await Monitor.connect(path)
        try:
            probe = probe_at(monitor, place)
            await probe.open()
            yield probe, monitor, place
        finally:
            await monitor.close()


async def mapped(probe: BalloonProbe, monitor: Monitor) -> None:
    """Until the firmware has given the balloon its addresses."""
    while balloon_bar(await monitor.execute("query-pci")) is None:
        pass


def addresses_read(monitor: Monitor) -> list[int]:
    """Every guest address that was read with ``xp``."""
    lines = [
        str(message.payload["command-line"])
        for message in monitor.record
        if message.kind is Kind.COMMAND
        and message.name == "human-monitor-command"
        and isinstance(message.payload, dict)
    ]
    return [int(match[1], 16) for line in lines if (match := re.search(r"^xp /\S+ (0x[0-9a-f]+)$", line))]


@each_qemu()
async def test_a_target_of_another_client_is_seen_in_the_config_space(qemu: str) -> None:
    async with probed(qemu) as (probe, monitor, place):
        await mapped(probe, monitor)
        reading = await probe.read()
        assert reading is not None
        assert (reading.source, reading.ram, reading.target, reading.diff) == (Source.CONFIG_SPACE, RAM, RAM, 0)
        assert probe.book.record == TargetRecord(RAM, None, 1000.0, ours=True), "nobody has asked for anything yet"
        assert not (place.directory / RECORD).exists()

        await monitor.execute("balloon", {"value": 96 * MIB})
        reading = await probe.read()
        assert reading is not None
        assert (reading.target, reading.actual, reading.diff_pages) == (96 * MIB, RAM, 8192)
        assert probe.book.record is not None
        assert (probe.book.record.target, probe.book.record.ours) == (96 * MIB, False)
        assert json.loads((place.directory / RECORD).read_bytes())["target"] == 96 * MIB
        assert [mark.time for mark in probe.book.marks.load()] == [probe.book.record.since]


@each_qemu()
async def test_a_mark_precedes_the_first_reading_with_its_target(qemu: str) -> None:
    """It is made when QEMU has answered, and readings may come before that."""
    async with probed(qemu) as (probe, monitor, _place):
        await mapped(probe, monitor)
        with probe.changes.sending(96 * MIB):
            await monitor.execute("balloon", {"value": 96 * MIB})
            reading = await probe.read()
        assert reading is not None
        assert reading.target == 96 * MIB
        (mark,) = probe.book.marks.load()
        assert mark.time <= reading.time


@each_qemu()
async def test_without_a_driver_the_balloon_is_absent(qemu: str) -> None:
    async with probed(qemu) as (probe, monitor, _place):
        await mapped(probe, monitor)
        await probe.set_target(64 * MIB)
        reading = await probe.read()
        await probe.driver.look()
        assert probe.driver.status == 0
        verdict = judge(
            reading, Circumstances(now=1e9, driver_status=probe.driver.status, stats=await probe.statistics.read())
        )
        assert verdict.state is State.ABSENT
        stats = await probe.statistics.read()
        assert stats is not None
        assert (stats.last_update, stats.interval, stats.total, stats.available) == (0.0, 0, None, None)


@each_qemu()
async def test_before_the_firmware_ran_nothing_is_read_from_guest_ram(qemu: str) -> None:
    """QEMU 10 and 11 list unmapped registers at their offsets: there stands the guest's RAM."""
    async with probed(qemu, paused=True) as (probe, monitor, _place):
        assert balloon_bar(await monitor.execute("query-pci")) is None
        for _ in range(2):
            reading = await probe.read()
            assert reading is not None
            assert (reading.source, reading.target, reading.actual) == (Source.QUERY, RAM, RAM)
        assert probe.driver.status == 0, "nobody can be its driver"
        assert addresses_read(monitor) == []
        await monitor.execute("cont")
        await mapped(probe, monitor)
        reading = await probe.read(check_address=False)
        assert reading is not None
        assert reading.source is Source.CONFIG_SPACE, "the address is looked up as soon as there is one"


@each_qemu()
async def test_only_the_balloons_own_registers_are_read(qemu: str) -> None:
    async with probed(qemu) as (probe, monitor, _place):
        await mapped(probe, monitor)
        await probe.read()
        await probe.driver.look()
        await probe.set_target(64 * MIB)
        await probe.read(check_address=False)
        bar = balloon_bar(await monitor.execute("query-pci"))
        assert bar is not None
        assert set(addresses_read(monitor)) == {bar.address + 0x14, bar.address + 0x2000}


@each_qemu()
async def test_after_a_reset_the_address_is_asked_for_again(qemu: str) -> None:
    async with probed(qemu) as (probe, monitor, _place):
        await mapped(probe, monitor)
        await probe.read()
        await monitor.execute("stop")
        await monitor.execute("system_reset")
        probe.device.forget_address()
        before = len(addresses_read(monitor))
        reading = await probe.read(check_address=False)
        assert reading is not None
        unmapped = balloon_bar(await monitor.execute("query-pci")) is None
        assert reading.source is (Source.QUERY if unmapped else Source.CONFIG_SPACE)
        assert (len(addresses_read(monitor)) == before) == unmapped


@each_qemu()
async def test_a_guest_without_a_balloon(qemu: str) -> None:
    async with probed(qemu, devices=VIRTIO_DEVICES[:4]) as (probe, monitor, _place):
        assert (probe.present, await probe.read(), await probe.statistics.read()) == (False, None, None)
        with pytest.raises(CommandFailed) as caught:
            await probe.set_target(64 * MIB)
        assert caught.value.error_class == "DeviceNotActive"
        assert addresses_read(monitor) == []
        assert probe.book.record is None, "what was refused is not remembered"


@each_qemu()
async def test_a_balloon_without_registers_is_asked_with_query_balloon(qemu: str) -> None:
    async with probed(qemu, devices=LEGACY) as (probe, monitor, place):
        await probe.set_target(96 * MIB)
        reading = await probe.read()
        assert reading is not None
        assert (reading.source, reading.target, reading.actual) == (Source.QUERY, 96 * MIB, RAM)
        assert probe.driver.status is None
        assert probe.book.record is not None
        assert probe.book.record.ours
        assert addresses_read(monitor) == []
        again = probe_at(monitor, place)
        await again.open()
        reading = await again.read()
        assert reading is not None
        assert reading.target == 96 * MIB, "the next workbench knows it from the record"


async def test_a_target_is_recorded_before_it_is_sent_and_taken_back_when_refused() -> None:
    async with probed(QEMU) as (probe, monitor, place):
        await mapped(probe, monitor)
        await probe.read()
        await probe.set_target(96 * MIB)
        record = probe.book.record
        assert record is not None
        assert (record.target, record.ours) == (96 * MIB, True)
        assert record.before is not None
        assert (record.before.target, record.before.actual) == (RAM, RAM)
        assert record.baseline == record.before.resident is not None
        with pytest.raises(CommandFailed):
            await probe.set_target(0)
        assert probe.book.record == record
        assert probe_at(monitor, place).book.record == record
        (command,) = [
            m for m in monitor.record if (m.kind, m.name, m.payload) == (Kind.COMMAND, "balloon", {"value": 0})
        ]
        assert command.origin is Origin.ACTION


async def test_a_target_that_was_never_sent_is_taken_back() -> None:
    async with probed(QEMU) as (probe, monitor, place):
        await monitor.close()
        with pytest.raises(MonitorClosed):
            await probe.set_target(96 * MIB)
        assert probe.book.record is None
        assert probe_at(monitor, place).book.record is None, "nor does the next workbench find it"


@pytest.mark.parametrize(
    "error",
    [
        MonitorTimeout("no reply to balloon within 5 s", sent="balloon"),
        MonitorClosed("the connection ended", sent=True),
    ],
)
async def test_a_target_that_qemu_may_have_got_stays_ours(error: Exception) -> None:
    async with probed(QEMU) as (probe, _monitor, _place):
        with pytest.raises(type(error)), probe.changes.sending(96 * MIB):
            raise error
        assert probe.book.record is not None
        assert (probe.book.record.target, probe.book.record.ours) == (96 * MIB, True)


async def test_a_connection_that_ends_before_the_answer_leaves_a_target_as_sent() -> None:
    with running_qemu("-monitor", "none") as (process, path):
        monitor = await Monitor.connect(path)
        probe = probe_at(monitor, Place(path.parent, process.pid, RAM, 0.0))
        await probe.open()
        process.send_signal(signal.SIGSTOP)
        asking = asyncio.create_task(probe.set_target(96 * MIB))
        while not any(message.name == "balloon" for message in monitor.record):
            await asyncio.sleep(0)
        await monitor.close()
        with pytest.raises(MonitorClosed):
            await asking
        assert probe.book.record is not None
        assert probe.book.record.target == 96 * MIB


async def test_two_workbenches_agree_on_whose_target_it_is() -> None:
    async with probed(QEMU) as (probe, monitor, place):
        await mapped(probe, monitor)
        await probe.read()
        other = probe_at(monitor, place)
        await other.open()
        await other.set_target(96 * MIB)
        reading = await probe.read()
        assert reading is not None
        assert reading.target == 96 * MIB
        assert probe.book.record == other.book.record
        assert probe.book.record is not None
        assert probe.book.record.ours


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"target": "x"}', '{"target": 1}'])
async def test_a_damaged_record_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / RECORD).write_text(content)
    place = Place(tmp_path, 1, RAM, 0.0)
    assert probe_at(Monitor(tmp_path / "qmp.sock"), place).book.record is None


async def test_what_the_host_holds() -> None:
    async with probed(QEMU) as (probe, _monitor, place):
        host = await probe.changes.look_at_host()
        assert host is not None
        async with asyncio.timeout(30):  # on a busy machine the firmware has touched nothing yet
            while not host.resident:
                await asyncio.sleep(0)
                host = await probe.changes.look_at_host()
                assert host is not None
        assert host.resident < RAM
        assert host.baseline == host.resident, "no target, no baseline of its own"
        await probe.set_target(96 * MIB)
        host = await probe.changes.look_at_host()
        assert host is not None
        assert probe.book.record is not None
        assert host.baseline == probe.book.record.baseline
        os.kill(place.pid, signal.SIGKILL)
        async with asyncio.timeout(30):
            while await probe.changes.look_at_host() is not None:
                await asyncio.sleep(0.01)


class Elsewhere:
    """The host of a guest that runs somewhere else: it reports what is resident, and knows no more."""

    asking = False

    def __init__(self) -> None:
        self.held: RamHeld | None = None
        self.modules: list[Module] = []

    unknown = ""

    def look(self, base: int, ram: int, *, newer_than: float = 0.0, moving: bool = False) -> RamHeld | None:
        assert (base, ram) == (RAM, RAM)
        self.held = RamHeld(48 * MIB, Measure.RSS, 4096, locked=False, pool_free=None)
        return self.held

    def backing(self, *, reporting: bool | None) -> Backing | None:
        return None

    def look_at_devices(self, pci: object) -> None:
        """It does not matter there."""

    def know_modules(self, modules: Iterable[Module]) -> None:
        self.modules.extend(modules)

    async def ask(self, execute: Execute) -> None:
        raise AssertionError("it asks nothing")


async def test_the_host_may_be_another_one(tmp_path: Path) -> None:
    with running_qemu("-monitor", "none", devices=VIRTIO_DEVICES) as (_, path):
        monitor = await Monitor.connect(path)
        try:
            probe = BalloonProbe(monitor, Place(tmp_path, 0, 0, 0.0), Elsewhere())
            await probe.open()
            assert probe.ram == RAM
            assert not [message for message in monitor.record if "gpa2hva" in str(message.payload)]
            await probe.set_target(96 * MIB)
            await probe.read()
            host, ledger = await probe.changes.look_at_host(), probe.changes.ledger()
            assert host is not None
            assert (host.resident, host.baseline) == (48 * MIB, 48 * MIB)
            assert ledger is not None
            assert (ledger.now.resident, ledger.backing) == (48 * MIB, None)
        finally:
            await monitor.close()


async def test_the_deadline_is_the_callers() -> None:
    with running_qemu() as (process, path):
        monitor = await Monitor.connect(path)
        seen: list[float] = []
        execute = monitor.execute

        async def watched(
            command: str,
            arguments: Mapping[str, object] | None = None,
            *,
            origin: Origin = Origin.USER,
            deadline: float = 99.0,
        ) -> object:
            seen.append(deadline)
            return await execute(command, arguments, origin=origin, deadline=deadline)

        monitor.execute = watched  # type: ignore[method-assign, assignment]
        probe = probe_at(monitor, Place(path.parent, process.pid, RAM, 0.0), deadline=0.75)
        await probe.open()
        await probe.read()
        await probe.statistics.read()
        assert set(seen) == {0.75}
        process.send_signal(19)  # SIGSTOP
        with pytest.raises(MonitorTimeout, match=r"within 0\.75 s"):
            await probe.read()
        await monitor.close()
