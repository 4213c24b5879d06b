"""The items of a log as entries and lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.qmp.record.record import Kind, Message, Origin
from workbench.ui.qmp.record.entries import Entries, Line

NAMES = st.lists(st.sampled_from(["A", "B"]), max_size=20)


def event(serial: int, name: str, **data: object) -> Message:
    return Message.of(serial, 1.0, Kind.EVENT, Origin.SCREEN, name, data)


def entries_of(names: list[str]) -> Entries:
    entries = Entries()
    entries.lay_out_all(80)
    entries.add((event(serial, name) for serial, name in enumerate(names, 1)), 100, None)
    return entries


@given(NAMES, st.data())
def test_any_entry_expands_and_collapses_in_its_place(names: list[str], data: st.DataObject) -> None:
    entries = entries_of(names)
    texts = [line.text for line in entries.lines]
    assert sum(entry.repeats for entry in entries.entries) == len(names)
    if not names:
        return
    entry = data.draw(st.sampled_from(list(entries.entries)))
    first = entries.line_of(entry)
    entry.whole = True
    entries.replace(entry)
    assert len(entries.lines) == len(texts) + entry.repeats - 1
    assert [entries.entry_at(first + number) for number in range(entry.repeats)] == [entry] * entry.repeats
    entry.whole = False
    entries.replace(entry)
    assert [line.text for line in entries.lines] == texts


@given(NAMES, st.integers(0, 25))
def test_the_last_entry_above_a_line_that_expands_is_found(names: list[str], end: int) -> None:
    entries = entries_of(names)
    above = [line.entry for line in entries.lines[:end] if line.entry is not None and line.entry.openable]
    assert entries.openable_above(end) is (above[-1] if above else None)


def test_there_is_no_entry_outside_the_lines() -> None:
    entries = entries_of(["A", "B"])
    assert [entries.entry_at(index) for index in (-1, 2)] == [None, None]


def test_the_tail_is_below_all_entries_and_belongs_to_none() -> None:
    entries = entries_of(["A", "B"])
    assert entries.line_at(2) is None
    assert entries.shown == entries.lines
    entries.tail = Line(None, [("tail", "muted")])
    assert entries.line_at(2) is entries.tail
    assert entries.line_at(3) is None
    assert entries.shown[-1] is entries.tail
    assert entries.entry_at(2) is None
