"""How often a guest is read, with a clock and a guest that the test controls."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from workbench.domain.balloon.diagnosis.causes import Cause
from workbench.domain.balloon.diagnosis.judge import PATIENCE
from workbench.domain.balloon.diagnosis.statistics import LATE, SLACK
from workbench.domain.balloon.history.marks import MarkKind
from workbench.domain.balloon.reading import GuestStats, HostMemory, Reading, Source, seen_between
from workbench.domain.balloon.safety.floor import used_by
from workbench.engine.balloon.errands import ROUND_TRIPS
from workbench.engine.balloon.place import Place
from workbench.engine.balloon.readings import Readings
from workbench.engine.balloon.record.target_record import TargetRecord
from workbench.engine.balloon.record.targets import TargetBook

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.engine.balloon.probe import BalloonProbe

MIB = 1 << 20
RAM = 128 * MIB


class Stage:
    """Stands for the clock and the probe of one guest."""

    def __init__(self, directory: Path) -> None:
        self.now = 1000.0
        self.state = "running"
        self.actual = RAM
        self.host_looks = 0
        self.asked: list[str] = []
        self.driver_up = True
        self.report: GuestStats | None = None
        """What the guest sent last, as QEMU has it."""
        self.present = True
        self.queries = Sent()
        self.book = TargetBook(directory, 0.0)
        self.device = SimpleNamespace(unmapped=False)
        self.driver = StagedDriver(self)
        self.statistics = StagedStatistics(self)
        self.memory = SimpleNamespace(asking=False, look=partial(self.trip, "ram"), backing=lambda **_: None)
        self.changes = SimpleNamespace(ledger=lambda: None, look_at_host=self.look_at_host)

    @property
    def probe(self) -> BalloonProbe:
        return cast("BalloonProbe", self)

    @property
    def trips(self) -> int:
        return self.queries.sent

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    async def trip(self, what: str) -> None:
        self.queries.sent += 1
        self.asked.append(what)

    async def run_state(self) -> str:
        await self.trip("run state")
        return self.state

    async def read(self, *, check_address: bool) -> Reading:
        self.queries.sent = 2 if check_address else 1
        record = self.book.record
        target = record.target if record else RAM
        return Reading(self.now, RAM, target, self.actual, Source.CONFIG_SPACE)

    async def look_at_host(self, *, moving: bool = False) -> HostMemory:
        self.host_looks += 1
        return HostMemory(RAM, RAM)

    def ask_for(self, size: int) -> None:
        self.book.record = TargetRecord(size, None, self.now, ours=True)


class Sent:
    """The commands of one round."""

    sent = 0


class StagedDriver:
    """The driver as last looked at."""

    deflate_on_oom = None
    features = None
    reporting = None

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.ok = True

    @property
    def status(self) -> int:
        return 0x0F if self.ok else 0

    @property
    def known_ok(self) -> bool:
        return self.ok

    async def look(self) -> None:
        await self._stage.trip("driver")
        self.ok = self._stage.driver_up

    async def look_at_features(self) -> None:
        await self._stage.trip("features")


class StagedStatistics:
    """The guest's report as last read."""

    polled_since = 0.0

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._last: GuestStats | None = None
        self._asked = 0.0

    async def read(self) -> GuestStats | None:
        await self._stage.trip("statistics")
        if self._stage.report is not None:
            before, self._asked = self._asked, self._stage.now
            self._last = seen_between(self._stage.report, self._last, before, self._stage.now)
        return self._last

    async def look_at_interval(self) -> None:
        await self._stage.trip("interval")


class Watched:
    def __init__(self, stage: Stage, path: Path) -> None:
        self.stage = stage
        self.readings = Readings(Place(path, 1, RAM, 0.0), clock=stage)

    @property
    def code(self) -> Cause | None:
        return self.readings.verdict(self.stage.probe).code

    async def look(self, *, after: float = 0.0, at_rest: bool = False, statistics: bool = False) -> bool:
        """One round, and whether the next one is to come soon."""
        self.stage.now += after
        await self.readings.look(self.stage.probe, at_rest=at_rest, statistics=statistics)
        return self.readings.moving


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(Stage(tmp_path), tmp_path)


async def test_a_guest_that_stalls_is_not_read_in_a_hurry(watched: Watched) -> None:
    assert not await watched.look(at_rest=True), "it has what it is to have"
    watched.stage.ask_for(64 * MIB)
    assert await watched.look(after=0.1), "the target is young"
    watched.stage.actual -= MIB
    assert await watched.look(after=PATIENCE - 0.1), "it moves"
    assert await watched.look(after=PATIENCE - 0.1), "it moved a moment ago"
    assert not await watched.look(after=0.2), "it stalls"
    watched.stage.actual -= MIB
    assert await watched.look(after=60), "it moves again"
    watched.stage.actual = 64 * MIB
    assert not await watched.look(after=0.1), "it is there"


