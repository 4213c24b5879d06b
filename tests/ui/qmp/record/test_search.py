"""A search in a record: from where it began, and from match to match."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from workbench.domain.qmp.record.record import BLOCK, Kind, Origin, Record
from workbench.ui.qmp.record.search import PIECE, Match, RecordSearch
from workbench.ui.qmp.record.section import Section


class Searched:
    """A search in some events, with a cursor."""

    def __init__(self, *names: str) -> None:
        self.cursor = 0
        self.section = Section()
        self.record = Record()
        for name in names:
            self.add(name)
        self.section.show(self.record)
        self.search = RecordSearch(self.section, lambda: self.cursor)

    def add(self, name: str) -> None:
        self.record.add(1.0, Kind.EVENT, Origin.SCREEN, name, {})

    @property
    def indexed(self) -> bool:
        return all(block.index is not None for block in self.record.messages.blocks)


@given(st.lists(st.sampled_from(["HIT", "MISS"]), min_size=1, max_size=20), st.data())
def test_every_match_is_reached_from_any_place(names: list[str], data: st.DataObject) -> None:
    searched = Searched(*names)
    hits = [serial for serial, name in enumerate(names, 1) if name == "HIT"]
    searched.cursor = data.draw(st.integers(0, len(names)))
    searched.search.begin()
    start = searched.cursor or len(names) + 1
    match = searched.search.seek("hit")
    if not hits:
        assert match is None
        assert searched.search.step(1) is None
        return
    assert match is not None
    before = [serial for serial in hits if serial <= start]
    assert match.serial == (before[-1] if before else hits[0])
    by = data.draw(st.sampled_from([1, -1]))
    for _ in range(len(hits) + 1):
        assert match == Match(match.serial, hits.index(match.serial) + 1, len(hits))
        searched.cursor = match.serial
        number = (hits.index(match.serial) + by) % len(hits)
        match = searched.search.step(by)
        assert match is not None
        assert match.serial == hits[number]


def test_messages_that_the_filter_hides_are_not_found() -> None:
    searched = Searched("HIT", "HIT")
    searched.section.filter = replace(searched.section.filter, hidden=frozenset({"HIT"}))
    assert searched.search.seek("hit") is None


def test_new_messages_are_counted_once() -> None:
    searched = Searched("HIT", "MISS")
    searched.search.begin()
    assert searched.search.recount() is None, "no text"
    searched.search.seek("hit")
    assert searched.search.recount() is None, "nothing new"
    searched.add("HIT")
    searched.add("HIT")
    searched.cursor = 3
    assert searched.search.recount() == (2, 3)
    assert searched.search.recount() is None


def test_the_index_is_built_in_pieces_and_freed() -> None:
    searched = Searched(*["EVENT"] * (PIECE + 1) * BLOCK)
    searched.search.begin()
    assert searched.search.prepare()
    assert not searched.indexed
    assert not searched.search.prepare()
    assert searched.indexed
    searched.search.forget()
    assert not searched.indexed


def test_without_a_record_nothing_is_found() -> None:
    search = RecordSearch(Section(), lambda: 0)
    search.begin()
    assert not search.prepare()
    assert search.seek("x") is None
    assert search.step(-1) is None
    assert search.recount() is None
    search.forget()
