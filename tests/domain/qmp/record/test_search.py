"""Searching a record."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.qmp.record.record import HMP, Kind, Origin, Record
from workbench.domain.qmp.record.search import Filter, Show, forget_index, pattern, prepare, search, simple
from workbench.ui.qmp.record.lines import lay_out

words = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)
payloads = st.dictionaries(
    words, words | st.integers(-(2**60), 2**60) | st.none() | st.lists(words, max_size=2), max_size=3
)


def a_record() -> Record:
    record = Record()
    record.add(0.0, Kind.COMMAND, Origin.USER, "balloon", {"value": 268435456, "x": {"a": "B"}})
    record.add(0.0, Kind.REPLY, Origin.USER, "balloon", {"actual": 5}, 0.1)
    record.add(0.0, Kind.COMMAND, Origin.USER, HMP, {"command-line": "info status"})
    record.add(0.0, Kind.REPLY, Origin.USER, HMP, "VM status: running\r\nnext line\r\n", 0.1)
    record.add(0.0, Kind.ERROR, Origin.ACTION, "stop", {"class": "GenericError", "desc": "Device 'x' [not] found"}, 0.1)
    record.add(0.0, Kind.EVENT, Origin.SCREEN, "RESET", {"guest": True})
    record.add(0.0, Kind.COMMAND, Origin.SCREEN, "qom-get", {"path": "/guest"})
    record.add(0.0, Kind.NOTE, Origin.SCREEN, "", "QEMU closed the connection")
    return record


@pytest.mark.parametrize(
    ("text", "serials"),
    [
        ("balloon value=268", [1]),
        ("VALUE: 2684", [1]),
        ('{"value"', [1]),
        ("a=B", [1]),
        ("actual", [2]),
        ("!info", [3]),
        ("status", [3, 4]),
        ("running next", [4]),
        ("nnext", []),
        ("genericerror: device 'x' [not]", [5]),
        ("guest=true", [6]),
        ("guest", [6]),
        ("closed the", [8]),
        ("", []),
        ('" ', []),
    ],
)
def test_text_as_shown_on_the_screen_is_found(text: str, serials: list[int]) -> None:
    record = a_record()
    assert search(record, text, Filter()) == serials
    forget_index(record)
    assert len(list(prepare(record, Filter(polling=True)))) == 2
    assert search(record, text, Filter()) == serials


def test_what_is_not_shown_is_not_found() -> None:
    record = a_record()
    assert search(record, "guest", Filter(polling=True)) == [6, 7]
    assert search(record, "guest", Filter(hidden=frozenset({"RESET"}))) == []
    assert search(record, "n", Filter(Show.MINE)) == [1, 3, 4]
    assert search(record, "o", Filter(Show.ERRORS)) == [5]


def test_what_comes_later_is_found_too() -> None:
    record = a_record()
    assert search(record, "late", Filter()) == []
    record.add(0.0, Kind.EVENT, Origin.SCREEN, "LATE", {})
    assert search(record, "late", Filter()) == [9]


@given(st.lists(st.tuples(st.sampled_from([Kind.COMMAND, Kind.REPLY, Kind.EVENT]), payloads), max_size=6), st.data())
def test_any_part_of_a_message_is_found(said: list[tuple[Kind, dict[str, object]]], data: st.DataObject) -> None:
    record = Record()
    for kind, payload in said:
        record.add(0.0, kind, Origin.USER, "some-name", payload, 0.1)
    for message in record:
        text = message.body.decode()
        start = data.draw(st.integers(0, len(text)))
        part = text[start : data.draw(st.integers(start, len(text)))]
        assert (message.serial in search(record, part, Filter())) == bool(simple(part))


@given(payloads, st.data())
def test_what_is_found_in_a_line_is_marked_in_it(payload: dict[str, object], data: st.DataObject) -> None:
    record = Record()
    record.add(0.0, Kind.REPLY, Origin.USER, "x", payload, 0.1)
    (line, *more) = lay_out(next(iter(record)), 10_000).lines
    assert not more
    said = "".join(text for text, _ in line[2:-2])
    start = data.draw(st.integers(0, len(said)))
    part = said[start : data.draw(st.integers(start, len(said)))]
    found = pattern(part)
    assert (found is None) == (not simple(part))
    if found is not None:
        assert found.search(said)


def test_a_pattern_of_any_text_compiles() -> None:
    found = pattern("a.*[(\\")
    assert found is not None
    assert re.search(found, 'A.*[(\\"')
