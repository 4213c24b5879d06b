"""Hugepage arithmetic: how many pages a guest needs, how many are missing, and what to write to nr_hugepages.

Kernel: Documentation/admin-guide/mm/hugetlbpage.rst; mm/hugetlb.c, ``set_max_huge_pages``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Supply(StrEnum):
    """What a start may do if the pool is too small."""

    NOTHING = "nothing"
    """Fail, and report the shortage."""
    KEEP = "keep"
    """Grow the pool permanently."""
    RETURN = "return"
    """Grow the pool, and shrink it again when the guest ends."""


class NodePool(Struct, frozen=True):
    """One NUMA node's share of a pool. Reservations are per pool in the kernel, not per node."""

    node: int
    page: int
    """Bytes of one page."""
    total: int
    free: int


class Shortage(Struct, frozen=True):
    """A pool, or the nodes that a guest is bound to, with too few pages for it. Counts are pages."""

    page: int
    """Bytes of one page."""
    needed: int
    available: int
    """Free and unreserved, plus what the kernel may add on its own (overcommit)."""
    total: int
    """In the pool, or on ``node``, now."""
    node: int | None = None
    """The node to grow; None for the pool as a whole."""

    @property
    def missing(self) -> int:
        return self.needed - self.available

    @property
    def write(self) -> int:
        """The number to write to ``nr_hugepages``: all pages in the pool now, used or not, plus the missing ones.

        ``total`` includes surplus pages; the kernel makes those permanent before it allocates new ones.
        """
        return self.total + self.missing


def pages_of(size: int, page: int) -> int:
    """The number of pages of ``page`` bytes in ``size`` bytes.

    :raise ValueError: if it is not a whole number, or not positive.
    """
    if size <= 0 or page <= 0 or size % page:
        raise ValueError(f"{size} bytes is not a whole number of pages of {page} bytes")
    return size // page


def shortage(size: int, pool: HugepagePool, nodes: Sequence[NodePool] = ()) -> Shortage | None:
    """The shortage for a guest of ``size`` bytes; None if there is room.

    :param nodes: the nodes that the guest's memory is bound to; empty for any node.
    :raise ValueError: if the size is not a multiple of the page size.
    """
    needed = pages_of(size, pool.page)
    growth = max(0, pool.overcommit - pool.surplus)
    available = max(0, pool.available) + growth
    if nodes:
        # Free pages on the node may be reserved by another process: the smaller number counts.
        available = min(available, sum(node.free for node in nodes) + growth)
    if available >= needed:
        return None
    if not nodes:
        return Shortage(pool.page, needed, available, pool.total)
    return Shortage(pool.page, needed, available, nodes[0].total, nodes[0].node)


def fitting(size: int, page: int) -> tuple[int, int]:
    """``size`` rounded down (possibly to 0) and up to a multiple of ``page``, both in bytes."""
    return size // page * page, -(-size // page) * page


TRANSPARENT = {
    "always": "on: ordinary memory uses 2 MiB pages where possible",
    "madvise": "on for guests: QEMU requests them",
    "never": "off",
}
"""What the kernel's setting means for a guest on ordinary memory: QEMU always requests them (system/physmem.c,
``ram_block_add``: QEMU_MADV_HUGEPAGE). Kernel: Documentation/admin-guide/mm/transhuge.rst."""


class HugepagePool(Struct, frozen=True):
    """The hugepage pool of one page size (Documentation/admin-guide/mm/hugetlbpage.rst)."""

    page: int
    """Bytes of one page."""
    total: int
    free: int
    """Unallocated pages, including ``reserved`` ones."""
    reserved: int
    surplus: int
    overcommit: int = 0
    """Most surplus pages that the kernel may add when the pool is empty (``nr_overcommit_hugepages``)."""
    nodes: tuple[NodePool, ...] = ()
    """Each NUMA node's share; empty on a host with one node."""

    @property
    def available(self) -> int:
        """Pages available to a new guest: free and not reserved."""
        return self.free - self.reserved


class HugepageHolder(Struct, frozen=True):
    """A guest that uses hugepages now."""

    guest: str
    page: int
    """Bytes of one page."""
    size: int
    """Bytes that it holds."""


class HugepageShortage(HostError):
    """The hugepage pool is too small for a guest."""

    title = "Not enough hugepages"

    def __init__(self, message: str, shortage: Shortage, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.shortage = shortage
