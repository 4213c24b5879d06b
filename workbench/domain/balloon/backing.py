"""What a guest's RAM stands on, as far as it decides whether a balloon gives the host anything.

Measured with QEMU 7.2 and Linux 6.1 guests. QEMU frees what the balloon holds with madvise(2) and fallocate(2), a host
page at a time (system/physmem.c, ``ram_block_discard_range``): a 2 MiB page only when one element of the virtqueue
covers all of it (hw/virtio/virtio-balloon.c, ``balloon_inflate_page``), and Linux puts 1 MiB at most into one
(drivers/virtio/virtio_balloon.c, ``VIRTIO_BALLOON_ARRAY_PFNS_MAX``).
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from workbench.domain.units import MIB, PAGE, format_size, mib, size_words

LARGEST_ELEMENT = MIB
"""The most that Linux hands the balloon in one piece: 256 pages."""


class Effect(StrEnum):
    """What inflating does for the host."""

    RETURNS = "returns"
    """What the guest gives and had used comes back to the host."""
    NOTHING = "nothing"
    """The guest gives, and the host keeps holding it."""
    COSTS = "costs"
    """The host keeps holding it, and may hold more afterwards than before."""


class Backing(Struct, frozen=True):
    """What is known of the host's side of a guest's RAM."""

    page: int = PAGE
    """Bytes of one page of the host's mapping."""
    locked: bool = False
    """The mapping is locked (``VmFlags: lo``): ``-overcommit mem-lock=on``, or mlockall(2)."""
    pinned: tuple[str, ...] = ()
    """Devices that pin all RAM, such as ``vfio-pci hostdev0``: with one, QEMU leaves out every discard
    (``ram_block_discard_disable``: hw/vfio/common.c, hw/virtio/vhost-vdpa.c)."""
    reporting: bool | None = None
    """Whether the balloon device offers free page reporting; None when it was not asked."""
    refusal: str = ""
    """The last line of QEMU's log that says that a discard failed; empty when there is none, or no log."""

    @property
    def hugepages(self) -> bool:
        """Whether one page is more than the balloon is ever handed in one piece."""
        return self.page > LARGEST_ELEMENT

    @property
    def effect(self) -> Effect:
        if self.locked or self.pinned:
            return Effect.NOTHING
        return Effect.COSTS if self.hugepages else Effect.RETURNS

    @property
    def short(self) -> str:
        """What makes the balloon void, in a word or two; empty when nothing does."""
        if self.pinned:
            return self.pinned[0].split()[0]
        if self.locked:
            return "locked memory"
        return f"{format_size(self.page)} pages" if self.hugepages else ""

    @property
    def cause(self) -> str:
        """The same as a clause; empty when nothing makes it void."""
        if self.pinned:
            return f"{' and '.join(self.pinned)} pins all RAM, and QEMU then discards nothing"
        if self.locked:
            return "RAM is locked in memory, and QEMU's discards fail"
        if not self.hugepages:
            return ""
        return f"QEMU frees a page of {size_words(self.page)} only whole, and a guest gives 1 MiB at most in one piece"

    @property
    def instead(self) -> str:
        """What would serve instead; empty when the balloon serves."""
        if self.pinned:
            return "virtio-mem, or a guest without that device"
        if self.locked:
            return "a guest whose RAM is not locked"
        if not self.hugepages:
            return ""
        if self.reporting:
            return "leave the target at RAM: free page reporting gives free memory back by itself"
        return (
            "ordinary memory, or free-page-reporting = true with the target left at RAM (SIGBUS if the pool runs dry)"
        )

    @property
    def hint(self) -> str:
        """Cause and remedy in the fewest words, for where there is one line; empty when the balloon serves."""
        if self.pinned:
            return f"{self.short} pins RAM; virtio-mem would serve"
        if self.locked:
            return "RAM is locked; it would serve without lock"
        if not self.hugepages:
            return ""
        page = size_words(self.page)
        if self.reporting:
            return f"giving touches {page} pages: leave it at RAM"
        return f"{page} pages come back only whole: use 4 KiB ones"

    def most_lost(self, inflate: int, untouched: int) -> int:
        """By how many bytes the host's holding may grow when the guest gives some.

        A guest that zeroes what it gives (Linux's ``init_on_alloc``) touches pages that the host did not hold: never
        used ones, and with free page reporting those that it had given back.

        :param inflate: bytes that the guest would have to give.
        :param untouched: bytes of its RAM that the host does not hold now.
        """
        return max(0, min(inflate, untouched)) if self.effect is Effect.COSTS else 0

    def words_before(self, inflate: int, untouched: int) -> str:
        """What a target would do to the host, in a sentence; empty when it would do what a balloon is for.

        :param inflate: bytes that the guest would have to give; 0 or less when it would get some.
        :param untouched: bytes of its RAM that the host does not hold now.
        """
        if inflate <= 0 or self.effect is Effect.RETURNS:
            return ""
        if not (loss := self.most_lost(inflate, untouched)):
            return f"the host will get none of these {mib(inflate)}: {self.cause}"
        again = " again" if self.reporting else ""
        return (
            f"the host may lose up to {mib(loss)}: the guest zeroes what it gives, which takes pages from the pool{again}; "
            f"{self.cause}"
        )
