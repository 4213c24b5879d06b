"""Features and queues of virtio devices: by QEMU's own command where it is safe, by the registers anywhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.qtest_driver import DEFLATE_ON_OOM, STATS_VQ, Manner, simulated
from tests.real import each_qemu, running_qemu
from workbench.domain.devices.virtio import Bits, Virtio, features_of, parse_features
from workbench.engine.devices.qom import parse_version
from workbench.engine.devices.reader import DeviceReader
from workbench.engine.devices.virtio_pci import ModernBar, read_ports, virtio_bars
from workbench.engine.devices.virtio_state import QUEUE_QUERY_SAFE, STATUS_QUERY_SAFE, read_bits, read_virtio
from workbench.engine.qmp.monitor import Monitor
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OF_EVERY_AGE = (
    "-netdev", "user,id=n0", "-device", "virtio-net-pci,id=net0,netdev=n0,romfile=,addr=1",
    "-device", "virtio-balloon-pci,id=balloon0,addr=3,deflate-on-oom=on",
    "-device", "pcie-root-port,id=rp0,chassis=1,addr=6", "-device", "virtio-rng-pci,id=far0,bus=rp0",
)  # fmt: skip
"""Comma syntax, for 5.2. The one behind the port has no registers of the old kind."""


async def bars_when_mapped(monitor: Monitor) -> dict[str, ModernBar]:
    """The registers of every virtio device, by its id, as soon as the firmware has mapped all."""
    async with asyncio.timeout(30):
        while len(bars := virtio_bars(await monitor.execute("query-pci"))) < 3:
            await asyncio.sleep(0.02)
    return {bar.qdev_id: bar for bar in bars}


@each_qemu()
async def test_registers_say_what_qemu_says(qemu: str, tmp_path: Path) -> None:
    """With a driver that accepted some, on every version; where QEMU's command is safe it gives the same result."""
    qtest = tmp_path / "qtest"
    argv = ("-qtest", f"unix:{qtest},server=on,wait=off", "-qtest-log", "none")
    with running_qemu(*argv, binary=qemu, devices=OF_EVERY_AGE) as (process, socket):
        monitor = await Monitor.connect(socket)
        bars = await bars_when_mapped(monitor)
        with simulated(qtest, Manner(), features=(STATS_VQ, DEFLATE_ON_OOM)):
            offered, negotiated = await read_bits(monitor.execute, bars["balloon0"], 15)
            assert offered.knows(0)
            assert (negotiated.knows(0), negotiated.knows(1)) == (True, True), "the driver wrote the upper half last"
            assert features_of(5, negotiated.value) == ("STATS_VQ", "DEFLATE_ON_OOM", "VERSION_1")
            assert {"STATS_VQ", "DEFLATE_ON_OOM", "INDIRECT_DESC"} <= set(features_of(5, offered.value))
            node = await DeviceReader(monitor.execute, monitor.version).node("/machine/peripheral/balloon0")
            assert node.virtio is not None
            assert {"STATS_VQ", "DEFLATE_ON_OOM"} <= set(node.virtio.negotiated or ())
            if parse_version(monitor.version) in QUEUE_QUERY_SAFE:
                queues = {queue.index: queue for queue in node.virtio.queues or ()}
                assert (queues[2].size, queues[2].ready, queues[0].ready) == (4, True, False)
            else:
                assert node.virtio.queues is None
                assert node.virtio.queues_note.startswith("3: QEMU")
        if parse_version(monitor.version) in STATUS_QUERY_SAFE:
            for name, number in (("net0", 1), ("balloon0", 5)):
                path = f"/machine/peripheral/{name}/virtio-backend"
                status = await monitor.execute("x-query-virtio-status", {"path": path})
                assert isinstance(status, dict)
                theirs = set(parse_features(number, status["host-features"]))
                found = (await read_bits(monitor.execute, bars[name], 15))[0]
                assert theirs == set(features_of(number, found.value)) | (theirs - _low(number))
        assert process.poll() is None
        await monitor.close()


def _low(number: int) -> set[str]:
    return set(features_of(number, 2**32 - 1))


@each_qemu()
async def test_queues_that_are_not_read_are_counted(qemu: str) -> None:
    """A controller can have a thousand queues; those left out are mentioned."""
    devices = ("-device", "virtio-scsi-pci,id=scsi0,num_queues=70")
    with running_qemu(binary=qemu, devices=devices) as (_, socket):
        monitor = await Monitor.connect(socket)
        reader = DeviceReader(monitor.execute, monitor.version)
        async with asyncio.timeout(30):
            while not virtio_bars(await monitor.execute("query-pci")):
                await asyncio.sleep(0.02)
        found = await reader.virtio("/machine/peripheral/scsi0")
        assert found is not None
        if parse_version(monitor.version) in QUEUE_QUERY_SAFE:
            assert len(found.queues or ()) == 64
            assert found.queues_note == "8 more, not read"
        else:
            assert found.queues_note.startswith("72: QEMU")
        await monitor.close()


