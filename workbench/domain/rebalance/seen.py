"""A guest's progress in a rebalance, from its snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.rebalance.progress import Seen, step_words

if TYPE_CHECKING:
    from workbench.domain.guest.snapshot import GuestSnapshot


def seen_of(snapshot: GuestSnapshot, begun: float) -> Seen | None:
    """Its progress; None if its balloon has not been read.

    :param begun: Unix time at which the rebalance began; an older alarm of its guard does not count.
    """
    if not snapshot.phase.alive:
        return Seen(0, 0, gone=f"it was {snapshot.ended.words}" if snapshot.ended else "QEMU exited")
    reading = snapshot.balloon.reading if snapshot.balloon is not None else None
    if snapshot.balloon is None or reading is None:
        return None
    alarm = snapshot.protection.alarm
    return Seen(
        reading.target,
        reading.actual,
        snapshot.balloon.verdict.cause if snapshot.answering else snapshot.trouble,
        step_words(snapshot.protection.ramping),
        f"its guard gave all memory back: {alarm.why}" if alarm and alarm.time >= begun else "",
    )
