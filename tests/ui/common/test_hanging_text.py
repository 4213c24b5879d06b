"""Lines in columns, wrapped below their own column."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.content import Content

from workbench.ui.common.hanging_text import LEAST, SHALLOW, hung


def lines(text: str, column: int, width: int) -> list[str]:
    return [line.plain.rstrip() for line in hung(Content(text), column, width)]


def test_what_does_not_fit_continues_below_its_column() -> None:
    assert lines("  driver  one of: file, raw, qcow2, null-co", 10, 36) == [
        "  driver  one of: file, raw, qcow2,",
        " " * 10 + "null-co",
    ]
    assert lines("    the size in bytes, as a number of them", 4, 28) == [
        "    the size in bytes, as a",
        "    number of them",
    ]
    assert lines("short", 4, 28) == ["short"]
    assert lines("not known yet " * 9, 4, 0) == [("not known yet " * 9).rstrip()]


def test_a_narrow_pane_has_little_room_for_columns() -> None:
    first, *more = lines("a-very-long-name-of-an-argument  string, optional, deprecated", 33, 33 + LEAST - 1)
    assert first.startswith("a-very-long-name")
    assert all(line.startswith(" " * SHALLOW) and line[SHALLOW] != " " for line in more)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z", "M"]) | st.just(" ")),
    st.integers(0, 60),
    st.integers(30, 90),
)
def test_every_line_fits_and_nothing_is_lost(text: str, column: int, width: int) -> None:
    broken = [line.plain for line in hung(Content(text), min(column, len(text)), width)]
    assert "".join("".join(broken).split()) == "".join(text.split())
    if text.isascii():
        assert all(cell_len(line.rstrip()) <= width for line in broken)
