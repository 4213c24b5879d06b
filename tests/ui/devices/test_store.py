"""What was read of the devices, and what is missing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.ui.devices.bench import BALLOON, BUSES, CHILD, NODE, QOM, SECRET, TREE, node
from workbench.domain.devices.buses import ROOT
from workbench.domain.devices.qom import Child, Node, Property
from workbench.domain.devices.type_info import TypeInfo
from workbench.ui.devices.row import Row
from workbench.ui.devices.store import MANY, Question, Store, Want
from workbench.ui.devices.views.views import View

PATHS = st.sets(st.sampled_from(sorted(QOM)))


def opened(path: str) -> Row:
    """The line of an object, expanded."""
    return Row(path, "", path, path=path, expandable=True, expanded=True, source=Child(path, "t", path))


def value(name: str, *, unread: bool = False) -> Row:
    source = Property(name, "int", unread=unread)
    return Row(f"{BALLOON}#property:{name}", "", name, path=BALLOON, source=source)


@given(PATHS, PATHS, st.booleans())
def test_after_a_walk_exactly_the_objects_that_exist_are_known(read: set[str], exist: set[str], values: bool) -> None:
    store = Store(nodes={path: QOM[path] for path in read}, failed=dict.fromkeys(exist, "gone"))
    store.take_walk({path: QOM[path] for path in exist}, values=values)
    assert store.nodes == {path: QOM[path] for path in exist}
    assert (store.failed, store.whole) == ({}, True)


def test_a_walk_without_values_keeps_those_that_were_read() -> None:
    store = Store(nodes={BALLOON: NODE, CHILD: SECRET})
    store.take_walk({BALLOON: Node(BALLOON, "t", children=()), CHILD: Node(CHILD, "t")}, values=False)
    assert store.nodes == {BALLOON: replace(NODE, children=()), CHILD: SECRET}
    with_values = Node(CHILD, "", (Property("serial", "str", "new"),))
    store.take_walk({CHILD: with_values}, values=True)
    assert store.nodes == {CHILD: replace(with_values, type=SECRET.type)}


def test_it_forgets_all_but_the_tree() -> None:
    store = Store(
        tree=TREE, nodes=dict(QOM), failed={"/x": "gone"}, types={"t": TypeInfo("t")}, buses=BUSES, whole=True
    )
    store.forget()
    assert store == Store(tree=TREE)


@given(PATHS, PATHS, PATHS)
def test_what_is_expanded_and_unknown_is_missing(expanded: set[str], read: set[str], failed: set[str]) -> None:
    store = Store(nodes={path: QOM[path] for path in read}, failed=dict.fromkeys(failed, "gone"))
    missing = list(store.missing([opened(path) for path in sorted(expanded)], View.QOM))
    assert missing == [Question(Want.NODE, path) for path in sorted(expanded - read - failed)]


def test_many_missing_objects_are_read_by_one_walk() -> None:
    rows = [opened(f"/x{number}") for number in range(MANY + 1)]
    assert list(Store().missing(rows, View.QOM)) == [Question(Want.WALK)]
    assert len(list(Store(whole=True).missing(rows, View.QOM))) == MANY + 1, "a walk did not have them"


def test_the_bus_view_needs_the_buses() -> None:
    store = Store()
    assert list(store.missing([], View.PCI)) == []
    assert list(store.missing([], View.BUS)) == list(store.above()) == [Question(Want.BUSES, ROOT)]
    assert store.take_buses(BUSES)
    assert list(store.missing([], View.BUS)) == list(store.above()) == []
    store.buses_old = True
    assert list(store.missing([], View.BUS)) == [Question(Want.BUSES, ROOT)]
    assert not store.take_buses(BUSES), "as they were"
    assert list(store.missing([], View.BUS)) == []


def test_visible_values_of_an_object_are_one_question() -> None:
    store = Store(nodes={BALLOON: NODE})
    rows = [value("a"), value("b", unread=True)]
    kind = Question(Want.TYPE, NODE.type)
    assert list(store.live(rows)) == [Question(Want.VALUES, BALLOON, (("a", "int"), ("b", "int"))), kind]
    assert list(store.live(rows, only_unread=True)) == [Question(Want.VALUES, BALLOON, (("b", "int"),)), kind]
    store.take_type(TypeInfo(NODE.type))
    assert list(store.live(rows[:1], only_unread=True)) == []


def test_containers_are_read_again_where_devices_come_and_go() -> None:
    store = Store(nodes={"/objects": node("/objects"), BALLOON: NODE})
    rows = [opened("/objects"), opened(BALLOON), opened("/unread")]
    assert list(store.places(rows)) == [Question(Want.NODE, "/objects")]
    assert set(store.again(rows)) == {Question(Want.NODE, row.path) for row in rows}
