"""The balloon: what was asked, what the guest holds, and the diff between them.

The device's config space holds two little-endian words in 4 KiB pages (QEMU:
include/standard-headers/linux/virtio_balloon.h): ``num_pages``, written by the host, how many pages the balloon should
hold; and ``actual``, written by the guest, how many it holds. The guest's driver computes the diff as
``num_pages - actual`` (Linux: drivers/virtio/virtio_balloon.c, ``towards_target``). Memory is counted in those pages
here and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from workbench.domain.balloon.backing import Backing
    from workbench.domain.balloon.diagnosis.causes import Verdict
    from workbench.domain.balloon.history.marks import Mark
    from workbench.domain.balloon.ledger import Ledger
    from workbench.domain.balloon.reading import GuestStats, HostMemory, Reading, Sample


class Balloon(Struct, frozen=True):
    """Everything that the balloon panel shows, but for what the user has staged."""

    verdict: Verdict
    reading: Reading | None = None
    """None when there is no balloon or nothing was read yet."""
    rate: float = 0.0
    """Bytes of ``actual`` a second over the last moments, signed: negative while inflating."""
    stats: GuestStats | None = None
    host: HostMemory | None = None
    ours: bool = True
    """Whether the current target was set through this workbench."""
    unanswered: int | None = None
    """A target in bytes that was sent to a QEMU that does not answer, and may be carried out when it does."""
    history: tuple[Sample, ...] = field(default=())
    marks: tuple[Mark, ...] = field(default=())
    """What happened to the balloon, oldest first; of the newest 500."""
    ledger: Ledger | None = None
    """The last change of the target, and what came of it."""
    backing: Backing | None = None
    """What the guest's RAM stands on; None when that could not be seen."""

    @property
    def unreturned(self) -> int | None:
        """What the guest gave up and the host did not get back; None where that is not known: see :class:`Ledger`."""
        return self.ledger.unreturned if self.ledger is not None else None

    @property
    def eta(self) -> float | None:
        """Seconds until the diff is 0 at the present rate; None when it does not move that way."""
        if self.reading is None or not self.rate or not self.reading.diff:
            return None
        seconds = -self.reading.diff / self.rate
        return seconds if seconds > 0 else None