async def test_a_guest_that_is_paused_is_not_read_in_a_hurry(watched: Watched) -> None:
    watched.stage.ask_for(64 * MIB)
    assert await watched.look(at_rest=True)
    watched.stage.state = "paused"
    watched.readings.expire()  # as its event does
    assert not await watched.look(at_rest=True)


async def test_the_host_is_looked_at_when_a_size_changed_and_not_at_each_reading(watched: Watched) -> None:
    await watched.look(at_rest=True)
    assert watched.stage.host_looks == 1
    await watched.look(after=0.1)
    assert watched.stage.host_looks == 1, "only the time is another"
    watched.stage.ask_for(64 * MIB)
    watched.stage.actual = 64 * MIB
    await watched.look(after=0.1)
    assert watched.stage.host_looks == 2


async def test_a_reading_costs_three_round_trips_at_most_and_everything_has_its_turn(watched: Watched) -> None:
    everything = {"run state", "driver", "interval", "statistics", "ram", "features"}
    await watched.look(at_rest=True)
    assert set(watched.stage.asked) == everything, "the first look of a connection"
    watched.stage.asked.clear()
    for second in range(70):
        await watched.look(after=1, at_rest=True)
        assert watched.stage.trips <= ROUND_TRIPS, second
    assert set(watched.stage.asked) == everything
    assert watched.stage.asked.count("statistics") >= 20


async def test_after_an_event_the_run_state_comes_first_and_all_else_soon(watched: Watched) -> None:
    await watched.look(at_rest=True)
    watched.stage.asked.clear()
    watched.readings.expire()
    while watched.readings.expired:
        await watched.look(after=0.02, at_rest=True)
        assert watched.stage.trips <= ROUND_TRIPS
    assert watched.stage.asked == ["run state", "driver", "interval", "statistics", "ram", "features"]


async def test_the_driver_is_looked_at_only_where_the_address_was_checked(watched: Watched) -> None:
    await watched.look(at_rest=True)
    watched.stage.asked.clear()
    watched.readings.expire()
    for _ in range(5):
        await watched.look(after=0.1, at_rest=False)
    assert "driver" not in watched.stage.asked
    await watched.look(after=0.1, at_rest=True)
    assert "driver" in watched.stage.asked


async def test_what_a_driver_agrees_to_is_asked_when_it_comes_up(watched: Watched) -> None:
    watched.stage.driver_up = False
    await watched.look(at_rest=True)
    watched.stage.asked.clear()
    watched.stage.driver_up = True
    for _ in range(8):
        await watched.look(after=1, at_rest=True)
    assert "features" in watched.stage.asked


def marks(watched: Watched) -> list[tuple[MarkKind, int | None]]:
    return [(mark.kind, mark.size) for mark in watched.readings.marks.load()]


async def settle_at(watched: Watched, size: int) -> None:
    watched.stage.ask_for(size)
    for actual in (size + MIB, size):
        watched.stage.actual = actual
        await watched.look(after=0.1, at_rest=True)


async def test_a_take_back_is_marked_when_the_driver_was_seen_after_it(watched: Watched) -> None:
    await settle_at(watched, 64 * MIB)
    watched.stage.actual += 3 * MIB
    await watched.look(after=0.1)
    assert marks(watched) == [], "the driver may be leaving"
    for _ in range(8):
        await watched.look(after=1, at_rest=True)
    assert marks(watched) == [(MarkKind.TAKE_BACK, 3 * MIB)]
    watched.stage.actual += MIB
    for _ in range(8):
        await watched.look(after=1, at_rest=True)
    assert marks(watched)[-1] == (MarkKind.TAKE_BACK, MIB), "later growth is another"


async def test_a_mark_is_withdrawn_when_the_driver_turns_out_to_have_left(watched: Watched) -> None:
    await settle_at(watched, 64 * MIB)
    for _ in range(8):
        watched.stage.actual += MIB
        await watched.look(after=1, at_rest=True)
    assert [kind for kind, _ in marks(watched)] == [MarkKind.TAKE_BACK]
    watched.stage.driver.ok = watched.stage.driver_up = False
    await watched.look(after=0.1, at_rest=True)
    assert marks(watched) == []


async def test_a_mark_is_withdrawn_when_the_driver_was_loaded_again(watched: Watched) -> None:
    """Between two looks at its status: only the empty balloon that fills again shows it."""
    await settle_at(watched, 64 * MIB)
    witness = watched.stage.book.witness
    reading = await watched.stage.read(check_address=True)
    witness.see(reading, since=0.0, driver_ok=True)
    assert witness.reached is not None
    watched.stage.actual = RAM
    for _ in range(4):
        await watched.look(after=1, at_rest=True)
    assert marks(watched) == [(MarkKind.TAKE_BACK, 64 * MIB)]
    assert watched.code is Cause.TAKEN_BACK
    watched.stage.actual -= MIB
    await watched.look(after=0.1, at_rest=True)
    assert marks(watched) == []
    assert watched.code is None, "it inflates"
    assert witness.reached is None, "the driver has to reach the target itself"


