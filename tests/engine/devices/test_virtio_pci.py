"""The BAR resolver and the register reads, on replies and on every QEMU at hand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.real import VIRTIO_DEVICES, each_qemu, running_qemu
from workbench.engine.devices.virtio_pci import (
    ModernBar,
    balloon_bar,
    modern_bar,
    parse_dump,
    read_config,
    read_status,
    virtio_bars,
)
from workbench.engine.qmp.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGES_OF_32_MIB = 8192


def device(device_id: int, address: int, *, bar: int = 4, size: int = 0x4000, **more: object) -> dict[str, object]:
    return {
        "bus": 0, "slot": 3, "function": 0, "qdev_id": "b",
        "id": {"vendor": 0x1AF4, "device": device_id},
        "regions": [{"bar": bar, "type": "memory", "size": size, "address": address}],
        **more,
    }  # fmt: skip


@pytest.mark.parametrize("address", [-1, 0, 2**64 - 1])
def test_an_unmapped_bar_is_none(address: int) -> None:
    assert modern_bar(device(0x1002, address)) is None


@pytest.mark.parametrize("device_id", [0x1002, 0x1045])
def test_a_mapped_balloon_is_found_behind_a_bridge(device_id: int) -> None:
    bridge = {"id": {"vendor": 0x1B36, "device": 0xC}, "pci_bridge": {"devices": [device(device_id, 0xFE000000)]}}
    assert balloon_bar([{"bus": 0, "devices": [bridge]}]) == ModernBar(0xFE000000, 0, 3, 0, "b")


def test_other_bars_are_not_virtio_registers() -> None:
    assert modern_bar(device(0x1050, 0xFE000000, size=0x1000)) is None, "virtio-vga: MSI-X"
    assert modern_bar(device(0x1002, 0xFE000000, bar=1)) is None
    assert modern_bar(device(0x1100, 0xFE000000)) is None, "q35's subsystem id range is not a virtio device"
    assert modern_bar(device(0x1002, 0xFE000000, id={"vendor": 0x8086, "device": 0x1002})) is None
    assert modern_bar({}) is None
    assert virtio_bars(None) == () == virtio_bars([{}])


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("00000000febf0000: 0x00000001 0x00000101\r\n", (1, 0x101)),
        ("febf0000: 0x00000001 0x00000101\r\n", (1, 0x101)),
        ("00000000febf0014: 0x0f\r\n", (15,)),
        ("0000: 0x01 0x02\r\n0010: 0x03\r\n", (1, 2, 3)),
        ("Cannot access memory\r\n", ()),
        ("0000: 0x01\r\n0010: Cannot access memory\r\n", ()),
        ("", ()),
    ],
)
def test_dumps(text: str, values: tuple[int, ...]) -> None:
    assert parse_dump(text) == values


@given(st.text())
def test_a_dump_of_anything_never_raises(text: str) -> None:
    assert all(value >= 0 for value in parse_dump(text))


async def test_a_look_reads_only_the_two_places_that_are_safe() -> None:
    lines: list[str] = []

    async def execute(command: str, arguments: Mapping[str, object] | None = None) -> object:
        assert command == "human-monitor-command"
        assert arguments is not None
        lines.append(str(arguments["command-line"]))
        return "Cannot access memory\r\n"

    bar = ModernBar(0xFE000000, 0, 3, 0, "b")
    assert await read_status(execute, bar) is None
    assert await read_config(execute, bar, 2) is None
    assert lines == ["xp /1bx 0xfe000014", "xp /2wx 0xfe002000"]
    for words in (0, -1, 1025):
        with pytest.raises(ValueError, match="words"):
            await read_config(execute, bar, words)


async def bars_when_mapped(monitor: Monitor) -> tuple[ModernBar, ...]:
    """The five BARs once the firmware has mapped them."""
    async with asyncio.timeout(30):
        while True:
            bars = virtio_bars(await monitor.execute("query-pci"))
            if len(bars) == 5:
                return bars
            await asyncio.sleep(0.02)


@each_qemu()
async def test_registers_of_a_real_qemu(qemu: str) -> None:
    with running_qemu(binary=qemu, memory="128M") as (_, socket):
        monitor = await Monitor.connect(socket)
        bars = await bars_when_mapped(monitor)
        assert {bar.qdev_id for bar in bars} == {"net0", "scsi0", "balloon0", "serial0", "rng0"}
        bar = balloon_bar(await monitor.execute("query-pci"))
        assert bar is not None
        assert bar.qdev_id == "balloon0"
        assert await read_status(monitor.execute, bar) == 0, "firmware has no balloon driver"
        await monitor.execute("balloon", {"value": 96 << 20})
        assert await read_config(monitor.execute, bar, 2) == (PAGES_OF_32_MIB, 0)
        await monitor.close()


@each_qemu()
async def test_before_the_firmware_ran_nothing_is_mapped(qemu: str) -> None:
    with running_qemu(binary=qemu, devices=VIRTIO_DEVICES, paused=True) as (_, socket):
        monitor = await Monitor.connect(socket)
        assert virtio_bars(await monitor.execute("query-pci")) == ()
        await monitor.close()
