"""Tracks who last set a guest's target, in the guest's directory and as marks in its history."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.balloon.history.marks import Mark, MarkKind
from workbench.domain.balloon.reading import Source
from workbench.domain.units import mib
from workbench.engine.balloon.record.last_look import Witness
from workbench.engine.balloon.record.marks import MarksFile
from workbench.engine.balloon.record.target_record import TargetRecord, load_record, save_record
from workbench.errors import MonitorClosed, MonitorError, MonitorTimeout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Protocol

    from workbench.domain.balloon.ledger import Moment
    from workbench.domain.balloon.reading import Reading

    class Change(Protocol):
        """Makes the record of a change, with the last reading as the state before."""

        def __call__(self, target: int, since: float, *, ours: bool) -> TargetRecord: ...


ASKING = frozenset({MarkKind.REQUEST, MarkKind.FOREIGN_REQUEST, MarkKind.RESET})
"""Marks after which the guest's driver starts to move again."""


class TargetBook:
    """The targets of one guest, set by any client."""

    def __init__(self, directory: Path, started: float) -> None:
        """:param started: Unix time at which QEMU started, without a target."""
        self._path = directory
        self._started = started
        self.record: TargetRecord | None = load_record(directory)
        """The last change; None if none is known."""
        self.marks = MarksFile(directory)
        self.witness = Witness(directory)

    def mark_in(self, marks: MarksFile) -> None:
        """Share the marks with the view that shows them, so that it also gets those that a full disk rejected."""
        marks.follow(self.marks)
        self.marks = marks

    @property
    def asked_at(self) -> float:
        """Unix time at which the target was last sent or found, or of a later reset of the guest."""
        marked = next((mark.time for mark in reversed(self.marks.load()) if mark.kind in ASKING), 0.0)  # by time
        return max(self.record.since if self.record else 0.0, marked)

    @contextmanager
    def sending(self, change: TargetRecord, *, continues: bool) -> Iterator[None]:
        """Wrap the command that sends a target: it counts as this workbench's own unless QEMU refuses it or it was never sent.
        If it is unknown whether QEMU received it, it counts as sent.

        :param continues: it is a further step of a ramp, whose ledger begins before the first one.
        """
        before = self.record
        if before is not None and (continues or before.target == change.target):
            # Sending the same target again is not a change: its ledger continues too.
            change = replace(change, before=before.before, baseline=before.baseline)
            if before.target == change.target:
                change = replace(change, settled=before.settled)
        # Recorded first: a reading between the command and its reply must not take the new target for another client's.
        self._note(change)
        try:
            yield
        except MonitorError as error:
            if isinstance(error, MonitorTimeout | MonitorClosed) and error.sent:
                self._mark(MarkKind.REQUEST, change)
            else:
                self._note(before)
            raise
        self._mark(MarkKind.REQUEST, change)

    def see(self, reading: Reading, change: Change, *, driver_ok: bool | None) -> None:
        """Check a reading for a change of RAM, and for a target set by another client.

        :param driver_ok: whether the driver is up; None if unknown.
        """
        self._notice_ram(reading)
        self._notice_target(reading, change)
        self.witness.see(reading, since=self.asked_at, driver_ok=driver_ok)

    def note_settled(self, moment: Moment, *, moved_at: float) -> None:
        """The target is reached: keep the figures of that moment, the first ones since the balloon last moved.

        :param moved_at: Unix time at which it last moved, as far as known.
        """
        record = self.record
        if record is None or record.before is None or record.target != moment.target or moment.time < record.since:
            return
        if record.settled is None or record.settled.time < moved_at:
            self._note(replace(record, settled=moment))

    def _notice_ram(self, reading: Reading) -> None:
        """Check for plugged or unplugged memory: num_pages stays, so the target in bytes changes."""
        change = self.witness.ram_change(reading)
        if not change:
            return
        way = "plugged in" if change > 0 else "unplugged"
        self.marks.add(Mark(reading.time, MarkKind.RAM_CHANGE, f"{mib(abs(change))} {way}", change))
        if self.record is not None and self.record.target + change == reading.target:
            before = self.record.before
            settled = self.record.settled
            self._note(
                replace(
                    self.record,
                    target=reading.target,
                    before=before and before.shifted(change),
                    settled=settled and settled.shifted(change),
                )
            )

    def _notice_target(self, reading: Reading, change: Change) -> None:
        """Update the record if another client has set the target."""
        if self.record is not None and (self.record.target == reading.target or reading.precedes(self.record.since)):
            return
        written = load_record(self._path)
        if written is not None and written.target == reading.target:
            self.record = written  # another workbench: the command line, or a screen before this one
        elif self.record is None and reading.target == reading.ram:
            self.record = TargetRecord(reading.target, None, self._started, ours=True)
        elif reading.source is Source.CONFIG_SPACE:
            found = change(reading.target, reading.time, ours=False)
            self._note(found)
            self._mark(MarkKind.FOREIGN_REQUEST, found)

    def _mark(self, kind: MarkKind, change: TargetRecord) -> None:
        """Mark the change at the time it was sent or found: before the first reading that has it."""
        by = " by another client" if kind is MarkKind.FOREIGN_REQUEST else ""
        self.marks.add(Mark(change.since, kind, f"target {mib(change.target)}{by}", change.target))

    def _note(self, record: TargetRecord | None) -> None:
        self.record = record
        save_record(self._path, record)
