"""Questions about devices: each once until it is answered, and what becomes of the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ui.devices.bench import BALLOON, BUSES, CHILD, NODE, QOM, TREE, WORDS
from workbench.domain.devices.buses import ROOT
from workbench.domain.devices.qom import Property
from workbench.domain.devices.type_info import TypeInfo
from workbench.domain.devices.virtio import Virtio
from workbench.ui.devices.requests import Requests
from workbench.ui.devices.store import Question, Store, Want

if TYPE_CHECKING:
    from collections.abc import Callable

LATER = Virtio(5, 0, None, (), (), config=WORDS)


class Asked:
    """Requests, and the questions that they sent."""

    def __init__(self) -> None:
        self.store = Store(tree=TREE)
        self.sent: list[Question] = []
        self.requests = Requests(self.store, self.sent.append)

    def again(self, question: Question) -> bool:
        """Whether a question is sent if it is asked now."""
        before = len(self.sent)
        self.requests.ask([question])
        return len(self.sent) > before


@given(st.lists(st.tuples(st.sampled_from(["ask", "answer", "refuse"]), st.sampled_from(sorted(QOM))), max_size=30))
def test_a_question_is_sent_once_until_it_is_answered(steps: list[tuple[str, str]]) -> None:
    asked = Asked()
    pending: set[str] = set()
    for step, path in steps:
        if step == "ask":
            assert asked.again(Question(Want.NODE, path)) == (path not in pending)
            pending.add(path)
        elif step == "answer":
            asked.requests.take_node(QOM[path])
            pending.discard(path)
            assert asked.store.nodes[path] == QOM[path]
        else:
            asked.requests.refuse(Question(Want.NODE, path), "gone")
            pending.discard(path)
            assert path not in asked.store.nodes
        assert asked.requests.reading_objects == bool(pending)


ANSWERS: dict[Want, tuple[Question, Callable[[Requests], bool]]] = {
    Want.NODE: (Question(Want.NODE, BALLOON), lambda requests: requests.take_node(NODE)),
    Want.VALUES: (Question(Want.VALUES, BALLOON), lambda requests: requests.take_values(BALLOON, ())),
    Want.VIRTIO: (Question(Want.VIRTIO, BALLOON), lambda requests: requests.take_virtio(BALLOON, None)),
    Want.TYPE: (Question(Want.TYPE, "t"), lambda requests: requests.take_type(TypeInfo("t"))),
    Want.BUSES: (Question(Want.BUSES, ROOT), lambda requests: requests.take_buses(BUSES)),
    Want.WALK: (Question(Want.WALK), lambda requests: requests.take_walk(QOM, values=False)),
    Want.EVERYTHING: (Question(Want.EVERYTHING), lambda requests: requests.take_walk(QOM, values=True)),
}


@pytest.mark.parametrize("want", Want)
def test_each_answer_settles_its_question_and_no_other(want: Want) -> None:
    asked = Asked()
    questions = [question for question, _ in ANSWERS.values()]
    asked.requests.ask(questions)
    assert asked.sent == questions
    question, answer = ANSWERS[want]
    answer(asked.requests)
    assert [one for one in questions if asked.again(one)] == [question]


@pytest.mark.parametrize("want", Want)
def test_what_qemu_did_not_answer_may_be_asked_again_and_is_kept(want: Want) -> None:
    asked = Asked()
    asked.store.take_node(NODE)
    questions = [question for question, _ in ANSWERS.values()]
    asked.requests.ask(questions)
    question, _ = ANSWERS[want]
    assert not asked.requests.refuse(question, "")
    assert [one for one in questions if asked.again(one)] == [question]
    assert asked.store.nodes == {BALLOON: NODE}
    assert asked.store.failed == {}


def test_what_qemu_refused_is_forgotten_with_its_reason() -> None:
    asked = Asked()
    asked.store.take_node(NODE)
    of_the_object = [Question(Want.VALUES, BALLOON), Question(Want.VIRTIO, BALLOON)]
    other = Question(Want.NODE, CHILD)
    asked.requests.ask([*of_the_object, other])
    assert asked.requests.refuse(of_the_object[0], "Device not found")
    assert asked.store.failed == {BALLOON: "Device not found"}
    assert asked.store.nodes == {}
    assert [one for one in [*of_the_object, other] if asked.again(one)] == of_the_object, "nothing else is to come"


def test_a_refused_type_or_walk_says_nothing_of_an_object() -> None:
    asked = Asked()
    for question in (Question(Want.TYPE, "t"), Question(Want.WALK), Question(Want.EVERYTHING)):
        assert asked.requests.refuse(question, "no")
    assert asked.store.failed == {}


def test_a_late_answer_is_taken() -> None:
    asked = Asked()
    asked.requests.ask([Question(Want.NODE, BALLOON)])
    asked.requests.forget()
    assert asked.requests.take_node(NODE)
    assert not asked.requests.take_node(NODE), "nothing new"
    assert asked.store.nodes == {BALLOON: NODE}


def test_values_that_may_be_stale_are_asked_for_again() -> None:
    asked = Asked()
    question = Question(Want.VALUES, BALLOON, (("romfile", "str"),))
    asked.requests.ask([question, question])
    asked.requests.ask_again(question)
    assert asked.sent == [question, question]
    assert not asked.again(question)


def test_registers_that_are_read_later_change_the_tree() -> None:
    asked = Asked()
    asked.store.take_node(NODE)
    assert asked.requests.take_virtio(BALLOON, LATER)
    assert asked.store.tree is not None
    device = asked.store.tree.device(BALLOON)
    assert device is not None
    assert device.status == 0
    assert not asked.requests.take_virtio(BALLOON, LATER)
    assert not asked.requests.take_virtio(CHILD, LATER), "not an object that is shown"


def test_values_change_an_object_that_was_read() -> None:
    asked = Asked()
    assert not asked.requests.take_values(BALLOON, [Property("romfile", "str", "x")]), "not read yet"
    asked.store.take_node(NODE)
    assert asked.requests.take_values(BALLOON, [Property("romfile", "str", "x"), Property("new", "str", "y")])
    values = {one.name: one.value for one in asked.store.nodes[BALLOON].properties}
    assert values["romfile"] == "x"
    assert "new" not in values
    assert values["deflate-on-oom"] is True
