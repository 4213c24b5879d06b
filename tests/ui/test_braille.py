"""Lines of braille dots: every value where it belongs, and nothing outside."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.ui.braille import Cell, draw, resample

values = st.one_of(st.none(), st.floats(0, 512))


def rendered(rows: list[list[Cell]]) -> list[str]:
    return ["".join(cell.character for cell in row) for row in rows]


def test_a_flat_line_at_the_top_the_middle_and_the_bottom() -> None:
    assert rendered(draw([[8.0] * 4], width=2, height=1, low=0, high=8)) == ["\u2809\u2809"]
    assert rendered(draw([[0.0] * 4], width=2, height=1, low=0, high=8)) == ["\u28c0\u28c0"]


def test_a_step_is_joined_by_its_rise() -> None:
    rows = draw([[0.0, 8.0]], width=1, height=1, low=0, high=8)
    assert rendered(rows) == [chr(0x2800 | 0x40 | 0x08 | 0x10 | 0x20)]


def test_the_first_series_keeps_its_colour_where_two_meet() -> None:
    rows = draw([[4.0, 4.0], [4.0, 4.0]], width=1, height=1, low=0, high=8)
    assert rows[0][0].series == 0


def test_a_gap_stays_empty() -> None:
    assert rendered(draw([[None, None, 8.0, 8.0]], width=2, height=1, low=0, high=8)) == [" \u2809"]


@given(st.lists(st.lists(values, min_size=12, max_size=12), min_size=1, max_size=4), st.integers(1, 9))
def test_every_shape_fits_its_frame(series: list[list[float | None]], height: int) -> None:
    rows = draw(series, width=6, height=height, low=0, high=512)
    assert len(rows) == height
    for row in rows:
        assert len(row) == 6
        for cell in row:
            assert (cell.series == -1) == (cell.character == " ")
            assert cell.character == " " or 0x2800 < ord(cell.character) <= 0x28FF


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 9)), max_size=30), st.integers(1, 50))
def test_resampling_gives_the_last_value_known_by_then(points: list[tuple[float, int]], count: int) -> None:
    points.sort(key=lambda point: point[0])
    times, seen = [point[0] for point in points], [point[1] for point in points]
    result = resample(times, seen, start=0, step=2, count=count)
    assert len(result) == count
    for index, value in enumerate(result):
        known = [v for t, v in points if t <= (index + 1) * 2]
        assert value == (known[-1] if known else None)