async def test_the_status_of_a_driver_that_comes_back_is_evidence(watched: Watched) -> None:
    await settle_at(watched, 64 * MIB)
    reading = await watched.stage.read(check_address=True)
    watched.stage.book.witness.see(reading, since=0.0, driver_ok=True)
    watched.stage.driver.ok = watched.stage.driver_up = False
    await watched.look(after=4, at_rest=True)
    watched.stage.driver_up = True
    watched.stage.actual = RAM - MIB
    for _ in range(5):
        await watched.look(after=4, at_rest=True)
    assert watched.code is Cause.UNKNOWN, "what the driver before it had given was not taken back"


async def test_a_reset_withdraws_nothing(watched: Watched) -> None:
    await settle_at(watched, 64 * MIB)
    for _ in range(8):
        watched.stage.actual += MIB
        await watched.look(after=1, at_rest=True)
    watched.readings.note_event("RESET", {}, watched.stage.now)
    watched.stage.driver.ok = watched.stage.driver_up = False
    await watched.look(after=0.1, at_rest=True)
    assert [kind for kind, _ in marks(watched)] == [MarkKind.TAKE_BACK, MarkKind.RESET]


async def test_an_armed_guard_has_its_statistics_within_the_three_round_trips(watched: Watched) -> None:
    await watched.look(at_rest=True)
    without = 0
    watched.stage.asked.clear()
    for tenth in range(1, 100):
        before = watched.stage.asked.count("statistics")
        await watched.look(after=0.1, at_rest=tenth % 10 == 0, statistics=True)
        assert watched.stage.trips <= ROUND_TRIPS, tenth
        without = 0 if watched.stage.asked.count("statistics") > before else without + 1
        assert without <= 2, "the guard looks at old figures"
    assert {"run state", "driver", "interval"} <= set(watched.stage.asked), "and nothing else is forgotten"


async def test_a_qemu_that_was_silent_has_its_time_for_the_next_report(watched: Watched) -> None:
    """Seen: let run on after ten seconds, its guest's driver was said to have stopped answering."""

    def stopped() -> bool:
        notes = watched.readings.balloon(watched.stage.probe).verdict.notes
        return Cause.STATISTICS_STOPPED in [note.code for note in notes]

    watched.stage.report = GuestStats(999.0, 2)
    await watched.look(at_rest=True)
    watched.readings.balloon(watched.stage.probe, answering=False)
    await watched.look(after=20, at_rest=True)
    assert not stopped()
    await watched.look(after=LATE * 2, at_rest=True)
    assert not stopped()
    await watched.look(after=SLACK + 1, at_rest=True)
    assert stopped()


async def test_a_report_in_the_middle_of_a_move_is_known_to_a_look(watched: Watched) -> None:
    """100 MiB of 128 move at 40 MiB a second, and a guest that uses 16 MiB reports on the way: a floor that is too high by what
    moved between two looks asks no needless question; one by what moved in a second did.
    """
    stage, step, used = watched.stage, 4 * MIB, 16 * MIB
    stage.report = GuestStats(998.0, 2, available=RAM - used)
    await watched.look(at_rest=True)
    await watched.look(after=0.1)
    stage.report = GuestStats(1000.0, 2, available=RAM - used)
    await watched.look(after=0.5, at_rest=True)
    stage.ask_for(28 * MIB)
    counted = []
    for i in range(25):
        stage.actual -= step
        if i == 17:  # at 1002.4
            stage.report = GuestStats(1002.0, 2, available=stage.actual - used)
        await watched.look(after=0.1)
        assert stage.trips <= ROUND_TRIPS
        if i >= 17:
            counted.append(used_by(watched.readings.balloon(stage.probe)))
    assert all(size is not None and used <= size <= used + 2 * step for size in counted), [
        size and size // MIB for size in counted
    ]


async def test_between_two_reports_a_moving_guest_is_not_asked_for_one_in_each_round(watched: Watched) -> None:
    stage = watched.stage
    stage.report = GuestStats(1000.0, 5, available=RAM // 2)
    await watched.look(at_rest=True)
    stage.ask_for(28 * MIB)
    stage.asked.clear()
    for _ in range(30):
        stage.actual -= MIB
        await watched.look(after=0.1)
    assert 2 <= stage.asked.count("statistics") <= 4, "three seconds, once in each"


async def test_a_guest_that_has_just_settled_is_asked_for_its_statistics_in_that_round(watched: Watched) -> None:
    """A report that comes from then on is of a guest that stands; no round more is needed to know of it."""
    await watched.look(at_rest=True)
    for _ in range(3):
        await watched.look(after=1.0, at_rest=True)
    watched.stage.ask_for(64 * MIB)
    await watched.look(after=0.1)
    watched.stage.asked.clear()
    watched.stage.actual = 64 * MIB
    await watched.look(after=0.1)
    assert watched.stage.asked == ["statistics"]
    assert not watched.readings.expired
