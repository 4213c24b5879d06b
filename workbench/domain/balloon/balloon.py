"""The balloon's state as shown: the reading, its verdict, statistics, history and ledger.

The device's config space has two little-endian words, in 4 KiB pages (QEMU:
include/standard-headers/linux/virtio_balloon.h): ``num_pages``, written by the host, the pages that the balloon should
hold; and ``actual``, written by the guest, the pages it holds. The guest's driver computes the diff as
``num_pages - actual`` (Linux: drivers/virtio/virtio_balloon.c, ``towards_target``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from workbench.domain.balloon.diagnosis.causes import State

if TYPE_CHECKING:
    from workbench.domain.balloon.backing import Backing
    from workbench.domain.balloon.diagnosis.causes import Verdict
    from workbench.domain.balloon.history.marks import Mark
    from workbench.domain.balloon.ledger import Ledger
    from workbench.domain.balloon.reading import GuestStats, HostMemory, Reading, Sample


class Balloon(Struct, frozen=True):
    """Everything that the balloon panel shows, except the staged target."""

    verdict: Verdict
    reading: Reading | None = None
    """None if there is no balloon, or it has not been read yet."""
    rate: float = 0.0
    """Recent change of ``actual`` in bytes a second; negative while inflating."""
    stats: GuestStats | None = None
    host: HostMemory | None = None
    ours: bool = True
    """Whether the current target was set through this workbench."""
    target_since: float = 0.0
    """Unix time at which it was set or found; 0 if it never changed."""
    unanswered: int | None = None
    """A target in bytes sent to a QEMU that does not answer; it may be carried out once it does."""
    history: tuple[Sample, ...] = field(default=())
    marks: tuple[Mark, ...] = field(default=())
    """The newest 500 marks, oldest first."""
    ledger: Ledger | None = None
    """The last change of the target and its outcome."""
    backing: Backing | None = None
    """The host memory behind the guest's RAM; None if it could not be read."""

    @property
    def unreturned(self) -> int | None:
        """Memory that the guest gave up and the host did not get back; None if unknown. See :class:`Ledger`."""
        return self.ledger.unreturned if self.ledger is not None else None

    @property
    def eta(self) -> float | None:
        """Seconds until the diff is 0 at the present rate; None if it is not moving that way."""
        if self.reading is None or not self.rate or not self.reading.diff:
            return None
        seconds = -self.reading.diff / self.rate
        return seconds if seconds > 0 else None


def has_driver_returned(before: Balloon | None, now: Balloon) -> bool:
    """Whether the guest's driver was absent and no longer is, as after a boot."""
    return before is not None and before.verdict.state is State.ABSENT and now.verdict.state is not State.ABSENT
