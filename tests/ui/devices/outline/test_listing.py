"""The cursor is on a line whenever there is one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.ui.devices.outline.listing import Listing
from workbench.ui.devices.row import Row

KEYS = st.lists(st.text("abcdef", min_size=1, max_size=1), unique=True, max_size=6)


def lines(keys: list[str]) -> list[Row]:
    return [Row(key, "", key) for key in keys]


@given(st.lists(st.tuples(KEYS, KEYS, st.integers(-9, 9)), max_size=8))
def test_the_cursor_is_on_a_line_whatever_lines_arrive(steps: list[tuple[list[str], list[str], int]]) -> None:
    listing = Listing()
    for keys, wanted, by in steps:
        before = listing.cursor
        listing.replace(lines(keys), wanted)
        assert (listing.row is None) == (not keys)
        first = next((key for key in wanted if key in keys), None)
        if first is not None:
            assert listing.row is not None
            assert listing.row.key == first
        else:
            assert listing.cursor == max(0, min(before, len(keys) - 1)), "as near as possible to its old place"
        listing.move_to(listing.cursor + by)
        assert listing.row is None or listing.rows[listing.cursor] is listing.row


@given(KEYS)
def test_each_line_has_its_number(keys: list[str]) -> None:
    listing = Listing()
    listing.replace(lines(keys), ())
    assert [listing.number_of(key) for key in keys] == list(range(len(keys)))
    assert listing.number_of("z") is None
