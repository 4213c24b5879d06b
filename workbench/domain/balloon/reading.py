"""Readings of the balloon from QEMU, the guest's driver and the host."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, cast

from msgspec import Struct
from msgspec.structs import replace

from workbench.domain.units import PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping


class Source(StrEnum):
    """Where a reading came from."""

    CONFIG_SPACE = "config-space"
    """The device's config space, as the guest's driver sees it."""
    QUERY = "query"
    """``query-balloon``: only actual; the target is the last one known to this workbench."""


STALE = 5.0
"""Most seconds that a reading can take."""


class Reading(Struct, frozen=True):
    """One reading of the balloon. Sizes are bytes."""

    time: float
    """Unix time in seconds."""
    ram: int
    """The guest's RAM."""
    target: int
    """RAM that the guest should have: RAM - num_pages."""
    actual: int
    """RAM that the guest has: RAM - pages held. Written by the guest, so clamped to 0…RAM."""
    source: Source

    def precedes(self, when: float) -> bool:
        """Whether it was taken before ``when``, so that a target sent then is not in it.

        A much older one means that the clock was set back, and counts as new.
        """
        return when - STALE < self.time < when

    def in_ram(self, ram: int) -> Reading:
        """The same config space with another RAM size: target and actual shift with it."""
        change = ram - self.ram
        return replace(self, ram=ram, target=self.target + change, actual=self.actual + change) if change else self

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


class GuestStats(Struct, frozen=True):
    """Memory statistics reported by the guest's driver, in bytes and counts; None if not reported.

    QEMU: hw/virtio/virtio-balloon.c, ``balloon_stat_names``; a value never sent is 2**64 - 1.
    """

    last_update: float
    """Unix time of the guest's last report, whole seconds; 0 = never."""
    interval: int
    """QEMU's polling interval in seconds; 0 = off."""
    came_after: float = 0.0
    """Unix time before which the report cannot have arrived, as an older one was read then; 0 = unknown."""
    came_by: float = 0.0
    """Unix time by which it had arrived; 0 = unknown. Together finer than QEMU's whole seconds."""
    total: int | None = None
    free: int | None = None
    available: int | None = None
    caches: int | None = None
    swap_in: int | None = None
    swap_out: int | None = None
    major_faults: int | None = None
    minor_faults: int | None = None
    oom_kills: int | None = None
    """Processes killed by the guest's OOM killer; like the next one, since Linux 6.12 and QEMU 10."""
    alloc_stalls: int | None = None
    """Allocations that stalled in direct reclaim."""


class Measure(StrEnum):
    """How resident guest RAM was measured."""

    RSS = "rss"
    """``Rss`` of its mapping in /proc/PID/smaps."""
    HUGETLB = "hugetlb"
    """Hugetlb pages of its mapping in /proc/PID/smaps."""
    FILE = "file-blocks"
    """Blocks of its backing file in memory (memfd, tmpfs, hugetlbfs), including unmapped ones."""


class HostMemory(Struct, frozen=True):
    """Guest RAM resident on the host. Sizes are bytes."""

    resident: int
    """Resident guest RAM, by ``measure``, without what KSM has merged."""
    baseline: int
    """The same just before the target last changed."""
    measure: Measure = Measure.RSS
    pool_free: int | None = None
    """Free pages in the host's pool of this guest's page size; None on ordinary memory."""
    time: float = 0.0
    """Unix time at which ``resident`` was read; 0 = unknown."""
    merged: int = 0
    """Guest RAM that KSM has merged with equal pages."""
    swapped: int = 0
    """Guest RAM that the host has swapped out."""
    beyond: int = 0
    """Memory that the guest has and its balloon does not count, such as virtio-mem; part of it is in ``resident``."""


class Sample(Struct, frozen=True):
    """One point of the history. Sizes are bytes; None if unknown."""

    time: float
    target: int
    actual: int
    resident: int | None = None
    available: int | None = None


def reading_of(num_pages: int, actual_pages: int, *, ram: int, time: float) -> Reading | None:
    """A reading from the two words of the config space; None if they cannot be the balloon's.

    QEMU clamps the target to RAM (``virtio_balloon_to_target``), so a num_pages beyond RAM was read from the wrong
    place: the BAR has moved. ``actual`` is written by the guest, and is clamped here.
    """
    if num_pages * PAGE > ram:
        return None
    held = min(actual_pages * PAGE, ram)
    return Reading(time, ram, ram - num_pages * PAGE, ram - held, Source.CONFIG_SPACE)


MISSING = 2**64 - 1
"""A statistic never sent (hw/virtio/virtio-balloon.c, ``reset_stats``: all bits set)."""


def seen_between(stats: GuestStats, old: GuestStats | None, asked: float, answered: float) -> GuestStats:
    """The same with bounds for the report's arrival, from when it was read.

    :param old: the previous result, if any.
    :param asked: Unix time of the previous request.
    :param answered: Unix time of the present reply.
    """
    if old is not None and old.last_update == stats.last_update:
        return replace(stats, came_after=old.came_after, came_by=old.came_by)
    first, last = stats.last_update, stats.last_update + 1
    if not first or answered < first:
        return stats  # never sent, or the clock was set back since
    after = asked if old is not None and first <= asked <= last else first
    return replace(stats, came_after=after, came_by=max(after, min(last, answered)))


def stats_of(reply: object, interval: int) -> GuestStats:
    """Parse the value of the device's ``guest-stats`` property."""
    body = cast("Mapping[str, object]", reply) if isinstance(reply, dict) else {}
    found = body.get("stats")
    stats = cast("Mapping[str, int]", found) if isinstance(found, dict) else {}

    def value(name: str) -> int | None:
        number = stats.get(f"stat-{name}")
        return None if number is None or number == MISSING else number

    return GuestStats(
        last_update=float(cast("int", body.get("last-update", 0))),
        interval=interval,
        total=value("total-memory"),
        free=value("free-memory"),
        available=value("available-memory"),
        caches=value("disk-caches"),
        swap_in=value("swap-in"),
        swap_out=value("swap-out"),
        major_faults=value("major-faults"),
        minor_faults=value("minor-faults"),
        oom_kills=value("oom-kills"),
        alloc_stalls=value("alloc-stalls"),
    )
