"""The last change of a guest's target, kept in its state directory, and the ledger made from it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from workbench.domain.balloon.ledger import Ledger, Moment
from workbench.engine.storage.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.domain.balloon.backing import Backing
    from workbench.domain.balloon.reading import GuestStats, Reading
    from workbench.engine.balloon.host_memory import RamHeld

RECORD = "balloon.json"


class TargetRecord(Struct, frozen=True):
    """The last change of the target."""

    target: int
    """Bytes."""
    baseline: int | None
    """Resident bytes of the guest's RAM just before the change."""
    since: float
    """Unix time."""
    ours: bool
    """Whether a workbench sent it; otherwise it was found in config space."""
    before: Moment | None = None
    """The state just before; None if it was not seen, and in records of older versions."""
    settled: Moment | None = None
    """The state when the target was first seen as reached, with a figure of the host from then or later. What the host
    gets after that is not the balloon's. None until then."""


def load_record(directory: Path) -> TargetRecord | None:
    """The kept record; None if there is none or it cannot be read."""
    try:
        return msgspec.json.decode((directory / RECORD).read_bytes(), type=TargetRecord)
    except (OSError, ValueError):
        return None


def save_record(directory: Path, record: TargetRecord | None) -> None:
    """Keep the record, as a convenience for the next workbench: a full disk must not prevent a target from being sent."""
    with suppress(OSError):
        if record is None:
            (directory / RECORD).unlink(missing_ok=True)
        else:
            write_atomic(directory / RECORD, msgspec.json.encode(record), lasting=False)


def record_of(
    target: int, since: float, before: Reading | None, stats: GuestStats | None, held: RamHeld | None, *, ours: bool
) -> TargetRecord:
    """A change of the target.

    :param before: the last reading without the change; ``stats`` and ``held`` are of the same time.
    """
    moment = None if before is None else moment_of(before, stats, held)
    return TargetRecord(target, held.resident if held else None, since, ours, moment)


def ledger_of(
    record: TargetRecord | None,
    reading: Reading,
    stats: GuestStats | None,
    held: RamHeld | None,
    backing: Backing | None,
    *,
    began: float,
    stale: bool,
    reading_host: bool = False,
    unknown: str = "",
) -> Ledger:
    """The ledger of the last change of the target.

    :param began: Unix time at which the change was sent or found, or of a later reset.
    :param reading_host: whether ``held`` is older than the balloon's last movement.
    :param unknown: why ``held`` is None, if known.
    :param stale: whether the device's ``actual`` comes from a driver that is gone, so that no driver holds those pages.
    """
    before = None if record is None else record.before
    if record is not None and before is None and record.baseline is not None:
        before = Moment(record.since, resident=record.baseline)
    # A report from before the change does not describe the guest now.
    old = stats is not None and before is not None and stats.last_update < began
    now = moment_of(reading, None if old else stats, held)
    if stale:
        now = replace(now, actual=None)
    return Ledger(
        reading.ram,
        now,
        before,
        ours=record is None or record.ours,
        backing=backing,
        settled=record.settled if record is not None else None,
        reading=reading_host,
        unknown=unknown if held is None else "",
    )


def moment_of(reading: Reading, stats: GuestStats | None, held: RamHeld | None) -> Moment:
    """The figures of one reading."""
    report = stats if stats is not None and stats.last_update else None
    return Moment(
        time=reading.time,
        target=reading.target,
        actual=reading.actual,
        resident=held.resident if held else None,
        available=report.available if report else None,
        free=report.free if report else None,
        pool_free=held.pool_free if held else None,
        resident_at=held.time if held else None,
        swapped=held.swapped if held else 0,
        beyond=held.beyond if held else 0,
    )
