"""How much of a guest's RAM the host holds now, from /proc/PID/smaps (proc_pid_smaps(5))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KIB = 1024


def resident_ram(pid: int, ram: int) -> int | None:
    """Bytes of the guest's RAM that are resident; None when the process is gone or no mapping has the RAM's size.

    QEMU maps a RAM block of ``ram`` bytes in one piece (util/mmap-alloc.c, ``qemu_ram_mmap``), but the kernel may split
    the mapping (madvise, mprotect) or merge it with a neighbour, so parts that touch each other count together.
    """
    try:
        with open(f"/proc/{pid}/smaps", "rb") as file:
            return resident_of(file, ram)
    except OSError:
        return None


def resident_of(lines: Iterable[bytes], ram: int) -> int | None:
    """The same from the lines of an smaps file.

    Ordinary memory counts in ``Rss``; hugetlb pages count only in ``Shared_Hugetlb`` and ``Private_Hugetlb``.
    """
    best: _Run | None = None
    for run in _runs(lines):
        if run.exact(ram):
            return min(run.parts[-1].resident, ram)
        if run.size >= ram and (best is None or run.size < best.size):
            best = run
    return None if best is None else min(best.resident, ram)


@dataclass(slots=True)
class _Mapping:
    start: int
    end: int
    path: bytes
    resident: int = 0


@dataclass(slots=True)
class _Run:
    """Mappings of one file (or of none) that touch each other; grown while it is read."""

    parts: list[_Mapping]

    @property
    def size(self) -> int:
        return self.parts[-1].end - self.parts[0].start

    @property
    def resident(self) -> int:
        return sum(part.resident for part in self.parts)

    def exact(self, ram: int) -> bool:
        """Whether the last mapping is the RAM in one piece, as it is nearly always."""
        return self.parts[-1].end - self.parts[-1].start == ram


def _runs(lines: Iterable[bytes]) -> Iterator[_Run]:
    """After each mapping, the run that it ends so far."""
    run: _Run | None = None
    for line in lines:
        if line[:1] in b"0123456789abcdef":
            if run is not None:
                yield run
            fields = line.split(None, 5)
            low, high = (int(part, 16) for part in fields[0].split(b"-"))
            mapping = _Mapping(low, high, fields[5].strip() if len(fields) > 5 else b"")
            touches = run is not None and run.parts[-1].end == low and run.parts[-1].path == mapping.path
            if run is not None and touches:
                run.parts.append(mapping)
            else:
                run = _Run([mapping])
        elif run is not None and line.startswith((b"Rss:", b"Shared_Hugetlb:", b"Private_Hugetlb:")):
            run.parts[-1].resident += int(line.split()[1]) * KIB
    if run is not None:
        yield run
