"""Movements of actual: take-backs, drivers loaded and unloaded, and inflation that fights."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon.diagnosis.movement import (
    PAUSE,
    STILL,
    TURNS,
    WINDOW,
    TakeBack,
    Watch,
    moved_at,
    oscillation,
    rising,
)
from workbench.domain.balloon.reading import Reading, Sample, Source
from workbench.domain.units import MIB

NOW = 1_800_000_000.0
RAM = 512 * MIB


def reading(second: float, actual: int, target: int = 128, ram: int = 512) -> Reading:
    """With sizes in MiB."""
    return Reading(NOW + second, ram * MIB, target * MIB, actual * MIB, Source.CONFIG_SPACE)


def follow(*readings: Reading | None, watch: Watch | None = None) -> Watch:
    """A watch that is no longer fresh, after these readings; None = the driver is seen gone there."""
    watch = watch or Watch(fresh=False)
    before: Reading | None = None
    for one in readings:
        watch = watch.after(before, one or before or reading(0, 0), driver_ok=one is not None)
        before = one or before
    return watch


def test_growth_under_an_unchanged_target_is_a_take_back() -> None:
    run = follow(reading(0, 128), reading(1, 130), reading(2, 160), reading(3, 150), reading(4, 170)).run
    assert run == TakeBack(NOW, NOW + 4, 128 * MIB, 170 * MIB)
    assert run.size == 42 * MIB


def test_it_stays_known_while_nothing_moves_and_later_growth_is_another() -> None:
    quiet = follow(reading(0, 128), reading(1, 130), reading(100, 130))
    assert quiet.run is not None
    assert quiet.run.size == 2 * MIB
    again = quiet.after(reading(100, 130), reading(101, 140), driver_ok=True)
    assert again.run == TakeBack(NOW + 100, NOW + 101, 130 * MIB, 140 * MIB)
    assert PAUSE < 100


def test_deflation_up_to_a_higher_target_is_not_a_take_back() -> None:
    assert follow(reading(0, 100), reading(1, 120), reading(2, 128)).run is None
    beyond = follow(reading(0, 100), reading(1, 140)).run
    assert beyond is not None
    assert beyond.size == 12 * MIB, "only what goes beyond the target"


def test_another_target_or_ram_size_starts_over() -> None:
    taken = (reading(0, 128), reading(1, 140))
    assert follow(*taken).run is not None
    assert follow(*taken, reading(2, 140, target=129)).run is None
    assert follow(*taken, reading(2, 268, target=256, ram=640)).run is None


def test_a_driver_that_is_gone_took_nothing() -> None:
    gone = follow(reading(0, 128), reading(1, 400), None)
    assert (gone.run, gone.fresh) == (None, True)


def test_a_driver_that_begins_with_an_empty_balloon_took_nothing() -> None:
    """After a reset actual is stale at first, then jumps up, then the guest gives again."""
    steps = (reading(0, 128), reading(0.1, 511), reading(0.2, 400), reading(0.3, 128))
    begun = follow(*steps, watch=Watch())
    assert (begun.run, begun.fresh) == (None, False)
    taken = begun.after(steps[-1], reading(0.4, 130), driver_ok=True)
    assert taken.run is not None, "from here on growth is a take-back"


def test_a_driver_at_rest_for_a_while_has_started() -> None:
    still = follow(reading(0, 128), reading(STILL / 2, 128), watch=Watch())
    assert still.fresh
    assert not still.after(reading(STILL / 2, 128), reading(STILL, 128), driver_ok=True).fresh


RELOAD = (reading(0, 128), reading(0.1, 300), reading(0.2, 512), reading(0.3, 490))


def test_a_driver_that_was_unloaded_and_loaded_again_took_nothing() -> None:
    """Both within the seconds between two looks at the driver's status."""
    assert follow(*RELOAD[:-1]).run is not None, "until it inflates again it may be a take-back"
    found = follow(*RELOAD)
    assert (found.run, found.reloaded) == (None, NOW + 0.3)
    assert follow(*RELOAD, reading(0.4, 400)).reloaded == NOW + 0.3
    unseen = follow(reading(0, 128), reading(1, 430), reading(1.1, 400))
    assert (unseen.run, unseen.reloaded) == (None, NOW + 1.1), "it was empty between two readings"


def test_memory_given_again_because_the_target_was_sent_again_had_been_taken() -> None:
    watch = follow(*RELOAD[:-1])
    asked = watch.after(RELOAD[-2], RELOAD[-1], driver_ok=True, asked=NOW + 0.25)
    assert (asked.run, asked.reloaded) == (watch.run, 0.0)


@given(st.lists(st.tuples(st.integers(128, 512), st.booleans()), max_size=20))
def test_a_take_back_is_never_more_than_what_grew(steps: list[tuple[int, bool]]) -> None:
    watch, before = Watch(fresh=False), reading(0, 128)
    for second, (actual, ok) in enumerate(steps, 1):
        after = reading(second, actual)
        watch = watch.after(before, after, driver_ok=ok)
        before = after
        if watch.run is not None:
            assert 0 < watch.run.size <= RAM - 128 * MIB
            assert watch.run.low >= after.target


# Oscillation.


def samples(*sizes: int, step: float = 0.5, target: int = 64) -> list[Sample]:
    """The last one is now; sizes in MiB."""
    first = NOW - step * (len(sizes) - 1)
    return [Sample(first + step * index, target * MIB, size * MIB) for index, size in enumerate(sizes)]


FIGHT = (400, 300, 200, 205, 200, 206, 199, 204, 201)


def test_actual_that_goes_up_and_down_oscillates() -> None:
    turns = oscillation(samples(*FIGHT), target=64 * MIB, since=0.0, now=NOW)
    assert turns is not None
    assert (turns.count, turns.risen, turns.fallen) == (5, 16 * MIB, 15 * MIB)
    assert turns.count >= TURNS


def test_what_does_not_oscillate() -> None:
    def none(*sizes: int, since: float = 0.0, now: float = NOW, target: int = 64) -> bool:
        return oscillation(samples(*sizes), target=target * MIB, since=since, now=now) is None

    assert none(), "nothing read"
    assert none(400, 350, 300, 250, 200), "inflation"
    assert none(100, 120, 140, 160), "a take-back"
    assert none(200, 210, 180, 190, 160, 170, 140, 150, 120), "it comes nearer"
    assert none(*FIGHT, target=63), "another target"
    assert none(*FIGHT, since=NOW - 1), "before it was sent"
    assert none(*FIGHT, now=NOW + WINDOW), "long ago"
    assert none(*FIGHT[:-1], 64), "it got there"


def test_which_way_it_moved_last_and_when() -> None:
    up = samples(100, 90, 95, 95, 95)
    assert rising(up, target=64 * MIB)
    assert not rising(up, target=65 * MIB)
    assert not rising(samples(100, 110, 90, 90), target=64 * MIB)
    assert moved_at(up) == NOW - 1
    assert moved_at(samples(100, 100)) == 0.0
