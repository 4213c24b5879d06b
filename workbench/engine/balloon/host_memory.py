"""How much of one block of a guest's RAM the host holds, measured in the way that suits its backing.

For anonymous memory, the pages of the mapping count. A file in memory (memfd, /dev/shm, hugetlbfs) that is mapped shared
holds memory for as long as it has blocks, whether or not QEMU's mapping shows them, so the blocks of the file that QEMU
has open are counted (tmpfs: mm/shmem.c, ``shmem_recalc_inode``; hugetlbfs: fs/hugetlbfs/inode.c). That costs one stat(2)
instead of a walk over all page tables. For a file on a disk, only the mapping shows how much of it is cached in memory.

Measured on Linux 6.18, all resident, milliseconds of one core:

| | 1 GiB | 6 GiB | 16 GiB | 16 GiB, transparent hugepages |
| --- | --- | --- | --- | --- |
| smaps (Linux 2.6) | 20 | 54 | 138 | 1.0 |
| smaps_rollup, of the whole process | 15 | 57 | 135 | 1.0 |
| pagemap, without looking at the words read | 12 | 44 | 110 | 14 |
| PAGEMAP_SCAN (Linux 6.7) | 3 | 18 | 44 | 0.6 |
| statm, of the whole process, and not exact | 0.02 | 0.03 | 0.02 | 0.03 |

So smaps is read rarely, for what does not change, and pages are counted with PAGEMAP_SCAN where the kernel has it.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.balloon.reading import Measure
from workbench.engine.balloon.page_scan import merged_by_ksm, scan
from workbench.engine.balloon.resident import SMALL_PAGE, ram_mapping
from workbench.engine.host.hugepages import pool_free

if TYPE_CHECKING:
    from workbench.engine.balloon.resident import RamMapping

SHARE, MOST = 0.005, 0.02
"""Shares of one CPU's time that counting pages may take, at rest and while the balloon moves. The kernel walks the page
tables of all RAM for each count. The second applies also at rest where counts would be further apart than :data:`REMAP`."""
REMAP = 10.0
"""Seconds until the mapping is read again for changes other than its pages, such as a lock."""
SCAN_GAIN = 3
"""How many times cheaper a scan is than a walk: 44 ms instead of 138 for 16 GiB in small pages (Linux 6.18)."""
BLOCK = 512
"""Bytes of a block in ``st_blocks`` (stat(2))."""


class RamHeld(Struct, frozen=True):
    """One sample."""

    resident: int
    """Bytes, without what KSM has merged."""
    measure: Measure
    page: int
    """Bytes of one page of the mapping."""
    locked: bool
    pool_free: int | None
    """Free pages in the host's pool of that page size; None on ordinary memory."""
    time: float = 0.0
    """Unix time at which the count began: what was freed before is not in it."""
    every: float = 0.0
    """Seconds between two counts while the balloon moves."""
    merged: int = 0
    """Bytes merged by KSM."""
    swapped: int = 0
    """Bytes swapped out; for :attr:`Measure.FILE`, which counts them as held, 0."""
    beyond: int = 0
    """Bytes that the guest has and its balloon does not count, such as virtio-mem; part of them is in ``resident``."""


class _Count(Struct, frozen=True):
    """One count of the pages, and what it cost."""

    resident: int
    swapped: int
    time: float
    begun: float
    """Monotonic seconds."""
    cost: float
    """CPU seconds."""

    def due(self, *, moving: bool) -> float:
        """Monotonic time of the next one."""
        rest = min(self.cost / SHARE, max(REMAP, self.cost / MOST))
        return self.begun + (self.cost / MOST if moving else rest)


