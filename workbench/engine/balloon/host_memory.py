"""How much of a guest's RAM the host holds, measured in the way that suits the RAM's backing.

For anonymous memory, smaps gives the resident size. A file in memory (memfd, /dev/shm, hugetlbfs) that is mapped shared
holds memory for as long as it has blocks, whether or not QEMU's mapping shows them, so the blocks of the file that QEMU
has open are counted (tmpfs: mm/shmem.c, ``shmem_recalc_inode``; hugetlbfs: fs/hugetlbfs/inode.c). That costs one stat(2)
instead of a walk over all page tables. For a file on a disk, only smaps shows how much of it is cached in memory.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.balloon.reading import Measure
from workbench.engine.balloon.resident import SMALL_PAGE, ram_mapping
from workbench.engine.host.hugepages import pool_free

if TYPE_CHECKING:
    from workbench.engine.balloon.resident import RamMapping

SHARE, MOST = 0.005, 0.02
"""Shares of one CPU's time that reading smaps may take; the second applies where reads would be further apart than
:data:`REMAP`. The kernel walks the page tables of all RAM for each read: half a millisecond for 512 MiB, a quarter of a
second for 64 GiB of small pages."""
REMAP = 10.0
"""Seconds until the mapping of a file is read again for changes other than its blocks, such as a lock."""
BLOCK = 512
"""Bytes of a block in ``st_blocks`` (stat(2))."""


class RamHeld(Struct, frozen=True):
    """One sample."""

    resident: int
    """Bytes."""
    measure: Measure
    page: int
    """Bytes of one page of the mapping."""
    locked: bool
    pool_free: int | None
    """Free pages in the host's pool of that page size; None on ordinary memory."""


class RamMeter:
    """Samples one QEMU's RAM repeatedly and remembers what does not change."""

    def __init__(self, pid: int, ram: int) -> None:
        self._pid = pid
        self._ram = ram
        self._mapping: RamMapping | None = None
        self._file: str | None = None
        """``/proc/PID/fd/N`` of the file that backs the RAM, if its blocks are counted."""
        self._next_walk = 0.0
        self._start: int | None = None

    def know_start(self, address: int) -> None:
        """Set the RAM's address in QEMU, so that no other mapping of its size is mistaken for it."""
        self._start, self._next_walk = address, 0.0

    def look(self, ram: int) -> RamHeld | None:
        """What the host holds now; None if the process is gone or none of its mappings is the RAM.

        If reading smaps is expensive, the last sample is reused for a while.

        :param ram: the guest's RAM in bytes; a hot-plugged DIMM changes it.
        """
        if ram != self._ram:
            self._ram, self._mapping, self._next_walk = ram, None, 0.0
        blocks = self._blocks() if self._file and time.monotonic() < self._next_walk else None
        if blocks is None and time.monotonic() >= self._next_walk:
            self._walk()
            blocks = self._blocks()
        mapping = self._mapping
        if mapping is None:
            return None
        huge = mapping.page > SMALL_PAGE
        free = pool_free(mapping.page) if huge else None
        if blocks is not None:
            return RamHeld(min(blocks, ram), Measure.FILE, mapping.page, mapping.locked, free)
        measure = Measure.HUGETLB if huge else Measure.RSS
        return RamHeld(mapping.resident, measure, mapping.page, mapping.locked, free)

    def _walk(self) -> None:
        """Find the RAM in smaps, and the file behind it."""
        begun = time.monotonic()
        spent = time.thread_time()
        self._mapping = ram_mapping(self._pid, self._ram, self._start)
        cost = time.thread_time() - spent
        self._file = None if self._mapping is None else self._find_file(self._mapping)
        self._next_walk = begun + (REMAP if self._file else min(cost / SHARE, max(REMAP, cost / MOST)))

    def _blocks(self) -> int | None:
        """Bytes that the RAM's file holds; None if there is no such file or it is no longer open."""
        if self._file is None or self._mapping is None:
            return None
        with suppress(OSError):
            found = os.stat(self._file)
            if found.st_ino == self._mapping.inode:
                return found.st_blocks * BLOCK
        self._file, self._next_walk = None, 0.0  # closed, or QEMU is gone
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
