"""How much of real QEMUs' RAM the host holds, measured by its backing."""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import time
from typing import TYPE_CHECKING

import pytest

from tests.hugepages import hugepage_pool, uses_pool
from tests.real import answering, running_qemu
from workbench.domain.balloon.reading import Measure
from workbench.engine.balloon import host_memory
from workbench.engine.balloon.backing import TAIL, RefusalLog, pinning_children, pinning_networks
from workbench.engine.balloon.host_memory import RamMeter
from workbench.engine.balloon.resident import RamMapping

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
RAM = 64 * MIB
LINE = "2026-11-24T01:58:12.665554Z qemu: ram_block_discard_range: Failed to discard range ram0:{} +1000 (-22)\n"


def backend(kind: str, **options: object) -> tuple[str, ...]:
    values = {"qom-type": f"memory-backend-{kind}", "id": "ram0", "size": RAM, **options}
    return ("-object", json.dumps(values), "-machine", "memory-backend=ram0")


@pytest.mark.parametrize(
    ("options", "measure"),
    [
        (("ram", {}), Measure.RSS),
        (("memfd", {}), Measure.FILE),
        (("memfd", {"share": False}), Measure.RSS),
        (("file", {"mem-path": "/dev/shm", "share": True}), Measure.FILE),
        (("file", {"mem-path": "/dev/shm", "share": False}), Measure.RSS),
    ],
    ids=["ram", "memfd", "memfd-private", "shm", "shm-private"],
)
async def test_all_of_a_preallocated_ram(options: tuple[str, dict[str, object]], measure: Measure) -> None:
    kind, more = options
    with running_qemu(*backend(kind, prealloc=True, **more), memory="64M") as (process, path):
        await answering(path)
        held = RamMeter(process.pid, RAM).look(RAM)
        assert held is not None
        assert (held.resident, held.measure, held.page, held.locked) == (RAM, measure, 4096, False)
        assert held.pool_free is None


async def test_a_file_on_a_disk_is_measured_by_what_is_cached(tmp_path: Path) -> None:
    """All of its blocks are on the disk, and only what was touched is in memory."""
    disk = tmp_path / "ram"
    disk.write_bytes(bytes(RAM))
    if os.statvfs(disk).f_blocks == 0 or _in_memory(disk):
        pytest.skip("the temporary directory is itself in memory")
    more = {"mem-path": str(disk), "share": True}
    with running_qemu(*backend("file", **more), memory="64M") as (process, path):
        await answering(path)
        held = RamMeter(process.pid, RAM).look(RAM)
        assert held is not None
        assert held.measure is Measure.RSS
        assert held.resident < RAM


def _in_memory(path: Path) -> bool:
    device = os.stat(path).st_dev
    name = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo") as file:
        return any(line.split()[2] == name and " - tmpfs " in line for line in file)


async def test_what_others_hold_in_the_file_is_held_where_this_mapping_does_not_show_it() -> None:
    """As pages of a vhost-user backend: the guest's own mapping has them not."""
    with running_qemu(*backend("memfd"), memory="64M", paused=True) as (process, path):
        await answering(path)
        meter = RamMeter(process.pid, RAM)
        before = meter.look(RAM)
        assert before is not None
        file = next(
            f"/proc/{process.pid}/fd/{name}"
            for name in os.listdir(f"/proc/{process.pid}/fd")
            if os.readlink(f"/proc/{process.pid}/fd/{name}").startswith("/memfd:memory-backend")
        )
        with open(file, "r+b") as opened, mmap.mmap(opened.fileno(), RAM) as memory:
            for offset in range(32 * MIB, 48 * MIB, 4096):
                memory[offset] = 1
            after = meter.look(RAM)
        assert after is not None
        assert after.resident - before.resident == 16 * MIB


