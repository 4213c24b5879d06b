"""A balloon in words for people: what is said of figures that are older than the target."""

from __future__ import annotations

import time

from workbench.domain.balloon.balloon import Balloon
from workbench.domain.balloon.diagnosis.causes import State, Verdict
from workbench.domain.balloon.ledger import Ledger, Moment
from workbench.domain.balloon.path.stages import Proof
from workbench.domain.balloon.path.timeline import PathView, Sighting, Timeline
from workbench.domain.balloon.reading import GuestStats, Reading, Sample, Source
from workbench.domain.balloon.safety.status import SafetyStatus
from workbench.verbs.balloon.path import as_lines as path_lines
from workbench.verbs.balloon.words import as_lines

MIB = 1 << 20


def test_the_last_change_stands_in_mib_and_pages_before_and_now() -> None:
    now = time.time()
    before = Moment(now - 1, target=512 * MIB, actual=512 * MIB, resident=102 * MIB, available=420 * MIB)
    held = Moment(now, target=256 * MIB, actual=256 * MIB, resident=328 * MIB)
    lines = as_lines("demo", Balloon(Verdict(State.SETTLED), ledger=Ledger(512 * MIB, held, before)), SafetyStatus())
    table = lines[1:6]
    assert [line.split()[:2] for line in table] == [
        ["at", time.strftime("%H:%M:%S", time.localtime(now - 1))],
        ["asked", "0"], ["held", "0"], ["host", "102"], ["available", "420"],
    ]  # fmt: skip
    assert len({len(line) for line in table}) == 1
    assert table[1].split()[1:] == ["0", "MiB", "0", "256", "MiB", "65,536", "+256", "MiB", "+65,536"]
    assert table[3].split()[4:] == ["328", "MiB", "83,968", "+226", "MiB", "+57,856"]
    assert table[4].split()[4:] == ["\N{EN DASH}"] * 4, "it has not spoken since"
    assert lines[6] == "  reclaimed \N{MINUS SIGN}226 MiB, unreturned 72 MiB, yield 72 %, never used 154 MiB to 256 MiB"


def test_without_a_change_there_is_no_table() -> None:
    ledger = Ledger(512 * MIB, Moment(time.time(), target=512 * MIB, actual=512 * MIB))
    assert len(as_lines("demo", Balloon(Verdict(State.SETTLED), ledger=ledger), SafetyStatus())) == 1


def said_of_the_guest(*, spoken_since: bool) -> str:
    now = time.time()
    ledger = Ledger(
        512 * MIB,
        Moment(now, target=256 * MIB, actual=256 * MIB, available=160 * MIB if spoken_since else None),
        Moment(now - 1, target=512 * MIB, actual=512 * MIB, available=420 * MIB),
    )
    stats = GuestStats(now - 2, 2, available=420 * MIB)
    lines = as_lines("demo", Balloon(Verdict(State.SETTLED), stats=stats, ledger=ledger), SafetyStatus())
    return next(line for line in lines if line.startswith("  guest "))


def test_figures_from_before_the_change_are_told_as_that() -> None:
    assert said_of_the_guest(spoken_since=False) == "  guest      420 MiB available, 2 s ago, before the target changed"


def test_figures_from_after_it_are_not() -> None:
    assert said_of_the_guest(spoken_since=True) == "  guest      420 MiB available, 2 s ago"


def test_figures_that_came_while_the_balloon_moved_are_told_as_that() -> None:
    now = time.time()
    samples = tuple(Sample(now - 3 + i / 10, 256 * MIB, (512 - i * 12) * MIB) for i in range(20))
    reading = Reading(now, 512 * MIB, 256 * MIB, 284 * MIB, Source.CONFIG_SPACE)
    stats = GuestStats(now - 2, 2, available=300 * MIB)
    balloon = Balloon(Verdict(State.INFLATING), reading=reading, stats=stats, history=samples)
    assert "  guest      300 MiB available, 2 s ago, while the balloon moved" in as_lines(
        "demo", balloon, SafetyStatus()
    )


def test_an_event_that_stands_before_the_write_that_sends_it_is_explained() -> None:
    """QEMU traces virtio_balloon_set_config() as the last thing in it: 61 microseconds after the event, as seen."""
    note = "virtio_balloon_set_config() sends BALLOON_CHANGE first"

    def told(event: int) -> bool:
        seen = {Proof.WRITTEN: Sighting(4_070, 9_000, 112), Proof.EVENT: Sighting(event, event)}
        line = Timeline(0, asked=400 * MIB, traced=True, seen=seen, num_pages=28_672, held=28_672, held_before=0)
        return any(note in text for text in path_lines("demo", PathView("7.2.22", line, traced=True), 512 * MIB))

    assert told(4_009)
    assert not told(4_071)
