"""What the host holds of a guest's RAM: from smaps files as kernels write them, and of real QEMUs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.hugepages import hugepage_pool, uses_pool
from tests.real import answering, each_qemu, running_qemu
from workbench.engine.balloon.backing import HostSide
from workbench.engine.balloon.place import Place
from workbench.engine.balloon.probe import BalloonProbe
from workbench.engine.balloon.readings import Readings
from workbench.engine.balloon.resident import mapping_at, mapping_of, resident_ram
from workbench.engine.qmp.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Sequence

MIB = 1 << 20
RAM = 512 * MIB
BASE = 0x7F0000000000


def mapping(
    start: int, size: int, rss: int, name: str = "", *, shared_hugetlb: int = 0, private_hugetlb: int = 0
) -> str:
    """One mapping as Linux 6.1 writes it (fs/proc/task_mmu.c, ``show_smap``); ``start`` and the sizes in MiB."""
    low = BASE + start * MIB
    file = f"{'':>20}{name}" if name else ""
    return f"""\
{low:x}-{low + size * MIB:x} rw-p 00000000 00:00 0{file}
Size:           {size * 1024:>8} kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:            {rss * 1024:>8} kB
Pss:            {rss * 1024:>8} kB
Pss_Dirty:      {rss * 1024:>8} kB
Shared_Clean:          0 kB
Private_Dirty:  {rss * 1024:>8} kB
AnonHugePages:         0 kB
Shared_Hugetlb: {shared_hugetlb * 1024:>8} kB
Private_Hugetlb:{private_hugetlb * 1024:>8} kB
Swap:                  0 kB
THPeligible:           0
VmFlags: rd wr mr mw me dc ac sd dd
"""


def resident(*mappings: str, ram: int = RAM) -> int | None:
    found = mapping_of("".join(mappings).encode().splitlines(keepends=True), ram)
    return None if found is None else found.resident


HEAP = mapping(0, 60, 55, "[heap]")
LIBRARY = mapping(4000, 40, 10, "/usr/lib/x86_64-linux-gnu/libc.so.6")


def test_ordinary_memory() -> None:
    assert resident(HEAP, mapping(1000, 512, 213), LIBRARY) == 213 * MIB


def test_memory_of_a_file() -> None:
    assert resident(HEAP, mapping(1000, 512, 213, "/memfd:memory-backend-memfd (deleted)"), LIBRARY) == 213 * MIB


@pytest.mark.parametrize("kind", ["shared_hugetlb", "private_hugetlb"])
def test_hugetlb_pages_count_where_rss_is_0(kind: str) -> None:
    name = "/memfd:memory-backend-memfd (deleted)"
    pages = {kind: 102}
    assert resident(HEAP, mapping(1000, 512, 0, name, **pages), LIBRARY) == 102 * MIB


def test_a_mapping_that_the_kernel_split_counts_together() -> None:
    parts = [mapping(1000, 100, 90), mapping(1100, 12, 0), mapping(1112, 400, 10)]
    assert resident(HEAP, *parts, LIBRARY) == 100 * MIB


def test_parts_that_do_not_touch_or_are_of_another_file_are_others() -> None:
    apart = [mapping(1000, 256, 90), mapping(1257, 256, 10)]
    assert resident(HEAP, *apart, LIBRARY) is None
    other = [mapping(1000, 256, 90, "/a"), mapping(1256, 256, 10, "/b")]
    assert resident(HEAP, *other, LIBRARY) is None


def test_a_neighbour_that_the_kernel_merged_in_cannot_make_more_than_ram() -> None:
    assert resident(HEAP, mapping(1000, 520, 519), LIBRARY) == RAM
    assert resident(HEAP, mapping(1000, 520, 300), LIBRARY) == 300 * MIB


def test_the_exact_mapping_wins_over_larger_ones() -> None:
    larger = mapping(100, 600, 600)
    ram = mapping(1000, 512, 200)
    assert resident(larger, ram) == resident(ram, mapping(2000, 600, 600)) == 200 * MIB
    beside = mapping(1512, 8, 8)  # a neighbour that touches it
    assert resident(ram, beside, LIBRARY) == 200 * MIB


def test_of_larger_ones_the_smallest_is_taken() -> None:
    assert resident(mapping(0, 4096, 1), mapping(5000, 514, 100), mapping(6000, 1024, 2)) == 100 * MIB


@pytest.mark.parametrize("mappings", [(), (HEAP,), (HEAP, LIBRARY)], ids=len)
def test_no_mapping_of_that_size(mappings: Sequence[str]) -> None:
    assert resident(*mappings) is None


def test_a_file_that_was_cut() -> None:
    whole = mapping(1000, 512, 213)
    lines = whole.encode().splitlines(keepends=True)
    for count in range(len(lines)):
        found = mapping_of(lines[:count], RAM)
        assert (found.resident if found else None) in {None, 0, 213 * MIB}


def test_a_path_with_spaces_and_a_line_that_looks_like_another() -> None:
    assert resident(mapping(1000, 512, 5, "/dev/hugepages/a Rss: b"), mapping(1512, 9, 9, "/x")) == 5 * MIB


def test_a_process_that_is_gone_or_is_not_ours() -> None:
    assert resident_ram(2**22 + 1, RAM) is None
    assert resident_ram(os.getpid(), 1 << 50) is None


async def test_a_real_qemu() -> None:
    """Of 1 GiB, the size that TCG's code buffer has too, the firmware touches little."""
    with running_qemu(memory="1G") as (process, path):
        await answering(path)
        found = resident_ram(process.pid, 1024 * MIB)
        assert found is not None
        assert 0 <= found < 128 * MIB


