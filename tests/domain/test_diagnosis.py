"""Why a diff stays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon import (
    RATE_WINDOW,
    GuestStats,
    Reading,
    Source,
    State,
)
from workbench.domain.diagnosis import PATIENCE, Circumstances, Verdict, judge
from workbench.domain.units import MIB

RAM = 512 * MIB
NOW = 1_800_000_000.0
DRIVER = 0x0F


def reading(target: int, actual: int) -> Reading:
    """With the sizes in MiB."""
    return Reading(NOW, RAM, target * MIB, actual * MIB, Source.CONFIG_SPACE)


def seen(**changes: object) -> Circumstances:
    """A guest that was asked a minute ago, whose driver is up, and in which nothing moved for 30 s."""
    quiet = Circumstances(now=NOW, driver_status=DRIVER, target_since=NOW - 60, moved_at=NOW - 30)
    return replace(quiet, **changes)  # type: ignore[arg-type]


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
        verdict = judge(reading(256, 256), circumstances)
        assert replace(verdict, notes=()) == Verdict(State.SETTLED)


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
