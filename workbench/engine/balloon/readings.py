"""One guest's readings so far and their diagnosis: the state that a guest's driver keeps between rounds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from workbench.domain.balloon.balloon import Balloon
from workbench.domain.balloon.diagnosis.movement import moved_at
from workbench.domain.balloon.history.marks import TURNS, MarkKind, mark_of_event
from workbench.domain.balloon.rate import rate_of
from workbench.domain.balloon.reading import Sample
from workbench.engine.balloon.console_look import ConsoleLook
from workbench.engine.balloon.diagnosis import Diagnosis
from workbench.engine.balloon.errands import Errands
from workbench.engine.balloon.record.marks import MarksFile
from workbench.engine.balloon.record.samples import Samples
from workbench.engine.balloon.record.take_back_marks import TakeBackMarks
from workbench.engine.balloon.record.turn_marks import TurnMarks
from workbench.engine.balloon.track import Track

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.balloon.diagnosis.judge import Verdict
    from workbench.domain.balloon.reading import GuestStats, HostMemory, Reading
    from workbench.domain.balloon.safety.ramp import Ramping
    from workbench.engine.balloon.place import Place
    from workbench.engine.balloon.probe import BalloonProbe
    from workbench.engine.balloon.record.target_record import TargetRecord
    from workbench.engine.balloon.schedule import Clock

DEADLINE = 1.0
"""Seconds until a reading counts as unanswered."""


class Readings:
    """Reads one guest round by round: what is due, what was seen, and what it means."""

    def __init__(self, place: Place, statistics: int = 0, *, lasting: bool = True, clock: Clock = time) -> None:
        """
        :param statistics: seconds between reports that the guest's definition asks for; 0: none.
        :param lasting: stay the recorder until closed, not only during each look.
        """
        self._clock = clock
        self.marks = MarksFile(place.directory)
        resets = (mark.time for mark in self.marks.load() if mark.kind is MarkKind.RESET)
        self._samples = Samples(place.directory, lasting=lasting)
        self._errands = Errands(clock)
        self._track = Track(started=max(place.started, *resets, 0.0), moved_at=moved_at(self._samples.all))
        self._diagnosis = Diagnosis(
            statistics, clock, self.marks, self._samples, self._errands, self._track, ConsoleLook(place.console)
        )
        self._turns = TurnMarks(self.marks, clock)
        self._take_backs = TakeBackMarks(self.marks, clock)
        self._host: HostMemory | None = None

    @property
    def moving(self) -> bool:
        """Whether the diff moves or may begin to at any moment; a stalled or paused guest need not be read often."""
        return self.status == "running" and self._track.moves(self._clock.time())

    @property
    def status(self) -> str:
        """QEMU's ``RunState`` as last read."""
        return self._errands.status

    @property
    def reading(self) -> Reading | None:
        """The last reading."""
        return self._track.reading

    @property
    def stats(self) -> GuestStats | None:
        """The guest's own statistics as last read."""
        return self._errands.stats

    def expire(self) -> None:
        """Something happened: read again soon what is otherwise read now and then."""
        self._errands.expire()

    @property
    def expired(self) -> bool:
        """Whether some of that has not been read again yet."""
        return self._errands.expired

    async def look(self, probe: BalloonProbe, *, at_rest: bool, statistics: bool = False) -> None:
        """One round of at most :data:`ROUND_TRIPS` commands: always the balloon, the BAR's address when ``at_rest``, and
        whatever else is due and fits. The first round of a connection reads everything.

        :param statistics: the guard is armed: read the guest's statistics in each round except those that check the driver.
        :raise MonitorError: if QEMU does not answer or the connection ends.
        """
        if not self._errands.has_met(probe):
            probe.book.mark_in(self.marks)
        self._turns.write()
        before, reading = self.reading, await probe.read(check_address=at_rest)
        if before is not None and before.diff and reading is not None and not reading.diff:
            self._errands.hasten_statistics()  # a report from now on is of a guest at rest
        # The actual at the time of a report is known only as precisely as it is sampled, and the largest possible value
        # counts (``actual_at`` in ``domain/balloon/safety/floor.py``).
        statistics = statistics or (self.moving and self._errands.report_due)
        await self._errands.run(probe, at_rest=at_rest, statistics=statistics)
        self._diagnosis.note_answer()
        self._see(reading, probe)
        if at_rest or self.moving or _sizes(reading) != _sizes(before):
            self._host = await probe.changes.look_at_host(moving=self.moving)
        if reading is not None:
            self._mark_take_back(probe)
            self._remember(reading, probe)

    def _see(self, reading: Reading | None, probe: BalloonProbe) -> None:
        track, before = self._track, self._track.reloaded
        track.see_driver(self._errands.driver_seen, ok=probe.driver.known_ok)
        track.see(reading, driver_ok=probe.driver.ok, target_since=probe.book.asked_at)
        if track.reloaded > before:
            probe.book.witness.forget_reached()

    def _mark_take_back(self, probe: BalloonProbe) -> None:
        track, seen = self._track, self._errands.driver_seen
        self._take_backs.see(track.take_back, driver_ok=probe.driver.ok, driver_seen=seen, reloaded=track.reloaded)

    def note_event(self, name: str, data: Mapping[str, object], when: float) -> None:
        """Record a QEMU event, at its Unix time."""
        if (mark := mark_of_event(name, data, when)) is not None:
            if mark.kind in TURNS:
                self._turns.note(mark)
            else:
                self.marks.add(mark)
        if name == "RESET":
            self._track.restart(when)
            self._take_backs.forget()

    def close(self) -> None:
        """Let another process record this guest."""
        self._turns.write_now()
        self._samples.close()

    def balloon(
        self, probe: BalloonProbe, *, answering: bool = True, trouble: str = "", ramping: Ramping | None = None
    ) -> Balloon:
        """Everything that the balloon panel shows, as far as it was read.

        :param trouble: why QEMU does not answer, if known.
        :param ramping: the ramp that is carried out, by any process.
        """
        if not answering:
            self._diagnosis.note_silence()
        record, history = probe.book.record, self._samples.all
        return Balloon(
            verdict=self._diagnosis.verdict(probe, answering=answering, trouble=trouble, ramping=ramping),
            reading=self.reading,
            rate=rate_of(history, self._clock.time()),
            stats=self.stats,
            host=self._host,
            ours=record.ours if record else True,
            target_since=record.since if record and (record.baseline is not None or record.before) else 0.0,
            unanswered=None if answering else _unanswered(record, self.reading),
            history=history,
            marks=self.marks.load(),
            ledger=probe.changes.ledger(),
            backing=probe.memory.backing(reporting=probe.driver.reporting),
        )

    def verdict(self, probe: BalloonProbe) -> Verdict:
        """The balloon's state and its cause, as in :meth:`balloon`."""
        return self._diagnosis.verdict(probe)

    def _remember(self, reading: Reading, probe: BalloonProbe) -> None:
        resident = self._host.resident if self._host else None
        available = self._diagnosis.available(probe)
        self._samples.add(Sample(reading.time, reading.target, reading.actual, resident, available))


def _unanswered(record: TargetRecord | None, reading: Reading | None) -> int | None:
    """Target in bytes that was sent after the last reading and is not in it."""
    if record is None or reading is None or record.since < reading.time or record.target == reading.target:
        return None
    return record.target


def _sizes(reading: Reading | None) -> tuple[int, int] | None:
    """A reading's sizes, without its time."""
    return None if reading is None else (reading.target, reading.actual)
