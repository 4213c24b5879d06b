"""One guest's readings so far and their diagnosis: the state that a guest's driver keeps between rounds."""

from __future__ import annotations

import time
from collections import deque
from functools import cached_property
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.balloon.balloon import Balloon
from workbench.domain.balloon.diagnosis.judge import PATIENCE, Circumstances, judge
from workbench.domain.balloon.diagnosis.movement import Watch, moved_at
from workbench.domain.balloon.diagnosis.statistics import is_stale
from workbench.domain.balloon.history.marks import TURNS, Mark, MarkKind, mark_of_event
from workbench.domain.balloon.rate import rate_of
from workbench.domain.balloon.reading import GuestStats, Sample
from workbench.domain.profile.guest import safety_of
from workbench.domain.units import mib
from workbench.engine.balloon.probe import ROUND_TRIPS
from workbench.engine.balloon.record.history import HistoryFiles
from workbench.engine.balloon.record.marks import MarksFile
from workbench.engine.balloon.record.recorder import Recorder
from workbench.engine.balloon.schedule import Errand, Schedule
from workbench.engine.profiles.store import started_profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.balloon.diagnosis.judge import Verdict
    from workbench.domain.balloon.diagnosis.movement import TakeBack
    from workbench.domain.balloon.reading import HostMemory, Reading
    from workbench.engine.balloon.place import Place
    from workbench.engine.balloon.probe import BalloonProbe
    from workbench.engine.balloon.record.target_record import TargetRecord

SECOND = 1.0
"""Seconds in which a storm of pauses leaves at most two marks."""
RECENT = 300
"""Samples used by the diagnosis: half a minute of a moving guest."""
WITHDRAWAL = 30.0
"""Seconds in which a take-back is withdrawn if the driver turns out to have been unloaded."""
HISTORY = 1200
"""Samples kept in memory for the plot."""
DEADLINE = 1.0
"""Seconds until a reading counts as unanswered."""