@each_qemu()
async def test_what_the_guest_did_not_select_is_unknown(qemu: str) -> None:
    """Behind a root port a device has no legacy registers, and no driver has selected the upper half."""
    with running_qemu(binary=qemu, devices=OF_EVERY_AGE) as (_, socket):
        monitor = await Monitor.connect(socket)
        bars = await bars_when_mapped(monitor)
        assert bars["net0"].ports is not None
        assert bars["far0"].ports is None
        found = await read_virtio(monitor.execute, "", "/none", Virtio(4, 0), bars["far0"])
        assert found.offered is not None
        assert "INDIRECT_DESC" in found.offered
        assert "VERSION_1" not in found.offered
        assert found.negotiated == ()
        assert found.note == "bits 32 to 63 cannot be read without writing a register"
        assert found.queues is None
        assert found.queues_note == "1: QEMU of unknown version cannot be queried safely"
        await monitor.close()


def answers(
    common: str, ports: tuple[str, str] = ("portl[0xc040] = 0x79000016", "portl[0xc044] = 0x20000006")
) -> Asker:
    return Asker({"xp /4wx": common, "i /1wx 0xc040": ports[0], "i /1wx 0xc044": ports[1], "xp /1hx": "12: 0x0003"})


class Asker:
    """Answers HMP lines by their prefix; anything else is an error."""

    def __init__(self, lines: Mapping[str, str]) -> None:
        self.lines = lines
        self.asked: list[str] = []

    async def __call__(self, command: str, arguments: Mapping[str, object] | None = None) -> object:
        line = str((arguments or {}).get("command-line", command))
        self.asked.append(line)
        for start, answer in self.lines.items():
            if line.startswith(start):
                return answer
        raise CommandFailed(command, "GenericError", "no")


BAR = ModernBar(0xFEA08000, 0, 3, 0, "balloon0", 0xC040)
UPPER = "00000000fea08000: 0x00000001 0x00000101 0x00000001 0x00000100\n"
"""As printed by 7.2; 11.1 prints the address without leading zeros."""


async def test_both_halves_make_one_set() -> None:
    found = await read_virtio(answers(UPPER), "9.2.0", "/b", Virtio(5, 15), BAR)
    assert found.offered == (
        "STATS_VQ", "DEFLATE_ON_OOM", "PAGE_POISON", "NOTIFY_ON_EMPTY", "ANY_LAYOUT", "INDIRECT_DESC", "EVENT_IDX",
        "VERSION_1", "RING_RESET",
    )  # fmt: skip
    assert found.negotiated == ("STATS_VQ", "DEFLATE_ON_OOM", "EVENT_IDX", "RING_RESET")
    assert found.note == ""


async def test_before_features_ok_nothing_is_agreed_to() -> None:
    written = UPPER
    modern = ModernBar(0xFEA08000, 0, 3, 0, "balloon0")
    found = (await read_bits(answers(written), modern, 3))[1]
    assert (found.value, found.knows(0), found.knows(1)) == (0, True, True)
    assert (await read_bits(answers(written), modern, 11))[1].value == 0x100 << 32


@pytest.mark.parametrize("half", ["0x00000003", "0xffffffff"])
async def test_a_half_beyond_64_bits_is_ignored(half: str) -> None:
    line = f"fea08000: {half} 0x00000007 {half} 0x00000007"
    found = await read_virtio(answers(line), "11.1.3", "/b", Virtio(5, 15), ModernBar(0xFEA08000, 0, 3, 0, "b"))
    assert (found.offered, found.negotiated) == (None, None)
    assert found.note == "bits 0 to 31 and bits 32 to 63 cannot be read without writing a register"


async def test_one_half_that_is_known_of_one_set_only_is_left_out() -> None:
    """Otherwise an unknown feature would be reported as refused."""
    line = "fea08000: 0x00000001 0x00000101 0x00000000 0x00000002"
    found = await read_virtio(answers(line), "9.2.0", "/b", Virtio(5, 15), ModernBar(0xFEA08000, 0, 3, 0, "b"))
    assert (found.offered, found.negotiated) == (None, None)
    found = await read_virtio(answers(line), "9.2.0", "/b", Virtio(5, 15), BAR)
    assert found.offered is not None
    assert "VERSION_1" not in found.offered
    assert found.note == "bits 32 to 63 cannot be read without writing a register"


async def test_unmapped_registers_are_not_read() -> None:
    asker = answers(UPPER)
    found = await read_virtio(asker, "9.2.0", "/b", Virtio(5), None)
    assert asker.asked == []
    assert found.note == found.queues_note == "registers not mapped yet"


@pytest.mark.parametrize("ports", [("nonsense", "portl[0xc044] = 0x1"), ("portl[0xc040] = 0x1", "")])
async def test_ports_that_say_something_else_are_left_out(ports: tuple[str, str]) -> None:
    assert await read_ports(answers(UPPER, ports), BAR) is None


def test_bits_know_their_halves() -> None:
    assert not Bits().knows(0)
    both = Bits().with_half(0, 5).with_half(1, 1)
    assert (both.value, both.knows(0), both.knows(1)) == (1 << 32 | 5, True, True)
    assert both.with_half(0, 2).value == 1 << 32 | 2
