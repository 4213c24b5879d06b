"""Finds the mapping of a guest's RAM in /proc/PID/smaps (proc_pid_smaps(5)), and how much of it is resident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

KIB = 1024
SMALL_PAGE = 4096


class RamMapping(Struct, frozen=True):
    """A guest's RAM in smaps."""

    resident: int
    """Bytes: ``Rss`` without what KSM has merged; hugetlb pages count only in ``Shared_Hugetlb`` and
    ``Private_Hugetlb``."""
    page: int
    """Bytes of one page: ``KernelPageSize``."""
    locked: bool
    """``VmFlags: lo``: mlock(2) or mlockall(2)."""
    shared: bool
    """Whether writes go to the file, if there is one."""
    path: bytes
    """Path of its file; empty for anonymous memory."""
    device: tuple[int, int]
    """Major and minor number of its file's device; (0, 0) for anonymous memory."""
    inode: int
    merged: int = 0
    """Bytes that KSM has merged with equal pages, of this process or another: freeing them gains the host nothing."""
    swapped: int = 0
    """Bytes that the host has swapped out."""


def resident_ram(pid: int, ram: int) -> int | None:
    """Resident bytes of the guest's RAM; None if the process is gone or no mapping has the RAM's size."""
    found = ram_mapping(pid, ram)
    return None if found is None else found.resident


def ram_mapping(pid: int, ram: int, start: int | None = None) -> RamMapping | None:
    """The mapping of the guest's RAM; None if the process is gone or there is no such mapping.

    :param start: its address in QEMU, if known; otherwise the mapping with the RAM's size is taken.

    QEMU maps a RAM block of ``ram`` bytes in one piece (util/mmap-alloc.c, ``qemu_ram_mmap``), but the kernel may split
    the mapping (madvise, mprotect) or merge it with a neighbour, so parts that touch each other count together.
    """
    try:
        with open(f"/proc/{pid}/smaps", "rb") as file:
            return mapping_of(file, ram) if start is None else mapping_at(file, start, start + ram)
    except OSError:
        return None


def mapping_of(lines: Iterable[bytes], ram: int) -> RamMapping | None:
    """Find the RAM in the lines of an smaps file."""
    best: _Run | None = None
    for run in _runs(lines):
        if run.exact(ram):
            return _found(run.parts[-1:], ram)
        if run.size >= ram and (best is None or run.size < best.size):
            best = run
    return None if best is None else _found(best.parts, ram)


def mapping_at(lines: Iterable[bytes], low: int, high: int) -> RamMapping | None:
    """The mapping from ``low`` to ``high``; None if not all of it is one block of RAM.

    QEMU maps a guard page without any access behind each block (util/mmap-alloc.c), so another block that happens to
    lie behind it is not taken for a part of it.
    """
    parts = list(_mappings(lines, low, high))
    if any(part.permissions.startswith(b"---") for part in parts):
        return None
    covered = sum(min(part.end, high) - max(part.start, low) for part in parts)
    return _found(parts, high - low) if parts and covered == high - low else None


def _found(parts: Sequence[_Mapping], ram: int) -> RamMapping:
    most = max(parts, key=lambda part: part.end - part.start)
    major, minor = (int(number, 16) for number in most.device.split(b":"))
    merged = sum(part.merged for part in parts)
    return RamMapping(
        resident=max(0, min(sum(part.resident for part in parts), ram) - merged),
        page=most.page,
        locked=most.locked,
        shared=b"s" in most.permissions,
        path=most.path,
        device=(major, minor),
        inode=most.inode,
        merged=merged,
        swapped=sum(part.swapped for part in parts),
    )


class _Mapping(Struct):
    start: int
    end: int
    permissions: bytes
    device: bytes
    inode: int
    path: bytes
    resident: int = 0
    page: int = SMALL_PAGE
    locked: bool = False
    rss: int = 0
    pss: int = 0
    ksm: int | None = None
    """The line ``KSM:``, since Linux 6.6."""
    swapped: int = 0

    @property
    def merged(self) -> int:
        """Without its line, what is shared of anonymous memory: a guest's RAM is not inherited by forks (MADV_DONTFORK)."""
        if self.ksm is not None:
            return self.ksm
        return 0 if self.inode else max(0, self.rss - self.pss)


class _Run(Struct):
    """Adjacent mappings of one file (or of none); grows while smaps is read."""

    parts: list[_Mapping]

    @property
    def size(self) -> int:
        return self.parts[-1].end - self.parts[0].start

    @property
    def resident(self) -> int:
        return sum(part.resident for part in self.parts)

    def exact(self, ram: int) -> bool:
        """Whether the last mapping is the RAM in one piece, which is nearly always the case."""
        return self.parts[-1].end - self.parts[-1].start == ram


def _runs(lines: Iterable[bytes]) -> Iterator[_Run]:
    """For each mapping, the run that ends with it so far."""
    run: _Run | None = None
    for mapping in _mappings(lines):
        if run is not None and run.parts[-1].end == mapping.start and run.parts[-1].path == mapping.path:
            run.parts.append(mapping)
        else:
            run = _Run([mapping])
        yield run


def _mappings(lines: Iterable[bytes], low: int = 0, high: int = 1 << 64) -> Iterator[_Mapping]:
    """Mappings that overlap ``low`` to ``high``. Called several times a second, so the others cost as little as possible,
    and those above are not read.
    """
    mapping: _Mapping | None = None
    for line in lines:
        if b"A" <= line < b"[":  # a field of the mapping, as ``Rss:    1024 kB``
            if mapping is None:
                continue
            if line.startswith((b"Rss:", b"Shared_Hugetlb:", b"Private_Hugetlb:")):
                size = int(line.split()[1]) * KIB
                mapping.resident += size
                mapping.rss += size if line.startswith(b"Rss:") else 0
            elif line.startswith(b"Pss:"):
                mapping.pss = int(line.split()[1]) * KIB
            elif line.startswith(b"KSM:"):
                mapping.ksm = int(line.split()[1]) * KIB
            elif line.startswith(b"Swap:"):
                mapping.swapped = int(line.split()[1]) * KIB
            elif line.startswith(b"KernelPageSize:"):
                mapping.page = int(line.split()[1]) * KIB
            elif line.startswith(b"VmFlags:"):
                mapping.locked = b"lo" in line.split()
            continue
        if mapping is not None:
            yield mapping
        fields = line.split(None, 5)
        start, end = (int(part, 16) for part in fields[0].split(b"-"))
        if start >= high:
            return
        path = fields[5].strip() if len(fields) > 5 else b""
        outside = end <= low
        mapping = None if outside else _Mapping(start, end, fields[1], fields[3], int(fields[4]), path)
    if mapping is not None:
        yield mapping
