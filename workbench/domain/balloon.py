"""The balloon: what was asked, what the guest holds, the diff between them, and why it stays.

The device's config space holds two little-endian words in 4 KiB pages (QEMU: include/standard-headers/linux/virtio_balloon.h):
``num_pages``, written by the host, how many pages the balloon should hold; and ``actual``, written by the guest, how many it
holds. The guest's driver computes the diff as ``num_pages - actual`` (Linux: drivers/virtio/virtio_balloon.c, ``towards_target``).
Here, and nowhere else, memory is also counted in those pages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

PAGE = 4096
"""Bytes of a balloon page, whatever the guest's own page size (VIRTIO_BALLOON_PFN_SHIFT = 12)."""


class Source(StrEnum):
    """Where a reading came from."""

    CONFIG_SPACE = "config-space"
    """The device's config space, as the guest's driver sees it."""
    QUERY = "query"
    """``query-balloon``: the actual alone; the target is the last one that this workbench knows of."""


class State(StrEnum):
    SETTLED = "settled"
    INFLATING = "inflating"
    DEFLATING = "deflating"
    STALLED = "stalled"
    ABSENT = "absent"
    """No balloon device, or no driver in the guest to move it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the balloon. All sizes are bytes."""

    time: float
    """Unix time in seconds."""
    ram: int
    """The guest's RAM."""
    target: int
    """RAM that the guest should have: RAM - num_pages."""
    actual: int
    """RAM that the guest has: RAM - pages held. Written by the guest, so clamped to 0…RAM."""
    source: Source

    @property
    def diff(self) -> int:
        """``actual - target`` in bytes: positive while the guest has yet to give memory up."""
        return self.actual - self.target

    @property
    def diff_pages(self) -> int:
        """The guest driver's ``towards_target()``: positive = pages to inflate, negative = to deflate."""
        return self.diff // PAGE

    @property
    def held(self) -> int:
        """The balloon's size: RAM - actual."""
        return self.ram - self.actual


@dataclass(frozen=True, slots=True)
class GuestStats:
    """What the guest's driver says of its own memory, in bytes and counts; None where it said nothing.

    QEMU: hw/virtio/virtio-balloon.c, ``balloon_stat_names``; a value that the guest never sent is 2**64 - 1.
    """

    last_update: float
    """Unix time of the guest's last report, whole seconds; 0 = never."""
    interval: int
    """Seconds between reports that QEMU asks for; 0 = it does not ask."""
    total: int | None = None
    free: int | None = None
    available: int | None = None
    caches: int | None = None
    swap_in: int | None = None
    swap_out: int | None = None
    major_faults: int | None = None
    minor_faults: int | None = None


@dataclass(frozen=True, slots=True)
class HostMemory:
    """What the host holds of the guest's RAM. All sizes are bytes."""

    resident: int
    """The guest's RAM that is resident now (Rss, or hugetlb pages, of the RAM mapping in /proc/PID/smaps)."""
    baseline: int
    """The same just before the target last changed."""
    unreturned: int
    """Resident - actual when positive: given up by the guest and not returned to the host."""

    @property
    def reclaimed(self) -> int:
        """The fall of resident RAM since the target last changed; negative when it rose."""
        return self.baseline - self.resident


@dataclass(frozen=True, slots=True)
class Sample:
    """One point of the history. Sizes in bytes; None where it was not known."""

    time: float
    target: int
    actual: int
    resident: int | None = None
    available: int | None = None


@dataclass(frozen=True, slots=True)
class Balloon:
    """Everything that the balloon panel shows, but for what the user has staged."""

    state: State
    cause: str = ""
    """Why it is stalled or absent, in words; empty otherwise."""
    evidence: tuple[str, ...] = ()
    """What was seen that says so."""
    reading: Reading | None = None
    """None when there is no balloon or nothing was read yet."""
    rate: float = 0.0
    """Bytes of ``actual`` a second over the last moments, signed: negative while inflating."""
    driver_ok: bool | None = None
    """Whether the guest's driver set DRIVER_OK; None when it cannot be read."""
    stats: GuestStats | None = None
    host: HostMemory | None = None
    ours: bool = True
    """Whether the current target was set through this workbench."""
    history: tuple[Sample, ...] = field(default=(), repr=False)

    @property
    def eta(self) -> float | None:
        """Seconds until the diff is 0 at the present rate; None when it does not move that way."""
        if self.reading is None or not self.rate or not self.reading.diff:
            return None
        seconds = -self.reading.diff / self.rate
        return seconds if seconds > 0 else None
