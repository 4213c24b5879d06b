"""Every kind of backing of a guest's RAM is counted as a whole, or not at all: real QEMUs with firmware only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.real import each_qemu, running_qemu
from workbench.engine.balloon.backing import HostSide
from workbench.engine.balloon.host_memory import RamMeter
from workbench.engine.balloon.page_scan import scan
from workbench.engine.balloon.place import Place
from workbench.engine.balloon.probe import BalloonProbe
from workbench.engine.balloon.ram_blocks import SEVERAL, RamBlocks, places_of
from workbench.engine.balloon.resident import mapping_at, ram_mapping
from workbench.engine.qmp.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Mapping

MIB = 1 << 20

TREE = """\
FlatView #0
 AS "I/O", root: io
 Root memory region: io
  0000000000000000-0000000000000007 (prio 0, i/o): dma-chan

FlatView #1
 AS "memory", root: system
 AS "cpu-memory-0", root: system
 Root memory region: system
  0000000000000000-00000000000bffff (prio 0, ram): node0 KVM
  0000000000100000-000000000fffffff (prio 0, ram): node0 @0000000000100000 KVM
  0000000010000000-000000001fffffff (prio 0, ram): /objects/node1
  00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios

"""


def test_the_regions_of_ram_have_addresses() -> None:
    assert places_of(TREE) == {"node0": 0, "node1": 256 * MIB}
    assert places_of("unknown command\n") == {}


async def opened(monitor: Monitor, place: Place) -> BalloonProbe:
    probe = BalloonProbe(monitor, place, HostSide(place.pid, place.memory, place.log))
    await probe.open()
    while probe.memory.asking:
        await probe.memory.ask()
    return probe


@each_qemu()
async def test_two_nodes_are_added_up(qemu: str) -> None:
    """Neither of the two blocks has the size of the RAM. All of the second is touched, and little of the first."""
    argv = [
        "-smp", "2",
        "-object", "memory-backend-ram,id=m0,size=64M",
        "-object", "memory-backend-ram,id=m1,size=64M,prealloc=on",
        "-numa", "node,memdev=m0,cpus=0", "-numa", "node,memdev=m1,cpus=1",
    ]  # fmt: skip
    with running_qemu(*argv, binary=qemu, memory="128M", paused=True) as (process, path):
        monitor = await Monitor.connect(path, deadline=30)
        probe = await opened(monitor, Place(path.parent, process.pid, 128 * MIB, 0.0))
        host = await probe.changes.look_at_host()
        assert host is not None, probe.memory.unknown
        assert 64 * MIB <= host.resident < 80 * MIB
        assert probe.memory.unknown == ""
        await monitor.close()


@each_qemu()
async def test_virtio_mem_is_counted_and_so_is_what_the_balloon_takes_from_it(qemu: str) -> None:
    argv = [
        "-m", "128M,slots=4,maxmem=2G",
        "-object", "memory-backend-ram,id=v0,size=64M,prealloc=on", "-device", "virtio-mem-pci,memdev=v0,addr=9",
    ]  # fmt: skip
    with running_qemu(*argv, binary=qemu, memory="128M", paused=True) as (process, path):
        monitor = await Monitor.connect(path, deadline=30)
        probe = await opened(monitor, Place(path.parent, process.pid, 128 * MIB, 0.0))
        host = await probe.changes.look_at_host()
        assert host is not None, probe.memory.unknown
        whole = ram_mapping(process.pid, 64 * MIB)
        assert whole is not None
        assert abs(host.resident - whole.resident) < 32 * MIB
        assert host.beyond == 0, "nothing of it is plugged yet"
        assert probe.ram == 128 * MIB, "the balloon does not count it"
        await monitor.close()


async def test_blocks_that_qemu_does_not_show_are_a_reason() -> None:
    async def execute(command: str, arguments: Mapping[str, object] | None = None) -> object:
        replies = {
            "query-memdev": [{"id": "m0", "size": 64 * MIB}, {"id": "m1", "size": 64 * MIB}],
            "info mtree -f": "",
            "gpa2hva 0x0": "Host virtual address for 0x0 (m0) is 0x7f0000000000",
        }
        return replies[str((arguments or {}).get("command-line", command))]

    blocks = RamBlocks(2**22 + 1, 128 * MIB)
    await blocks.ask(execute)
    while blocks.look(128 * MIB, 128 * MIB, newer_than=0.0, moving=False) is None and blocks.questions:
        await blocks.ask(execute)
    assert blocks.unknown == SEVERAL


@pytest.mark.parametrize("prealloc", [False, True])
async def test_counting_pages_and_smaps_agree(*, prealloc: bool) -> None:
    backend = {"qom-type": "memory-backend-ram", "id": "ram0", "size": 128 * MIB, "prealloc": prealloc}
    argv = ["-object", json.dumps(backend), "-machine", "memory-backend=ram0"]
    with running_qemu(*argv, memory="128M", paused=True) as (process, path):
        monitor = await Monitor.connect(path, deadline=30)
        reply = str(await monitor.execute("human-monitor-command", {"command-line": "gpa2hva 0x0"}))
        start = int(reply.split()[-1], 16)
        mapping = ram_mapping(process.pid, 128 * MIB, start)
        assert mapping is not None
        pages = scan(process.pid, start, 128 * MIB)
        if pages is None:
            pytest.skip("this kernel has no PAGEMAP_SCAN")
        assert (pages.present, pages.swapped) == (mapping.resident, 0)
        assert not prealloc or pages.present == 128 * MIB
        await monitor.close()


def test_nothing_is_counted_of_a_process_that_is_gone() -> None:
    assert scan(2**22 + 1, 0, MIB) is None
    assert RamMeter(2**22 + 1, MIB).look(MIB) is None


LINES = """\
7f0000000000-7f0008000000 rw-p 00000000 00:00 0
KernelPageSize:        4 kB
Rss:              131072 kB
Pss:               20000 kB
{ksm}Swap:               4096 kB
VmFlags: rd wr mr mw me dc ac sd mg
"""


@pytest.mark.parametrize(("ksm", "merged"), [("KSM:              102400 kB\n", 102400), ("", 131072 - 20000)])
def test_what_ksm_merged_is_not_held(ksm: str, merged: int) -> None:
    """Seen: 370 of 411 MiB merged. Before Linux 6.6 only Pss shows it."""
    lines = LINES.format(ksm=ksm).encode().splitlines(keepends=True)
    found = mapping_at(lines, 0x7F0000000000, 0x7F0008000000)
    assert found is not None
    assert (found.merged, found.resident) == (merged * 1024, (131072 - merged) * 1024)
    assert found.swapped == 4 * MIB


def test_a_block_behind_a_guard_page_is_another_one() -> None:
    guard = "7f0004000000-7f0004001000 ---p 00000000 00:00 0\nRss: 0 kB\n"
    first = "7f0000000000-7f0004000000 rw-p 00000000 00:00 0\nRss: 65536 kB\n"
    then = "7f0004001000-7f0008000000 rw-p 00000000 00:00 0\nRss: 65532 kB\n"
    lines = (first + guard + then).encode().splitlines(keepends=True)
    assert mapping_at(lines, 0x7F0000000000, 0x7F0004000000) is not None
    assert mapping_at(lines, 0x7F0000000000, 0x7F0008000000) is None
