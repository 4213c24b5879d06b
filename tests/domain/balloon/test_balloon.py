"""The balloon's numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon.balloon import Balloon
from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.balloon.diagnosis.judge import Verdict
from workbench.domain.balloon.rate import rate_of
from workbench.domain.balloon.reading import (
    MISSING,
    GuestStats,
    Reading,
    Sample,
    Source,
    reading_of,
    stats_of,
)
from workbench.domain.units import MIB, PAGE

RAM = 512 * MIB
NOW = 1_800_000_000.0
DRIVER = 0x0F

words = st.integers(0, 2**32 - 1)


def reading(target: int, actual: int) -> Reading:
    """With the sizes in MiB."""
    return Reading(NOW, RAM, target * MIB, actual * MIB, Source.CONFIG_SPACE)


# Readings.


@given(words, words, st.integers(1, 2**20).map(lambda mebibytes: mebibytes * MIB))
def test_a_reading_has_the_signs_of_the_guests_driver(num_pages: int, actual: int, ram: int) -> None:
    found = reading_of(num_pages, actual, ram=ram, time=NOW)
    if num_pages * PAGE > ram:
        assert found is None
        return
    assert found is not None
    assert 0 <= found.actual <= ram
    assert 0 <= found.target <= ram
    held = min(actual, ram // PAGE)
    assert found.diff_pages == num_pages - held
    assert found.diff == found.actual - found.target == found.diff_pages * PAGE
    assert found.held == held * PAGE
    assert found.source is Source.CONFIG_SPACE


@pytest.mark.parametrize(
    ("num_pages", "actual", "diff", "pages"),
    [(65536, 0, 256, 65536), (0, 65536, -256, -65536), (65536, 65536, 0, 0)],
    ids=["inflate", "deflate", "settled"],
)
def test_diff_is_positive_while_the_guest_has_to_give(num_pages: int, actual: int, diff: int, pages: int) -> None:
    found = reading_of(num_pages, actual, ram=RAM, time=NOW)
    assert found is not None
    assert (found.diff, found.diff_pages) == (diff * MIB, pages)


def test_an_actual_beyond_ram_is_clamped() -> None:
    found = reading_of(0, 2**32 - 1, ram=RAM, time=NOW)
    assert found is not None
    assert (found.actual, found.held) == (0, RAM)


def test_a_target_beyond_ram_was_read_from_somewhere_else() -> None:
    assert reading_of(RAM // PAGE, 0, ram=RAM, time=NOW) is not None
    assert reading_of(RAM // PAGE + 1, 0, ram=RAM, time=NOW) is None


# The rate.


def samples(*points: tuple[float, int]) -> list[Sample]:
    return [Sample(NOW + time, 0, actual * MIB) for time, actual in points]


def test_the_rate_is_signed_and_taken_over_the_window() -> None:
    assert rate_of(samples((-1.0, 400), (0.0, 300)), NOW) == -100 * MIB
    assert rate_of(samples((-1.0, 300), (0.0, 400)), NOW) == 100 * MIB
    # What was before the window does not count, but for the one sample that begins it.
    assert rate_of(samples((-60, 512), (-2.0, 300), (-1.0, 300), (0.0, 300)), NOW) == 0


def test_the_time_at_rest_before_a_move_is_not_part_of_its_speed() -> None:
    moved = samples((-1.4, 512), (-1.0, 512), (-0.2, 512), (-0.1, 412), (0.0, 312))
    assert rate_of(moved, NOW) == pytest.approx(-1000 * MIB)


def test_a_rate_needs_two_samples_at_two_times() -> None:
    assert rate_of([], NOW) == 0
    assert rate_of(samples((0.0, 300)), NOW) == 0
    assert rate_of(samples((0.0, 300), (0.0, 400)), NOW) == 0


def test_a_rate_falls_when_nothing_more_comes() -> None:
    moved = samples((-1.0, 400), (-0.5, 300))
    assert abs(rate_of(moved, NOW + 5)) < abs(rate_of(moved, NOW))


@given(
    st.lists(st.tuples(st.floats(-100, 100), st.integers(0, 512)), max_size=20),
    st.floats(-100, 100),
)
def test_a_rate_survives_any_clock(points: list[tuple[float, int]], now: float) -> None:
    rate = rate_of(samples(*points), NOW + now)
    assert rate == rate  # no NaN, no ZeroDivisionError


def test_the_time_to_settle() -> None:
    verdict = Verdict(State.INFLATING)
    assert Balloon(verdict, reading(256, 300), rate=-22.0 * MIB).eta == 2.0
    assert Balloon(verdict, reading(300, 256), rate=22.0 * MIB).eta == 2.0
    assert Balloon(verdict, reading(256, 300), rate=22.0 * MIB).eta is None, "it moves the wrong way"
    assert Balloon(verdict, reading(256, 300)).eta is None
    assert Balloon(verdict, reading(256, 256), rate=1.0).eta is None
    assert Balloon(verdict).eta is None


# Guest statistics.


def test_a_missing_statistic_is_none() -> None:
    reply = {
        "last-update": 1_700_000_000,
        "stats": {
            "stat-total-memory": 492_830_720,
            "stat-free-memory": 0,
            "stat-available-memory": MISSING,
            "stat-swap-in": 2**64 - 1,
            "stat-major-faults": 7,
        },
    }
    stats = stats_of(reply, 2)
    assert (stats.last_update, stats.interval) == (1_700_000_000.0, 2)
    assert (stats.total, stats.free, stats.major_faults) == (492_830_720, 0, 7)
    assert (stats.available, stats.swap_in, stats.caches, stats.minor_faults) == (None, None, None, None)


@pytest.mark.parametrize("reply", [None, {}, {"stats": None}, {"stats": {}}, [], "text"])
def test_a_reply_without_statistics_is_none_at_all(reply: object) -> None:
    assert stats_of(reply, 0) == GuestStats(last_update=0.0, interval=0)
