"""The text in the editor matches the file byte for byte, with any line endings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from workbench.ui.editor.document import ProfileDocument, location_at, split_lines
from workbench.ui.editor.text_area import ProfileArea, changed_range

texts = st.lists(st.sampled_from(["a", "\r\n", "\n", "\r", "\u2028", "\x85", "\x0b", "\U0001f40d"]), max_size=12).map(
    "".join
)


def offset_of(text: str, location: tuple[int, int]) -> int:
    lines, ends = split_lines(text)
    return sum(map(len, lines[: location[0]])) + sum(map(len, ends[: location[0]])) + location[1]


@given(texts)
def test_the_text_is_preserved(text: str) -> None:
    assert ProfileDocument(text).text == text


@given(texts, texts, st.data())
def test_a_replacement_matches_that_of_the_text_and_can_be_undone(text: str, new: str, data: st.DataObject) -> None:
    document = ProfileDocument(text)
    lines, _ = split_lines(text)

    def place() -> tuple[int, int]:
        row = data.draw(st.integers(0, len(lines) - 1))
        return row, data.draw(st.integers(0, len(lines[row])))

    start, end = sorted((place(), place()))
    begin, stop = offset_of(text, start), offset_of(text, end)
    assert document.get_text_range(start, end) == text[begin:stop]
    result = document.replace_range(start, end, new)
    assert document.text == text[:begin] + new + text[stop:]
    assert result.replaced_text == text[begin:stop]
    document.replace_range(start, result.end_location, result.replaced_text)
    assert document.text == text


@given(texts, texts)
def test_the_minimal_change_turns_one_text_into_the_other(before: str, after: str) -> None:
    start, before_end, after_end = changed_range(before, after)
    document = ProfileDocument(before)
    document.replace_range(location_at(before, start), location_at(before, before_end), after[start:after_end])
    assert document.text == after


def test_typed_lines_end_like_the_lines_around_them() -> None:
    document = ProfileDocument("a\r\nb\nc")
    assert document.with_ends_of(0, "\n") == "\r\n"
    assert document.with_ends_of(2, "x\ry\r\n") == "x\ny\n"
    assert ProfileDocument("").with_ends_of(0, "\n") == "\n"


class AreaApp(App[None]):
    def compose(self) -> ComposeResult:
        yield ProfileArea(id="area")


async def test_typing_and_undo_keep_all_other_line_endings() -> None:
    text = '# one\r\nkey = "a\u2028b"\n# \x85\r\n'
    app = AreaApp()
    async with app.run_test(size=(40, 10)) as pilot:
        area = app.query_one(ProfileArea)
        area.load_text(text)
        area.focus()
        await pilot.pause()
        assert area.text == text
        await pilot.press("end", "enter", "x", "down", "end", "backspace")
        assert area.text == '# one\r\nx\r\nkey = "a\u2028b\n# \x85\r\n'
        await pilot.press(*["ctrl+z"] * 6)
        assert area.text == text
        assert area.get_line(1).plain == 'key = "a\N{REPLACEMENT CHARACTER}b"'
