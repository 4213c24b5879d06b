"""The balloon's numbers and the verdict on them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon import (
    MISSING,
    PAGE,
    PATIENCE,
    RATE_WINDOW,
    Balloon,
    Circumstances,
    GuestStats,
    HostMemory,
    Reading,
    Sample,
    Source,
    State,
    Verdict,
    judge,
    rate_of,
    reading_of,
    stats_of,
)
from workbench.domain.units import MIB

RAM = 512 * MIB
NOW = 1_800_000_000.0
DRIVER = 0x0F

words = st.integers(0, 2**32 - 1)


def reading(target: int, actual: int) -> Reading:
    """With the sizes in MiB."""
    return Reading(NOW, RAM, target * MIB, actual * MIB, Source.CONFIG_SPACE)


def seen(**changes: object) -> Circumstances:
    """A guest that was asked a minute ago, whose driver is up, and in which nothing moved for 30 s."""
    quiet = Circumstances(now=NOW, driver_status=DRIVER, target_since=NOW - 60, moved_at=NOW - 30)
    return replace(quiet, **changes)  # type: ignore[arg-type]


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


# Host memory.


def test_what_the_host_got_back_is_signed() -> None:
    assert HostMemory(resident=165 * MIB, baseline=418 * MIB).reclaimed == 253 * MIB
    assert HostMemory(resident=346 * MIB, baseline=104 * MIB).reclaimed == -242 * MIB


def test_unreturned_is_what_stays_resident_above_actual() -> None:
    assert HostMemory(300 * MIB, 0).unreturned(256 * MIB) == 44 * MIB
    assert HostMemory(200 * MIB, 0).unreturned(256 * MIB) == 0


def test_the_yield() -> None:
    assert HostMemory(200 * MIB, 0).returned_share(reading(256, 256)) == 1
    assert HostMemory(RAM, 0).returned_share(reading(256, 256)) == 0
    assert HostMemory(RAM, 0).returned_share(reading(512, 512)) is None


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
def test_a_reply_without_statistics_is_a_guest_that_said_nothing(reply: object) -> None:
    assert stats_of(reply, 0) == GuestStats(last_update=0.0, interval=0)


# The verdict.


def test_no_device() -> None:
    verdict = judge(None, seen(device=False))
    assert (verdict.state, verdict.cause) == (State.ABSENT, "the guest has no balloon device")
    assert "[balloon]" in verdict.advice


@pytest.mark.parametrize("status", [0x00, 0x01, 0x0B])
def test_no_driver(status: int) -> None:
    verdict = judge(reading(256, 512), seen(driver_status=status))
    assert verdict.state is State.ABSENT
    assert "no driver" in verdict.cause
    assert f"0x{status:02x}" in verdict.evidence[0]


def test_nothing_read_yet() -> None:
    assert judge(None, seen()).state is State.ABSENT


def test_no_diff_is_settled_whatever_else() -> None:
    for circumstances in (seen(), seen(status="paused"), seen(answering=False), seen(driver_status=None)):
        assert judge(reading(256, 256), circumstances) == Verdict(State.SETTLED)


@pytest.mark.parametrize(("actual", "state"), [(300, State.INFLATING), (200, State.DEFLATING)])
def test_a_diff_moves_while_pages_move_or_the_target_is_young(actual: int, state: State) -> None:
    for circumstances in (
        seen(moved_at=NOW - PATIENCE + 0.1),
        seen(target_since=NOW - PATIENCE + 0.1),
        seen(target_since=NOW, moved_at=0.0, driver_status=None),
    ):
        assert judge(reading(256, actual), circumstances) == Verdict(state)


def test_a_paused_guest_stalls_at_once() -> None:
    verdict = judge(reading(256, 300), seen(status="paused", moved_at=NOW))
    assert (verdict.state, verdict.advice) == (State.STALLED, "resume the guest")
    assert "the guest is paused" in verdict.cause


def test_a_silent_qemu_stalls_at_once() -> None:
    verdict = judge(reading(256, 300), seen(answering=False, moved_at=NOW))
    assert (verdict.state, verdict.cause) == (State.STALLED, "QEMU does not answer")


def test_a_guest_short_of_pages() -> None:
    stats = GuestStats(last_update=NOW - 1, interval=2, available=10 * MIB)
    verdict = judge(reading(64, 128), seen(stats=stats))
    assert (verdict.state, verdict.cause) == (State.STALLED, "the guest finds no more pages to give")
    assert verdict.evidence == (
        "16,384 pages to inflate, none moved for 30 s",
        "device status 0x0f; QEMU is running",
        "guest statistics: 1 s old, 10 MiB available",
    )


def test_a_stall_without_a_known_cause_says_so() -> None:
    plenty = GuestStats(last_update=NOW, interval=2, available=100 * MIB)
    deflating = judge(reading(128, 64), seen(stats=replace(plenty, available=0), moved_at=0.0))
    for verdict in (judge(reading(64, 128), seen(stats=plenty)), judge(reading(64, 128), seen()), deflating):
        assert (verdict.state, verdict.cause) == (State.STALLED, "the cause is not known")
        assert verdict.advice
    assert deflating.evidence[0] == "16,384 pages to deflate, none was seen to move"


@pytest.mark.parametrize(
    ("stats", "words"),
    [
        (None, "not read"),
        (GuestStats(0.0, 0), "polling is off"),
        (GuestStats(0.0, 2), "never sent any"),
        (GuestStats(NOW - 4, 2), "4 s old, without available memory"),
        (GuestStats(NOW + 4, 2, available=MIB), "0 s old, 1 MiB available"),
    ],
)
def test_the_statistics_as_evidence(stats: GuestStats | None, words: str) -> None:
    assert words in judge(reading(128, 64), seen(stats=stats)).evidence[-1]


@given(
    st.none() | st.tuples(st.integers(0, 512), st.integers(0, 512)),
    st.booleans(),
    st.none() | st.integers(0, 255),
    st.sampled_from(["running", "paused", "io-error", ""]),
    st.booleans(),
    st.floats(0, NOW),
)
def test_a_verdict_that_is_not_well_says_why(
    sizes: tuple[int, int] | None, device: bool, status: int | None, run_state: str, answering: bool, moved: float
) -> None:
    circumstances = seen(
        device=device, driver_status=status, status=run_state, answering=answering, moved_at=moved, target_since=0.0
    )
    verdict = judge(reading(*sizes) if sizes else None, circumstances)
    assert bool(verdict.cause) == (verdict.state in {State.STALLED, State.ABSENT})
    if sizes and device and circumstances.driver_ok is not False:
        assert (verdict.state is State.SETTLED) == (sizes[0] == sizes[1])


def test_the_window_of_the_rate_is_shorter_than_the_patience() -> None:
    assert RATE_WINDOW < PATIENCE, "a stall must not be told while a rate is still shown"
