"""Windows of a history: whole columns, zoom and pan, and labels at round moments."""

from __future__ import annotations

import os
import time
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.balloon.history.window import LENGTHS, Window, moment, ticks

if TYPE_CHECKING:
    from collections.abc import Iterator

moments = st.floats(1e9, 2e9)
windows = st.builds(Window, st.sampled_from(LENGTHS), st.none() | moments)


@given(windows, moments, st.integers(1, 800))
def test_the_last_column_holds_the_right_edge(window: Window, now: float, count: int) -> None:
    start, step = window.columns(now, count)
    edge = now if window.end is None else window.end
    assert start + count * step >= edge - 1e-4
    assert start + (count - 1) * step <= edge + 1e-4
    assert step * count == pytest.approx(window.length)


@given(windows, moments, st.integers(1, 800), st.floats(0, 1))
def test_the_picture_moves_by_whole_columns(window: Window, now: float, count: int, share: float) -> None:
    start, step = window.columns(now, count)
    later, _ = window.columns(now + share * step, count)
    moved = (later - start) / step
    assert moved == pytest.approx(round(moved), abs=1e-3)
    assert -1e-3 <= moved <= 1 + 1e-3


@given(windows, moments, st.integers(-3, 3))
def test_a_window_never_ends_after_now(window: Window, now: float, steps: int) -> None:
    for moved in (window.panned(steps, now), window.ending(now + 5, now)):
        assert moved.end is None or moved.end < now
    assert window.zoomed(steps).length in LENGTHS


@given(moments, st.sampled_from(LENGTHS), st.integers(10, 400))
def test_labels_stand_apart_and_within(start: float, length: int, cells: int) -> None:
    found = ticks(start, start + length, cells)
    places = [(tick.time - start) / length * cells for tick in found]
    assert all(0 <= place < cells for place in places)
    for one, other, tick in zip(places, places[1:], found, strict=False):
        assert other - one > len(tick.label) + 1
    if cells >= 60:
        assert len(found) >= 2 or length < 100


@pytest.fixture
def berlin() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Berlin"
    time.tzset()
    yield
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_days_begin_at_midnight_also_when_the_clock_is_set_back() -> None:
    start = datetime(2026, 10, 23, 12).timestamp()  # on the 25th an hour comes twice
    found = ticks(start, start + 7 * 86400, 100)
    assert [tick.label for tick in found] == ["24 Oct", "25 Oct", "26 Oct", "27 Oct", "28 Oct", "29 Oct", "30 Oct"]
    assert {datetime.fromtimestamp(tick.time).hour for tick in found} == {0}


def test_names_and_moments_are_short() -> None:
    assert [Window(length).name for length in LENGTHS] == [
        "1 min", "2 min", "5 min", "15 min", "1 h", "6 h", "1 d", "7 d", "30 d",
    ]  # fmt: skip
    when = datetime(2026, 11, 4, 9, 5, 7).timestamp()
    assert [moment(when, length) for length in (60, 3600, 30 * 86400)] == ["4 Nov 09:05:07", "4 Nov 09:05", "4 Nov"]