class RamMeter:
    """Samples one block of a QEMU's RAM repeatedly and remembers what does not change.

    It is used by one thread at a time, not always by the same.
    """

    def __init__(self, pid: int, ram: int) -> None:
        self._pid = pid
        self._ram = ram
        self._mapping: RamMapping | None = None
        self._file: str | None = None
        """``/proc/PID/fd/N`` of the file that backs the RAM, if its blocks are counted."""
        self._count: _Count | None = None
        self._next_walk = 0.0
        """When smaps is due again (monotonic)."""
        self._start: int | None = None
        self._scans = True
        """Whether this kernel can count pages without smaps, as far as known."""

    def know_start(self, address: int) -> None:
        """Set the RAM's address in QEMU, so that no other mapping of its size is mistaken for it."""
        self._start, self._count, self._next_walk = address, None, 0.0

    def look(self, ram: int, *, newer_than: float = 0.0, moving: bool = False) -> RamHeld | None:
        """What the host holds now; None if the process is gone or none of its mappings is the RAM.

        If counting is expensive, the last sample is reused for a while.

        :param ram: the block's size in bytes; a hot-plugged DIMM changes it.
        :param newer_than: Unix time before which a sample is of no use, whatever a new one costs.
        :param moving: whether the guest's balloon moves.
        """
        if ram != self._ram:
            self._ram, self._mapping, self._count, self._next_walk = ram, None, None, 0.0
        if (held := self._held_file()) is not None:
            return held
        count, now = self._count, time.monotonic()
        if count is None or count.time < newer_than or now >= count.due(moving=moving):
            if now >= self._next_walk or not self._scan():
                self._walk()
            if (held := self._held_file()) is not None:
                return held
        mapping, count = self._mapping, self._count
        if mapping is None or count is None:
            return None
        huge = mapping.page > SMALL_PAGE
        return RamHeld(
            count.resident,
            Measure.HUGETLB if huge else Measure.RSS,
            mapping.page,
            mapping.locked,
            pool_free(mapping.page) if huge else None,
            count.time,
            count.cost / MOST,
            mapping.merged,
            count.swapped,
        )

    def _held_file(self) -> RamHeld | None:
        """What its file holds, if that is what counts and nothing else is due."""
        mapping, when = self._mapping, time.time()
        if mapping is None or time.monotonic() >= self._next_walk or (blocks := self._blocks()) is None:
            return None
        free = pool_free(mapping.page) if mapping.page > SMALL_PAGE else None
        return RamHeld(min(blocks, self._ram), Measure.FILE, mapping.page, mapping.locked, free, when)

    def _walk(self) -> None:
        """Find the RAM in smaps, and the file behind it."""
        when, begun, spent = time.time(), time.monotonic(), time.thread_time()
        mapping = self._mapping = ram_mapping(self._pid, self._ram, self._start)
        cost = time.thread_time() - spent
        self._file = None if mapping is None else self._find_file(mapping)
        resident, swapped = (mapping.resident, mapping.swapped) if mapping is not None else (0, 0)
        scans = self._scans and self._start is not None and mapping is not None
        self._count = _Count(
            resident, swapped, when, begun, cost / SCAN_GAIN if scans else cost
        )  # the next one is a scan
        self._next_walk = begun + (max(REMAP, cost / SHARE) if self._file or scans else 0.0)

    def _scan(self) -> bool:
        """Count the pages without smaps; whether that worked. It does not tell which pages KSM has merged."""
        if self._mapping is None or self._start is None or not self._scans or merged_by_ksm(self._pid):
            return False
        when, begun, spent = time.time(), time.monotonic(), time.thread_time()
        found = scan(self._pid, self._start, self._ram)
        if found is None:
            self._scans = False
            return False
        self._count = _Count(found.present, found.swapped, when, begun, time.thread_time() - spent)
        return True

    def _blocks(self) -> int | None:
        """Bytes that the RAM's file holds; None if there is no such file or it is no longer open."""
        if self._file is None or self._mapping is None:
            return None
        with suppress(OSError):
            found = os.stat(self._file)
            if found.st_ino == self._mapping.inode:
                return found.st_blocks * BLOCK
        self._file, self._count, self._next_walk = None, None, 0.0  # closed, or QEMU is gone
        return None

    def _find_file(self, mapping: RamMapping) -> str | None:
        """The open file that holds exactly the RAM; None if its blocks would count something else."""
        if not mapping.shared or not mapping.inode or not self._in_memory(mapping):
            return None
        directory = f"/proc/{self._pid}/fd"
        try:
            names = os.listdir(directory)
        except OSError:
            return None
        for name in names:
            path = f"{directory}/{name}"
            try:
                found = os.stat(path)
            except OSError:
                continue  # closed in between
            same = found.st_ino == mapping.inode and (os.major(found.st_dev), os.minor(found.st_dev)) == mapping.device
            # A longer file also holds something else, such as another guest's RAM.
            if same and found.st_size == self._ram:
                return path
        return None

    def _in_memory(self, mapping: RamMapping) -> bool:
        """Whether the blocks of the mapping's file are memory. A memfd is on a mount internal to the kernel (memfd_create(2))."""
        if mapping.path.startswith(b"/memfd:"):
            return True
        device = b"%d:%d" % mapping.device
        with suppress(OSError), open(f"/proc/{self._pid}/mountinfo", "rb") as file:
            for line in file:
                before, _, after = line.partition(b" - ")
                if before.split()[2] == device:
                    return after.split()[0] in {b"tmpfs", b"hugetlbfs"}
        return False
