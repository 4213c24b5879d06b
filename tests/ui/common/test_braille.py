"""Lines of braille dots: every value in its place, and nothing outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from workbench.ui.common.braille import BLANK, DASH, NO_OWNER, Row, draw

if TYPE_CHECKING:
    from workbench.domain.balloon.history.samples import Column

values = st.tuples(st.integers(0, 512), st.integers(0, 512), st.integers(0, 512)).map(
    lambda three: (min(three), max(three), three[0])
)
columns = st.none() | values


def flat(*numbers: int | None) -> list[Column]:
    return [None if number is None else (number, number, number) for number in numbers]


def texts(rows: list[Row]) -> list[str]:
    return [row.text for row in rows]


def dots(rows: list[Row]) -> set[tuple[int, int]]:
    """Column and row, from above, of each dot."""
    bits = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
    return {
        (2 * x + side, 4 * y + line)
        for y, row in enumerate(rows)
        for x, character in enumerate(row.text)
        for line in range(4)
        for side in range(2)
        if character != " " and (ord(character) - BLANK) & bits[line][side]
    }


def test_a_flat_line_at_the_top_and_the_bottom() -> None:
    assert texts(draw([flat(8, 8, 8, 8)], width=2, height=1, low=0, high=8)) == ["\u2809\u2809"]
    assert texts(draw([flat(0, 0, 0, 0)], width=2, height=1, low=0, high=8)) == ["\u28c0\u28c0"]


def test_a_step_is_joined_by_its_rise() -> None:
    rows = draw([flat(0, 8)], width=1, height=1, low=0, high=8)
    assert texts(rows) == [chr(0x2800 | 0x40 | 0x08 | 0x10 | 0x20)]


def test_the_first_series_keeps_its_colour_where_two_meet() -> None:
    rows = draw([flat(4, 4), flat(4, 4)], width=1, height=1, low=0, high=8)
    assert rows[0].owners == bytes([0])


def test_alternating_series_are_both_seen_where_they_are_equal() -> None:
    line = flat(*[4] * 16)
    (row,) = draw([line, line, line], width=8, height=1, low=0, high=8, turns=2)
    assert row.owners == bytes([0] * DASH + [1] * DASH) * (8 // (2 * DASH))


def test_a_gap_stays_empty() -> None:
    (row,) = draw([flat(None, None, 8, 8)], width=2, height=1, low=0, high=8)
    assert row == Row(" \u2809", bytes([NO_OWNER, 0]))


def test_a_dip_within_one_column_reaches_down() -> None:
    rows = draw([[(8, 8, 8), (0, 8, 8), (8, 8, 8), (8, 8, 8)]], width=2, height=2, low=0, high=8)
    assert dots(rows) == {(0, 0), (2, 0), (3, 0), *((1, y) for y in range(8))}


@given(st.lists(st.lists(columns, min_size=12, max_size=12), min_size=1, max_size=4), st.integers(1, 9))
def test_every_shape_fits_its_frame_and_shows_every_extreme(series: list[list[Column]], height: int) -> None:
    rows = draw(series, width=6, height=height, low=0, high=512, turns=2)
    assert [len(row.text) for row in rows] == [6] * height
    for row in rows:
        for character, owner in zip(row.text, row.owners, strict=True):
            assert (owner == NO_OWNER) == (character == " ")
            assert character == " " or BLANK < ord(character) <= 0x28FF
            assert owner == NO_OWNER or owner < len(series)
    found, bottom = dots(rows), 4 * height - 1
    for line in series:
        for x, value in enumerate(line):
            for size in value or ():
                assert (x, bottom - round(size * bottom / 512)) in found
    empty = {x for x in range(12) if all(line[x] is None for line in series)}
    assert not {x for x, _ in found} & empty
