"""Which messages of a record the log shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from workbench.domain.qmp.record.record import Kind, Message, Origin, Record
from workbench.domain.qmp.record.search import Show
from workbench.ui.qmp.record.entries import MAX_ITEMS
from workbench.ui.qmp.record.lines import Note
from workbench.ui.qmp.record.section import NOTES, PAGE, Section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.ui.qmp.record.lines import Item

MESSAGES = st.lists(
    st.sampled_from([(Kind.EVENT, Origin.SCREEN), (Kind.COMMAND, Origin.USER), (Kind.COMMAND, Origin.SCREEN)])
)


def section_of(messages: Iterable[tuple[Kind, Origin]]) -> Section:
    record = Record()
    for kind, origin in messages:
        record.add(1.0, kind, origin, str(origin), {})
    section = Section()
    section.show(record)
    return section


def events(count: int) -> Section:
    return section_of([(Kind.EVENT, Origin.SCREEN)] * count)


def serials(items: Iterable[Item]) -> list[int]:
    return [item.serial for item in items if isinstance(item, Message)]


@given(MESSAGES, st.sampled_from(Show), st.booleans())
def test_all_that_the_filter_takes_is_shown_in_order(
    messages: list[tuple[Kind, Origin]], show: Show, polling: bool
) -> None:
    section = section_of(messages)
    section.filter = replace(section.filter, show=show, polling=polling)
    assert section.record is not None
    wanted = serials(section.taken(section.record))
    assert serials(section.newest()) == wanted
    assert section.oldest == (wanted[0] if wanted else 0)
    polled = sum(kind is Kind.COMMAND and origin is Origin.SCREEN for kind, origin in messages)
    assert section.polled.total() == polled


@given(st.integers(0, 3 * MAX_ITEMS), st.data())
def test_each_message_can_be_reached_and_what_is_after_it_is_counted(count: int, data: st.DataObject) -> None:
    section = events(count)
    newest = serials(section.newest())
    assert newest == list(range(max(1, count - MAX_ITEMS + 1), count + 1))
    assert section.later == 0
    if count:
        serial = data.draw(st.integers(1, count))
        around = serials(section.around(serial))
        assert serial in around
        assert around == list(range(around[0], around[-1] + 1))
        assert len(around) <= 2 * PAGE
        assert section.later == count - around[-1]
        assert section.has_before(around[0]) == (around[0] > 1)


def test_what_was_cleared_is_not_shown_and_the_record_keeps_it() -> None:
    section = events(5)
    section.add_note(Note(1.0, "before"))
    section.clear()
    assert section.record is not None
    section.record.add(1.0, Kind.EVENT, Origin.SCREEN, "AFTER", {})
    assert serials(section.newest()) == serials(section.around(6)) == [6]
    assert list(section.newest()) == list(section.record.after(5, polling=True)), "no note either"
    assert section.oldest == 6
    assert not section.has_before(6)
    assert len(section.record) == 6


@pytest.mark.parametrize("show", Show)
def test_notes_are_where_they_were_made(show: Show) -> None:
    section = section_of([(Kind.COMMAND, Origin.USER)] * 2)
    note = Note(1.0, "mistake")
    section.add_note(note)
    assert section.record is not None
    section.record.add(1.0, Kind.COMMAND, Origin.USER, "late", {})
    section.filter = replace(section.filter, show=show)
    items = list(section.newest())
    if show in (Show.ALL, Show.MINE):
        assert [item is note for item in items] == [False, False, True, False]
    else:
        assert note not in items


def test_old_notes_are_dropped() -> None:
    section = events(1)
    for number in range(NOTES + 1):
        section.add_note(Note(1.0, str(number)))
    notes = [item.message for item in section.newest() if isinstance(item, Note)]
    assert notes == [str(number) for number in range(1, NOTES + 1)]


def test_another_record_is_shown_from_its_beginning() -> None:
    section = events(5)
    section.add_note(Note(1.0, "of the first"))
    section.clear()
    section.show(events(2).record)
    assert serials(section.newest()) == [1, 2]


def test_without_a_record_nothing_is_shown() -> None:
    section = Section()
    section.add_note(Note(1.0, "lost"))
    assert list(section.newest()) == section.around(1) == []
    assert (section.oldest, section.has_before(1)) == (0, False)
