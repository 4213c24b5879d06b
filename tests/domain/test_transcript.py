from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.qmp_input import InputError
from workbench.domain.traffic import Kind, Message, Origin, Record
from workbench.domain.transcript import as_json, json_line, steps

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
arguments = st.dictionaries(st.text(), values, max_size=4)


@given(st.lists(st.tuples(st.sampled_from(list(Kind)), st.sampled_from(list(Origin)), arguments)))
def test_what_is_saved_gives_the_users_commands_back(passed: list[tuple[Kind, Origin, dict[str, object]]]) -> None:
    record = Record()
    for kind, origin, payload in passed:
        record.add(1.5, kind, origin, "some-name", payload, 0.001)
    lines = [json_line(as_json(message)) for message in record]
    assert all("\n" not in line and "\x1b" not in line for line in lines)
    sent = [payload for kind, origin, payload in passed if (kind, origin) == (Kind.COMMAND, Origin.USER)]
    assert [step.request.arguments for step in steps(lines)] == sent


def test_each_kind_has_a_line_of_its_own() -> None:
    record = Record()
    record.add(1.0, Kind.COMMAND, Origin.USER, "balloon", {"value": 1})
    record.add(1.0, Kind.COMMAND, Origin.ACTION, "stop", {})
    record.add(2.0, Kind.REPLY, Origin.USER, "balloon", {}, 0.0004)
    record.add(2.0, Kind.ERROR, Origin.USER, "x", {"class": "GenericError", "desc": "no"}, 0.5)
    record.add(3.0, Kind.EVENT, Origin.SCREEN, "RESET", {"guest": True})
    record.add(4.0, Kind.NOTE, Origin.SCREEN, "", "closed")
    assert [as_json(message) for message in record] == [
        {"time": 1.0, "origin": "user", "execute": "balloon", "arguments": {"value": 1}},
        {"time": 1.0, "origin": "action", "execute": "stop"},
        {"time": 2.0, "origin": "user", "command": "balloon", "return": {}, "latency": 0.0004},
        {
            "time": 2.0, "origin": "user", "command": "x",
            "error": {"class": "GenericError", "desc": "no"}, "latency": 0.5,
        },
        {"time": 3.0, "event": "RESET", "data": {"guest": True}},
        {"time": 4.0, "note": "closed"},
    ]  # fmt: skip


def test_halves_of_a_pair_are_escaped() -> None:
    text = json_line({"a": "\ud800\x1b\u2028"})
    text.encode()
    assert json.loads(text) == {"a": "\ud800\x1b\u2028"}


@given(st.lists(st.text()))
def test_any_text_gives_steps_or_words(lines: list[str]) -> None:
    try:
        steps(lines)
    except InputError as error:
        assert "line " in error.message  # noqa: PT017


def test_a_bad_line_is_named() -> None:
    with pytest.raises(InputError, match="line 3"):
        steps(["", '{"execute": "stop"}', '{"execute": "stop", "arguments": 5}'])


def test_message_of_any_kind_has_a_line() -> None:
    for kind in Kind:
        assert as_json(Message(1, 1.0, kind, Origin.USER, "n", {}))["time"] == 1.0