class Readings:
    """The last readings of one guest, and their history."""

    def __init__(self, place: Place, *, lasting: bool = True) -> None:
        """:param lasting: stay the recorder until closed, not only during each look."""
        self._place = place
        self.marks = MarksFile(place.directory)
        resets = (mark.time for mark in self.marks.load() if mark.kind is MarkKind.RESET)
        self.started = max(place.started, *resets, 0.0)
        """Unix time of the guest's last start: QEMU's start, or a reset."""
        self._recorder = Recorder(place.directory, lasting=lasting)
        loaded = HistoryFiles.of(place.directory).samples(HISTORY)
        self._history: deque[Sample] = deque(sorted(loaded, key=attrgetter("time")), maxlen=HISTORY)
        self._stats: GuestStats | None = None
        self._reading: Reading | None = None
        self._host: HostMemory | None = None
        self._schedule = Schedule()
        self._met: BalloonProbe | None = None
        """The probe that everything was read from."""
        self._moved_at = moved_at(self.history)
        self._watch = Watch()
        self._marked: TakeBack | None = None
        """The take-back as last marked."""
        self._driver_seen = 0.0
        """Unix time at which the device status was last read."""
        self._target_since = 0.0
        self._turns: list[Mark] = []
        """Pauses and resumes that are not marked yet."""
        self._turned = -SECOND
        """When such marks were last made (monotonic)."""
        self._silent = False
        self._heard_again = 0.0
        """Unix time at which QEMU began to answer again; 0: it always answered."""
        self.status = ""
        """QEMU's ``RunState`` as last read."""

    @property
    def moving(self) -> bool:
        """Whether the diff moves or may begin to at any moment; a stalled or paused guest need not be read often."""
        if self._reading is None or self._reading.diff == 0 or self.status != "running":
            return False
        return time.time() - max(self._moved_at, self._target_since) < PATIENCE

    @property
    def _report_due(self) -> bool:
        """Whether the guest moves and may report at any moment. Its actual at the time of a report is known only as precisely
        as it is sampled, and the largest possible value counts (``actual_at`` in ``domain/balloon/safety/floor.py``).

        QEMU requests a report no earlier than one interval after the last one (hw/virtio/virtio-balloon.c,
        ``virtio_balloon_receive_stats``).
        """
        stats = self._stats
        if stats is None or not stats.interval or not self.moving:
            return False
        return time.time() >= (stats.came_after or stats.last_update) + stats.interval

    @property
    def reading(self) -> Reading | None:
        """The last reading."""
        return self._reading

    @property
    def stats(self) -> GuestStats | None:
        """The guest's own statistics as last read."""
        return self._stats

    @property
    def history(self) -> tuple[Sample, ...]:
        """The last samples, oldest first, for the plot."""
        return tuple(self._history)

    def expire(self) -> None:
        """Something happened: read again soon what is otherwise read now and then."""
        self._schedule.expire()

    @property
    def expired(self) -> bool:
        """Whether some of that has not been read again yet."""
        return self._schedule.expired

    async def look(self, probe: BalloonProbe, *, at_rest: bool, statistics: bool = False) -> None:
        """One round of at most :data:`ROUND_TRIPS` commands: always the balloon, the BAR's address when ``at_rest``, and
        whatever else is due and fits. The first round of a connection reads everything.

        :param statistics: the guard is armed: read the guest's statistics in each round except those that check the driver.
        :raise MonitorError: if QEMU does not answer or the connection ends.
        """
        if self._met is not probe:
            probe.mark_in(self.marks)
        self._mark_turns()
        before, reading = self._reading, await probe.read(check_address=at_rest, check_driver=False)
        if before is not None and before.diff and reading is not None and not reading.diff:
            self._schedule.hasten(Errand.STATISTICS)  # a report from now on is of a guest at rest
        await self._run_errands(probe, at_rest=at_rest, statistics=statistics or self._report_due)
        if self._silent:
            self._silent, self._heard_again = False, time.time()
        if reading is not None:
            if before is not None and reading.actual != before.actual:
                self._moved_at = reading.time
            self._watch = self._watch.after(before, reading, driver_ok=probe.driver_ok)
            self._mark_take_back(probe)
        self._reading = reading
        self._target_since = probe.asked_at
        if at_rest or self.moving or _sizes(reading) != _sizes(before):
            self._host = probe.look_at_host()
        if reading is not None:
            self._remember(reading, probe)

    def note_event(self, name: str, data: Mapping[str, object], when: float) -> None:
        """Record a QEMU event, at its Unix time."""
        if (mark := mark_of_event(name, data, when)) is not None:
            if mark.kind in TURNS:
                self._turns.append(mark)
            else:
                self.marks.add(mark)
        if name == "RESET":
            self.started = when  # its drivers load again
            self._watch, self._marked = Watch(), None

    def _mark_turns(self) -> None:
        """Mark pauses and resumes: only the first and last of each second, so that a storm of them neither drowns the other
        marks nor keeps the loop busy writing.
        """
        if not self._turns or (time.monotonic() < self._turned + SECOND):
            return
        for mark in (self._turns[0], *self._turns[-1:][: len(self._turns) - 1]):
            self.marks.add(mark)
        self._turns.clear()
        self._turned = time.monotonic()

    def _mark_take_back(self, probe: BalloonProbe) -> None:
        """Mark a take-back once the driver was seen up after it: a driver that unloads also returns all memory."""
        run, marked = self._watch.run, self._marked
        if run is None:
            if marked is not None and not probe.driver_ok and time.time() - marked.last < WITHDRAWAL:
                self.marks.add(_mark_of(replace(marked, high=marked.low)))  # the driver was unloaded
            self._marked = None
        elif run != marked and self._driver_seen >= run.last:
            self.marks.add(_mark_of(run))
            self._marked = run

    async def _run_errands(self, probe: BalloonProbe, *, at_rest: bool, statistics: bool) -> None:
        first = self._met is not probe
        if first:
            self._schedule.expire()
        now = time.monotonic()
        due = self._schedule.due(now)
        if statistics and not (at_rest and {Errand.RUN_STATE, Errand.DRIVER} & set(due)):
            due = [Errand.STATISTICS, *(errand for errand in due if errand is not Errand.STATISTICS)]
        for errand in due:
            if probe.trips >= ROUND_TRIPS and not first:
                break
            if errand is Errand.DRIVER and not at_rest:
                continue  # the address was not checked in this round
            await self._run_errand(errand, probe)
            self._schedule.done(errand, now)
        while probe.asking_about_host and (first or probe.trips < ROUND_TRIPS):
            await probe.ask_about_host()
        self._met = probe

    async def _run_errand(self, errand: Errand, probe: BalloonProbe) -> None:
        match errand:
            case Errand.RUN_STATE:
                self.status = await probe.run_state()
            case Errand.DRIVER:
                was_up = probe.driver_ok
                await probe.look_at_driver()
                self._driver_seen = time.time()
                if probe.driver_ok and not was_up:
                    self._schedule.hasten(Errand.FEATURES)
            case Errand.INTERVAL:
                await probe.look_at_interval()
            case Errand.STATISTICS:
                self._stats = await probe.stats(check_interval=False)
            case Errand.RAM:
                await probe.look_at_ram()
            case Errand.FEATURES:
                await probe.look_at_features()

    def _remember(self, reading: Reading, probe: BalloonProbe) -> None:
        available = self._available(probe)
        resident = self._host.resident if self._host else None
        sample = Sample(reading.time, reading.target, reading.actual, resident, available)
        while self._history and self._history[-1].time > sample.time:
            self._history.pop()  # the clock was set back
        self._history.append(sample)
        self._recorder.add(sample)

    def _available(self, probe: BalloonProbe) -> int | None:
        """The guest's available memory; None if its last report is too old."""
        if self._stats is None:
            return None
        seen = Circumstances(
            time.time(),
            status=self.status,
            started=self.started,
            polled_since=self._polled_since(probe),
            marks=self.marks.load(),
        )
        return None if is_stale(self._stats, seen) else self._stats.available

    def _polled_since(self, probe: BalloonProbe) -> float:
        return max(probe.polled_since, self._heard_again)

    def close(self) -> None:
        """Let another process record this guest."""
        self._turned = 0.0
        self._mark_turns()
        self._recorder.close()

    def balloon(self, probe: BalloonProbe, *, answering: bool = True, trouble: str = "") -> Balloon:
        """Everything that the balloon panel shows, as far as it was read.

        :param trouble: why QEMU does not answer, if known.
        """
        self._silent = self._silent or not answering
        record, history, marks = probe.record, self.history, self.marks.load()
        return Balloon(
            verdict=self.verdict(probe, answering=answering, trouble=trouble),
            reading=self._reading,
            rate=rate_of(history, time.time()),
            stats=self._stats,
            host=self._host,
            ours=record.ours if record else True,
            target_since=record.since if record and (record.baseline is not None or record.before) else 0.0,
            unanswered=None if answering else self._unanswered(record),
            history=history,
            marks=marks,
            ledger=probe.ledger(),
            backing=probe.backing,
        )

    def verdict(self, probe: BalloonProbe, *, answering: bool = True, trouble: str = "") -> Verdict:
        """The balloon's state and its cause, as in :meth:`balloon`."""
        samples = tuple(islice(self._history, max(0, len(self._history) - RECENT), None))
        seen = Circumstances(
            now=time.time(),
            device=probe.present,
            driver_status=probe.driver_status,
            status=self.status,
            answering=answering,
            trouble=trouble,
            target_since=self._target_since,
            moved_at=self._moved_at,
            started=self.started,
            stats=self._stats,
            statistics=self._wanted if self._stats is not None and not self._stats.interval else 0,
            polled_since=self._polled_since(probe),
            deflate_on_oom=probe.deflate_on_oom,
            agreed=probe.features is not None,
            reached=probe.witness.reached,
            samples=samples,
            marks=self.marks.load(),
            take_back=self._watch.run,
            unrecorded=self._recorder.trouble,
        )
        return judge(self._reading, seen)

    @cached_property
    def _wanted(self) -> int:
        """Seconds between reports as set in the guest's profile; used only if QEMU requests none."""
        if self._place.statistics is not None:
            return self._place.statistics
        return safety_of(started_profile(self._place.directory)).statistics

    def _unanswered(self, record: TargetRecord | None) -> int | None:
        """Target in bytes that was sent after the last reading and is not in it."""
        reading = self._reading
        if record is None or reading is None or record.since < reading.time or record.target == reading.target:
            return None
        return record.target


def _mark_of(run: TakeBack) -> Mark:
    return Mark(run.began, MarkKind.TAKE_BACK, f"took {mib(run.size)} back", run.size)


def _sizes(reading: Reading | None) -> tuple[int, int] | None:
    """A reading's sizes, without its time."""
    return None if reading is None else (reading.target, reading.actual)
