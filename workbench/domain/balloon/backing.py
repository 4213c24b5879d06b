"""The host memory behind a guest's RAM, and whether inflating returns any of it to the host.

Measured with QEMU 7.2 and Linux 6.1 guests. QEMU frees the balloon's pages with madvise(2) and fallocate(2), one host
page at a time (system/physmem.c, ``ram_block_discard_range``): a 2 MiB page only if a single virtqueue element covers
all of it (hw/virtio/virtio-balloon.c, ``balloon_inflate_page``), and Linux puts at most 1 MiB into one
(drivers/virtio/virtio_balloon.c, ``VIRTIO_BALLOON_ARRAY_PFNS_MAX``).
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from workbench.domain.units import MIB, PAGE, format_size, mib, size_words

LARGEST_ELEMENT = MIB
"""The largest virtqueue element that Linux sends: 256 pages."""


class Effect(StrEnum):
    """The effect of inflating on the host."""

    RETURNS = "returns"
    """Memory that the guest gives and had used returns to the host."""
    NOTHING = "nothing"
    """The guest gives memory, but the host still holds it."""
    COSTS = "costs"
    """The host still holds it, and may end up holding more than before."""


class Backing(Struct, frozen=True):
    """The host's side of a guest's RAM, as far as known."""

    page: int = PAGE
    """Page size of the host's mapping, in bytes."""
    locked: bool = False
    """The mapping is locked (``VmFlags: lo``): ``-overcommit mem-lock=on``, or mlockall(2)."""
    pinned: tuple[str, ...] = ()
    """Devices that pin all RAM, such as ``vfio-pci hostdev0``: with one, QEMU skips every discard
    (``ram_block_discard_disable``: hw/vfio/common.c, hw/virtio/vhost-vdpa.c)."""
    reporting: bool | None = None
    """Whether the balloon device offers free page reporting; None if not queried."""
    refusal: str = ""
    """The last line of QEMU's log that reports a failed discard; empty if none, or if there is no log."""

    @property
    def hugepages(self) -> bool:
        """Whether a page is larger than any virtqueue element."""
        return self.page > LARGEST_ELEMENT

    @property
    def effect(self) -> Effect:
        if self.locked or self.pinned:
            return Effect.NOTHING
        return Effect.COSTS if self.hugepages else Effect.RETURNS

    @property
    def short(self) -> str:
        """Why inflating returns nothing, in a word or two; empty if it does."""
        if self.pinned:
            return self.pinned[0].split()[0]
        if self.locked:
            return "locked memory"
        return f"{format_size(self.page)} pages" if self.hugepages else ""

    @property
    def cause(self) -> str:
        """The same as a clause; empty if inflating returns memory."""
        if self.pinned:
            pin = "pins" if len(self.pinned) == 1 else "pin"
            return f"{' and '.join(self.pinned)} {pin} all RAM, so QEMU discards nothing"
        if self.locked:
            return "RAM is locked in memory, so QEMU's discards fail"
        if not self.hugepages:
            return ""
        return f"QEMU can only free whole {size_words(self.page)} pages, and a guest gives at most 1 MiB at a time"

    @property
    def instead(self) -> str:
        """What to use instead; empty if the balloon works."""
        if self.pinned:
            return "use virtio-mem, or remove that device"
        if self.locked:
            return "do not lock the guest's RAM"
        if not self.hugepages:
            return ""
        if self.reporting:
            return "leave the target at RAM; free page reporting returns free memory on its own"
        return (
            "use ordinary memory, or free-page-reporting = true with the target left at RAM "
            "(SIGBUS if the pool runs out)"
        )

    @property
    def hint(self) -> str:
        """Cause and fix for a single line; empty if the balloon works."""
        if self.pinned:
            return f"{self.short} pins RAM; use virtio-mem"
        if self.locked:
            return "RAM is locked; works if it is not"
        if not self.hugepages:
            return ""
        page = size_words(self.page)
        if self.reporting:
            return f"giving touches {page} pages: leave it at RAM"
        return f"{page} pages are freed only whole: use 4 KiB"

    def most_lost(self, inflate: int, untouched: int) -> int:
        """By how many bytes the host's memory use may grow when the guest gives some.

        A guest that zeroes the pages it gives (Linux's ``init_on_alloc``) touches pages that the host did not hold:
        pages never used, and with free page reporting those it had returned.

        :param inflate: bytes that the guest would have to give.
        :param untouched: bytes of its RAM that the host does not hold now.
        """
        return max(0, min(inflate, untouched)) if self.effect is Effect.COSTS else 0

    def words_before(self, inflate: int, untouched: int) -> str:
        """How a target would fail to help the host, in a sentence; empty if it returns memory.

        :param inflate: bytes that the guest would have to give; 0 or less if it would get some.
        :param untouched: bytes of its RAM that the host does not hold now.
        """
        if inflate <= 0 or self.effect is Effect.RETURNS:
            return ""
        if not (loss := self.most_lost(inflate, untouched)):
            return f"the host will get none of the {mib(inflate)}: {self.cause}"
        again = " again" if self.reporting else ""
        return (
            f"the host may lose up to {mib(loss)}: the guest zeroes what it gives, which takes pages from the pool{again}; "
            f"{self.cause}"
        )
