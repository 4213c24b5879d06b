"""Hugepages: how many a guest needs, how many are missing, and what number mends it. Arithmetic only.

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
    """What a start may do about a pool that is too small."""

    NOTHING = "nothing"
    """Say what is missing."""
    KEEP = "keep"
    """Grow the pool, and leave it so."""
    RETURN = "return"
    """Grow the pool, and shrink it again when the guest is gone."""


class NodePool(Struct, frozen=True):
    """One NUMA node's share of a pool. The kernel keeps reservations for the whole pool, not for each node."""

    node: int
    page: int
    """Bytes of one page."""
    total: int
    free: int


class Shortage(Struct, frozen=True):
    """A pool, or the nodes that a guest is bound to, with fewer pages than it needs. All numbers are pages."""

    page: int
    """Bytes of one page."""
    needed: int
    available: int
    """Free there, not promised to others, and what the kernel may add by itself (overcommit)."""
    total: int
    """In the pool, or on the node of ``node``, now."""
    node: int | None = None
    """The node to grow; None for the pool as a whole."""

    @property
    def missing(self) -> int:
        return self.needed - self.available

    @property
    def write(self) -> int:
        """What to write to ``nr_hugepages``: what is in the pool already stays in it, in use or not.

        ``total`` counts surplus pages too; the kernel makes those permanent before it looks for new ones.
        """
        return self.total + self.missing


def pages_of(size: int, page: int) -> int:
    """How many pages of ``page`` bytes make ``size`` bytes.

    :raise ValueError: when they do not make it exactly, or nothing is asked for.
    """
    if size <= 0 or page <= 0 or size % page:
        raise ValueError(f"{size} bytes are no whole number of pages of {page} bytes")
    return size // page


def shortage(size: int, pool: HugepagePool, nodes: Sequence[NodePool] = ()) -> Shortage | None:
    """What is missing for a guest of ``size`` bytes; None when there is room.

    :param nodes: the nodes that the guest's memory is bound to; empty when it may come from anywhere.
    :raise ValueError: when the size is not a multiple of the page.
    """
    needed = pages_of(size, pool.page)
    growth = max(0, pool.overcommit - pool.surplus)
    available = max(0, pool.available) + growth
    if nodes:
        # A page that is free on the node may be promised to somebody else: the smaller number holds.
        available = min(available, sum(node.free for node in nodes) + growth)
    if available >= needed:
        return None
    if not nodes:
        return Shortage(pool.page, needed, available, pool.total)
    return Shortage(pool.page, needed, available, nodes[0].total, nodes[0].node)


def fitting(size: int, page: int) -> tuple[int, int]:
    """The multiples of ``page`` bytes next below (0 if there is none) and at or above ``size``."""
    return size // page * page, -(-size // page) * page


TRANSPARENT = {
    "always": "on: ordinary memory comes in 2 MiB pages where it can",
    "madvise": "on for guests: QEMU asks for them",
    "never": "off",
}
"""What the kernel's setting means for a guest on ordinary memory: QEMU asks for them by itself (system/physmem.c,
``ram_block_add``: QEMU_MADV_HUGEPAGE). Kernel: Documentation/admin-guide/mm/transhuge.rst."""


class HugepagePool(Struct, frozen=True):
    """One pool of one page size (Documentation/admin-guide/mm/hugetlbpage.rst)."""

    page: int
    """Bytes of one page."""
    total: int
    free: int
    """Pages that nobody has allocated; ``reserved`` ones are among them."""
    reserved: int
    surplus: int
    overcommit: int = 0
    """How many surplus pages the kernel may make by itself when the pool runs out (``nr_overcommit_hugepages``)."""
    nodes: tuple[NodePool, ...] = ()
    """Each NUMA node's share; empty on a host with one node."""

    @property
    def available(self) -> int:
        """Pages that a new guest could get: free and not promised to others."""
        return self.free - self.reserved


class HugepageHolder(Struct, frozen=True):
    """A guest that has hugepages now."""

    guest: str
    page: int
    """Bytes of one page."""
    size: int
    """Bytes that it holds."""


class HugepageShortage(HostError):
    """A pool of hugepages that is too small for a guest."""

    title = "Hugepages are missing"

    def __init__(self, message: str, shortage: Shortage, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.shortage = shortage