async def test_a_real_qemu_that_has_taken_all_of_it() -> None:
    backend = '{"qom-type":"memory-backend-ram","id":"ram0","size":100663296,"prealloc":true}'
    with running_qemu("-object", backend, "-machine", "memory-backend=ram0", memory="96M") as (process, path):
        await answering(path)
        assert resident_ram(process.pid, 96 * MIB) == 96 * MIB


@uses_pool
@pytest.mark.parametrize("share", ["true", "false"])
async def test_a_real_qemu_on_hugepages(share: str) -> None:
    with hugepage_pool(40):
        backend = (
            '{"qom-type":"memory-backend-memfd","id":"ram0","size":67108864,"hugetlb":true,"hugetlbsize":2097152,'
            f'"prealloc":true,"share":{share}}}'
        )
        with running_qemu("-object", backend, "-machine", "memory-backend=ram0", memory="64M") as (process, path):
            await answering(path)
            assert resident_ram(process.pid, 64 * MIB) == 64 * MIB


def test_a_known_address_finds_the_ram_among_mappings_of_its_size() -> None:
    other, ram = mapping(1000, 512, 511), mapping(2000, 512, 200)
    lines = "".join([HEAP, other, ram, LIBRARY]).encode().splitlines(keepends=True)
    found = mapping_at(lines, BASE + 2000 * MIB, BASE + 2512 * MIB)
    assert found is not None
    assert found.resident == 200 * MIB
    split = "".join([mapping(2000, 200, 150), mapping(2200, 312, 7), LIBRARY]).encode().splitlines(keepends=True)
    found = mapping_at(split, BASE + 2000 * MIB, BASE + 2512 * MIB)
    assert found is not None
    assert found.resident == 157 * MIB
    assert mapping_at(split, BASE + 2000 * MIB, BASE + 2513 * MIB) is None, "not all of it is there"
    assert mapping_at(split, BASE + 3000 * MIB, BASE + 3512 * MIB) is None


@each_qemu()
async def test_another_mapping_of_the_rams_size_is_not_taken_for_it(qemu: str) -> None:
    """What is mapped later lies lower, and comes first in smaps."""
    other = {"qom-type": "memory-backend-ram", "id": "other", "size": 96 * MIB, "prealloc": True}
    with running_qemu(binary=qemu, memory="96M", paused=True) as (process, path):
        monitor = await Monitor.connect(path, deadline=30)
        side = HostSide(process.pid, 96 * MIB, path.parent / "no.log")
        while side.asking:
            await side.ask(monitor.execute)
        await monitor.execute("object-add", other)
        assert resident_ram(process.pid, 96 * MIB) == 96 * MIB, "by its size alone the wrong one is found"
        held = side.look(96 * MIB, 96 * MIB)
        assert held is not None
        assert held.resident < 64 * MIB, "of the RAM little is touched; of the other object all"
        assert side.look(96 * MIB, 128 * MIB) is None, "what was plugged in lies elsewhere"
        assert side.backing(reporting=None) is None
        await monitor.close()


@each_qemu()
async def test_modules_count_as_the_balloon_counts_them_and_are_looked_at(qemu: str) -> None:
    """An NVDIMM and virtio-mem are no RAM of the balloon's, a DIMM is, whenever it came."""
    argv = [
        "-machine", "nvdimm=on", "-m", "128M,slots=4,maxmem=2G",
        "-object", "memory-backend-ram,id=n0,size=64M", "-device", "nvdimm,memdev=n0",
        "-object", "memory-backend-ram,id=v0,size=64M", "-device", "virtio-mem-pci,memdev=v0,addr=9",
        "-object", "memory-backend-ram,id=d0,size=128M,prealloc=on", "-device", "pc-dimm,memdev=d0",
    ]  # fmt: skip
    with running_qemu(*argv, binary=qemu, memory="128M", paused=True) as (process, path):
        monitor = await Monitor.connect(path, deadline=30)
        place = Place(path.parent, process.pid, 128 * MIB, 0.0)
        probe = BalloonProbe(monitor, place, HostSide(place.pid, place.memory, place.log))
        await probe.open()
        assert await monitor.execute("query-balloon") == {"actual": 256 * MIB}
        assert probe.ram == 256 * MIB
        host = await probe.changes.look_at_host()
        assert host is not None
        assert 128 * MIB <= host.resident < 192 * MIB, "the module is there as a whole, of the rest little"
        await monitor.execute("object-add", {"qom-type": "memory-backend-ram", "id": "d1", "size": 64 * MIB})
        await monitor.execute("device_add", {"driver": "pc-dimm", "memdev": "d1", "id": "dimm1"})
        await probe.memory.look()
        assert probe.ram == 320 * MIB
        assert await probe.changes.look_at_host() is None, "where the new one lies is not known yet"
        readings = Readings(place, lasting=False)
        await readings.look(probe, at_rest=True)
        host = await probe.changes.look_at_host()
        assert host is not None
        assert 128 * MIB <= host.resident < 192 * MIB, "nothing of the new one was touched"
        await monitor.close()
