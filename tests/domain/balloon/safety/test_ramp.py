"""Ramps: never past the goal, never back, always there in the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon.safety.ramp import Ramp, parse_ramp, ramp_trouble
from workbench.domain.units import GIB, MIB, PAGE, SizeError

pages = st.integers(0, 64 * GIB // PAGE)
ramps = st.builds(Ramp, st.integers(MIB // PAGE, GIB // PAGE).map(lambda count: count * PAGE), st.just(1.0))


@given(st.integers(0, 1000), st.integers(0, 1000), ramps)
def test_an_inflation_ends_at_its_goal_in_the_announced_number_of_steps(start: int, end: int, ramp: Ramp) -> None:
    now, goal = max(start, end) * MIB, min(start, end) * MIB
    announced, taken = ramp.steps(now, goal), 0
    while now != goal or not taken:
        following = ramp.following(now, goal)
        assert goal <= following <= now, "neither past the goal nor back"
        assert now - following <= ramp.step
        now, taken = following, taken + 1
    assert taken == announced


@given(pages, pages, ramps)
def test_deflation_is_one_step(start: int, end: int, ramp: Ramp) -> None:
    now, goal = min(start, end) * PAGE, max(start, end) * PAGE
    assert ramp.following(now, goal) == goal
    assert ramp.steps(now, goal) == 1


@pytest.mark.parametrize(
    ("text", "ramp"),
    [
        ("256M/5s", Ramp(256 * MIB, 5)),
        (" 64 MiB / 2 ", Ramp(64 * MIB, 2)),
        ("1.5G/0.5 seconds", Ramp(1536 * MIB, 0.5)),
        ("16M/0s", Ramp(16 * MIB, 0)),
        ("1048577/1s", Ramp(MIB, 1)),
    ],
)
def test_valid_ramps(text: str, ramp: Ramp) -> None:
    assert parse_ramp(text) == ramp
    assert ramp_trouble(text) == ""


@pytest.mark.parametrize(
    "text", ["", "256M", "/5s", "256M/", "256M/-1s", "512K/5s", "0/5s", "256M/5m", "256M/5s/5s", "1M/3601s", "1M/1e9s"]
)
def test_invalid_ramps(text: str) -> None:
    assert ramp_trouble(text)
    with pytest.raises(SizeError):
        parse_ramp(text)


@given(st.text())
def test_no_text_surprises(text: str) -> None:
    try:
        ramp = parse_ramp(text)
    except SizeError:
        return
    assert parse_ramp(str(ramp)) == ramp


@given(ramps)
def test_a_ramp_is_written_as_it_is_read(ramp: Ramp) -> None:
    assert parse_ramp(str(ramp)) == ramp
