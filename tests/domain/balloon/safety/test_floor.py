"""The least that a guest is left with."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.ui.fake_engine import RAM, balloon
from workbench.domain.balloon.reading import GuestStats, Reading, Sample, Source, seen_between
from workbench.domain.balloon.safety.floor import floor_of, used_by
from workbench.domain.units import MIB


def test_a_guest_keeps_what_it_uses_and_thirty_percent_more() -> None:
    now = balloon(available=RAM - 200 * MIB)
    assert used_by(now) == 200 * MIB
    floor = floor_of(now)
    assert floor is not None
    assert floor.size == 260 * MIB
    assert floor.why == "1.3 \u00d7 200 MiB used"


def test_a_guest_that_uses_little_keeps_a_share_of_its_ram() -> None:
    floor = floor_of(balloon(available=RAM - 10 * MIB))
    assert floor is not None
    assert (floor.size, floor.why) == (RAM // 8, "1/8 of RAM")


def test_a_small_guest_keeps_the_minimum() -> None:
    small = replace(balloon(), stats=None, reading=Reading(0, 128 * MIB, 128 * MIB, 128 * MIB, Source.CONFIG_SPACE))
    floor = floor_of(small)
    assert floor is not None
    assert (floor.size, floor.why) == (64 * MIB, "minimum for any guest")


def test_a_guest_that_says_nothing_keeps_a_share_of_its_ram() -> None:
    now = replace(balloon(), stats=None)
    floor = floor_of(now)
    assert used_by(now) is None
    assert floor is not None
    assert floor.size == RAM // 8


def test_the_profiles_floor_wins_and_is_at_most_ram() -> None:
    floor = floor_of(balloon(), 96 * MIB)
    assert floor is not None
    assert (floor.size, floor.why) == (96 * MIB, "from its profile")
    above = floor_of(balloon(), 2 * RAM)
    assert above is not None
    assert above.size == RAM


def test_the_use_is_the_same_whatever_the_balloon_holds() -> None:
    """100 MiB used: with 512 MiB there are 412 available, with 256 MiB there are 156."""
    full = balloon(RAM, RAM, available=412 * MIB)
    half = balloon(RAM // 2, RAM // 2, available=156 * MIB)
    assert used_by(full) == used_by(half) == 100 * MIB


def test_no_floor_before_anything_was_read() -> None:
    assert floor_of(replace(balloon(), reading=None)) is None


def test_without_a_sample_the_largest_possible_actual_counts() -> None:
    """A screen opens: an old sample at 128 MiB, then the guest got all its RAM back and reported that, then a new sample."""
    now = balloon(available=412 * MIB)
    assert now.reading is not None
    assert now.stats is not None
    old = Sample(now.stats.last_update - 60, 128 * MIB, 128 * MIB)
    latest = Sample(now.stats.last_update + 2, RAM, RAM)
    assert used_by(replace(now, history=(old,))) == 100 * MIB
    assert used_by(replace(now, history=(old, latest))) == 100 * MIB
    given = replace(now, reading=replace(now.reading, actual=RAM // 2), history=(replace(latest, time=0.0),))
    assert used_by(given) == 100 * MIB


def test_a_report_in_the_same_second_as_a_change_is_matched_with_the_actual_after_it() -> None:
    """512 to 256 MiB from 10.3 to 10.7, looked at there, and a report at 10.8: 82 MiB are used, not 338."""
    now = balloon(RAM // 2, RAM // 2)
    moved = tuple(Sample(10.25 + i / 20, RAM // 2, max(RAM // 2, RAM - i * 32 * MIB)) for i in range(12))
    before = GuestStats(8.0, 2, available=RAM - 82 * MIB)
    raw = GuestStats(10.0, 2, available=RAM // 2 - 82 * MIB)
    at = replace(now, history=moved, stats=raw)
    assert used_by(at) == RAM // 2 + 82 * MIB, "QEMU's second alone cannot tell"
    bound, exact = floor_of(at), floor_of(replace(at, stats=seen_between(raw, before, 10.72, 11.7)))
    assert bound is not None
    assert bound.why == f"1.3 \u00d7 up to {RAM // 2 // MIB + 82} MiB used", "and says so"
    assert exact is not None
    assert exact.why == "1.3 \u00d7 82 MiB used"
    assert used_by(replace(at, stats=seen_between(raw, before, 10.72, 11.7))) == 82 * MIB
    old = GuestStats(10.0, 2, available=RAM - 82 * MIB)
    seen = seen_between(old, before, 9.5, 10.28)
    assert (seen.came_after, seen.came_by) == (10.0, 10.28)
    assert used_by(replace(at, stats=seen)) == 82 * MIB, "one that had come before the change, likewise"


@given(
    stamp=st.integers(0, 2000),
    asked=st.floats(0, 2000),
    wait=st.floats(0, 5),
    old=st.none() | st.integers(0, 2000).map(lambda at: GuestStats(float(at), 2)),
)
def test_when_a_report_came_lies_within_its_second(
    stamp: int, asked: float, wait: float, old: GuestStats | None
) -> None:
    seen = seen_between(GuestStats(float(stamp), 2), old, asked, asked + wait)
    if seen.came_by and (old is None or old.last_update != stamp):
        assert stamp <= seen.came_after <= seen.came_by <= stamp + 1
        assert seen.came_by <= max(asked + wait, seen.came_after)