@uses_pool
async def test_hugepages_of_the_host_with_their_pool() -> None:
    with hugepage_pool(40):
        more = {"hugetlb": True, "hugetlbsize": 2 * MIB, "prealloc": True}
        with running_qemu(*backend("memfd", **more), memory="64M") as (process, path):
            await answering(path)
            held = RamMeter(process.pid, RAM).look(RAM)
            assert held is not None
            assert (held.resident, held.measure, held.page, held.pool_free) == (RAM, Measure.FILE, 2 * MIB, 8)
        with running_qemu(*backend("memfd", share=False, **more), memory="64M") as (process, path):
            await answering(path)
            held = RamMeter(process.pid, RAM).look(RAM)
            assert held is not None
            assert (held.resident, held.measure, held.page) == (RAM, Measure.HUGETLB, 2 * MIB)


async def test_locked_memory_is_reported() -> None:
    with running_qemu("-overcommit", "mem-lock=on", memory="64M") as (process, path):
        await answering(path)
        held = RamMeter(process.pid, RAM).look(RAM)
        assert held is not None
        assert held.locked


async def test_nothing_is_known_of_a_process_that_is_gone() -> None:
    with running_qemu(*backend("memfd", prealloc=True), memory="64M") as (process, path):
        await answering(path)
        meter = RamMeter(process.pid, RAM)
        assert meter.look(RAM) is not None
        process.kill()
        process.wait()
        async with asyncio.timeout(30):
            while meter.look(RAM) is not None:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(("cost", "looks"), [(0.25, 5), (0.15, 6), (0.01, 30), (0.0005, 600)])
def test_a_dear_look_is_taken_rarely(cost: float, looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks may cost half a hundredth of a CPU: one of 10 ms, every two seconds. Of 64 GiB in small pages one takes a quarter of
    a second: every 12.5 s, a fiftieth.
    """
    clock, spent, taken = 100.0, 0.0, 0

    def walk(_pid: int, ram: int, _start: int | None) -> RamMapping:
        nonlocal spent, taken
        taken, spent = taken + 1, spent + cost
        return RamMapping(ram, 4096, False, False, b"", (0, 0), 0)

    monkeypatch.setattr(host_memory, "ram_mapping", walk)
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    monkeypatch.setattr(time, "thread_time", lambda: spent)
    meter = RamMeter(1, RAM)
    for number in range(600):
        clock = 100.0 + number / 10
        assert meter.look(RAM) is not None
    assert looks * 0.9 <= taken <= looks + 1, "in a minute"


def test_a_refusal_in_the_log_is_found_with_little_reading(tmp_path: Path) -> None:
    path = tmp_path / "qemu.log"
    log = RefusalLog(path)
    assert log.look() == ""
    path.write_text("something else\n")
    assert log.look() == ""
    with path.open("a") as file:
        file.writelines(LINE.format(page) for page in range(1000))
    assert log.look() == "qemu: ram_block_discard_range: Failed to discard range ram0:999 +1000 (-22)"
    with path.open("a") as file:
        file.write("x" * 3 * TAIL + "\n")
    assert log.look().endswith("ram0:999 +1000 (-22)"), "what was seen stands"
    assert RefusalLog(path).look() == "", "no more than the end is read"
    path.unlink()
    assert log.look().endswith("ram0:999 +1000 (-22)")


def test_devices_that_pin_memory() -> None:
    children = [
        {"name": "hostdev0", "type": "child<vfio-pci>"},
        {"name": "device[1]", "type": "child<vhost-vdpa-device-pci>"},
        {"name": "net0", "type": "child<virtio-net-pci>"},
        {"name": "type", "type": "string"},
    ]
    assert list(pinning_children(children)) == ["vfio-pci hostdev0", "vhost-vdpa-device-pci device[1]"]
    network = (
        "net0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:56\r\n"
        " \\ v0: index=0,type=vhost-vdpa,vhostdev=/dev/vhost-vdpa-0\r\n"
        "net1: index=1,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:57\r\n"
        " \\ net1-host: index=0,type=user,net=10.0.2.0,restrict=off\r\n"
    )
    assert list(pinning_networks(network)) == ["vhost-vdpa v0"]
