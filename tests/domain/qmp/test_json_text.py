"""JSON read in one pass: values equal those of json.loads, and every position points at the text of its value."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.qmp.json_text import Fault, Wrong, read_json
from workbench.domain.qmp.values import MAX_NESTING, UNSENDABLE

texts = st.text(st.characters(codec="utf-8"), max_size=8).filter(lambda text: not UNSENDABLE.search(text))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
forms = st.sampled_from(
    [
        {"ensure_ascii": True},
        {"ensure_ascii": False},
        {"indent": 2},
        {"separators": (",", ":")},
        {"separators": (" ,\r\n ", "\t: ")},
    ]
)
spaces = st.text(" \t\r\n", max_size=3)
garbage = st.text("{}[]\":,\\ue+-.019 truefalsn'\ud800\x00\xa0")


def paths(value: object, above: tuple[str, ...] = ()) -> dict[tuple[str, ...], object]:
    """Every path of a value with the value there."""
    found: dict[tuple[str, ...], object] = {above: value}
    if isinstance(value, list | dict):
        steps = enumerate(value) if isinstance(value, list) else value.items()
        for step, inner in steps:
            found |= paths(inner, (*above, str(step)))
    return found


@given(values, forms, spaces, spaces, texts)
def test_value_and_places(value: object, form: dict[str, object], before: str, between: str, rest: str) -> None:
    text = json.dumps(value, **form)  # type: ignore[arg-type]
    line = f"{before}{text} {between}{rest}"
    read = read_json(line)
    assert read.fault is None
    assert (read.cursor, read.closing) == (None, "")
    assert read.value == json.loads(text)
    assert read.end == len(before) + len(text)
    expected = paths(value)
    assert read.places.keys() == expected.keys()
    for path, (start, end) in read.places.items():
        piece = line[start:end]
        assert piece == piece.strip()
        if path and isinstance(expected[path[:-1]], dict):
            assert json.loads(f"{{{piece}}}") == {path[-1]: expected[path]}
        else:
            assert json.loads(piece) == expected[path]


@given(values, st.text("x=", max_size=5))
def test_reading_starts_at_the_given_position(value: object, before: str) -> None:
    text = json.dumps(value)
    read, moved = read_json(text), read_json(before + text, len(before))
    assert moved.value == read.value
    assert moved.end == read.end + len(before)
    assert moved.places == {path: (a + len(before), b + len(before)) for path, (a, b) in read.places.items()}


@given(garbage | garbage.map(lambda text: f'{{"a": {text}'))
def test_any_text_is_judged_as_json_judges_it(text: str) -> None:
    read = read_json(text)
    stripped = text.lstrip(" \t\r\n")
    try:
        value, end = json.JSONDecoder().raw_decode(stripped)
    except ValueError:
        assert read.fault is not None
        return
    if read.fault is None:
        assert (read.value, read.end) == (value, end + len(text) - len(stripped))
        assert read.value is None or type(read.value) is type(value)
    else:
        assert read.fault.wrong is Wrong.UNSENDABLE


@given(values.filter(lambda value: isinstance(value, dict | list)), st.data())
def test_what_is_cut_off_is_completed_by_its_closing(value: object, data: st.DataObject) -> None:
    text = json.dumps(value)
    head = text[: data.draw(st.integers(1, len(text) - 1))]
    read = read_json(head)
    assert read.fault is not None
    assert read.fault.wrong in (Wrong.TOO_SOON, Wrong.OPEN_STRING, Wrong.SYNTAX)
    if read.cursor is not None:
        assert head.endswith(read.cursor.word)
        assert read.cursor.begun == (read.cursor.start < len(head))
        assert read.cursor.given is read.value
    if read.fault.wrong is not Wrong.SYNTAX:
        brackets = [{"{": "}", "[": "]"}[mark] for mark in reversed(open_brackets(head))]
        assert read.closing == '"' * (read.fault.wrong is Wrong.OPEN_STRING) + "".join(brackets)


def open_brackets(text: str) -> list[str]:
    found: list[str] = []
    inside = escaped = False
    for character in text:
        if inside:
            inside = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            inside = True
        elif character in "{[":
            found.append(character)
        elif character in "}]":
            found.pop()
    return found


@pytest.mark.parametrize(
    ("text", "wrong", "words", "piece"),
    [
        ("", Wrong.TOO_SOON, "expecting value", ""),
        ("{", Wrong.TOO_SOON, "expecting property name enclosed in double quotes", ""),
        ("{a: 1}", Wrong.SYNTAX, "expecting property name enclosed in double quotes", "a"),
        ('{"a" 1}', Wrong.SYNTAX, "expecting ':' delimiter", "1"),
        ('{"a": 1 "b"}', Wrong.SYNTAX, "expecting ',' delimiter", '"'),
        ('{"a": 1,}', Wrong.SYNTAX, "expecting property name enclosed in double quotes", "}"),
        ("[1,]", Wrong.SYNTAX, "expecting value", "]"),
        ("[1}", Wrong.SYNTAX, "expecting ',' delimiter", "}"),
        ("[01]", Wrong.SYNTAX, "expecting ',' delimiter", "1"),
        ("[tru]", Wrong.SYNTAX, "expecting value", "t"),
        ('["a', Wrong.OPEN_STRING, "unterminated string", '"a'),
        ('["a\\u12', Wrong.OPEN_STRING, "unterminated string", '"a\\u12'),
        ('["a\\q"]', Wrong.SYNTAX, "invalid \\escape", "\\"),
        ('["a\tb"]', Wrong.SYNTAX, "invalid control character", "\t"),
        ('[1, "\uffff"]', Wrong.UNSENDABLE, "QEMU does not accept the character U+FFFF", '"\uffff"'),
        ('{"\\ud800": 1}', Wrong.UNSENDABLE, "QEMU does not accept the character U+D800", '"\\ud800"'),
        ("[1, NaN]", Wrong.UNSENDABLE, "NaN is not JSON", "NaN"),
        ("[-Infinity]", Wrong.UNSENDABLE, "-Infinity is not JSON", "-Infinity"),
        ("[1e999]", Wrong.UNSENDABLE, "number too large", "1e999"),
        (f"[{'9' * 5000}]", Wrong.UNSENDABLE, "number too long", "9" * 5000),
        ("[" * (MAX_NESTING + 1), Wrong.UNSENDABLE, "nested too deeply", "["),
    ],
)
def test_a_fault_has_its_place(text: str, wrong: Wrong, words: str, piece: str) -> None:
    fault = read_json(text).fault
    assert fault is not None
    assert (fault.wrong, fault.words, text[slice(*fault.span)]) == (wrong, words, piece)


def test_nesting_up_to_the_limit_is_read() -> None:
    text = "[" * MAX_NESTING + "]" * MAX_NESTING
    read = read_json(text)
    assert read.fault is None
    assert len(read.places) == MAX_NESTING


def test_of_a_member_given_twice_the_last_counts_and_has_the_only_places() -> None:
    text = '{"a": {"b": [1]}, "a": 2}'
    read = read_json(text)
    assert read.value == {"a": 2}
    assert {path: text[slice(*span)] for path, span in read.places.items()} == {(): text, ("a",): '"a": 2'}


def test_zero_below_zero_and_floats_keep_their_kind() -> None:
    value = read_json("[-0, -0.0, 1E2, 1]").value
    assert isinstance(value, list)
    assert [type(one) for one in value] == [int, float, float, int]
    assert math.copysign(1, value[1]) == -1


def test_a_fault_is_data() -> None:
    assert read_json("[").fault == Fault(Wrong.TOO_SOON, "expecting value", (1, 1))
