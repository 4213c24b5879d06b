from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.qmp.input_error import InputError
from workbench.domain.qmp.record.record import HMP, LARGEST, Kind, Message, Origin, Record
from workbench.domain.qmp.record.search import Filter, search
from workbench.domain.qmp.record.transcript import copied, device_of, json_line, line_of, steps, typed
from workbench.domain.qmp.typed_line import Request, parse_line
from workbench.domain.qmp.values import UNSENDABLE

texts = st.text(st.characters().filter(lambda character: UNSENDABLE.search(character) is None))
"""Of characters that QEMU reads: no command with another one ever passed."""
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
arguments = st.dictionaries(texts, values, max_size=4)


@given(st.lists(st.tuples(st.sampled_from(list(Kind)), st.sampled_from(list(Origin)), arguments)))
def test_what_is_saved_gives_the_users_commands_back(passed: list[tuple[Kind, Origin, dict[str, object]]]) -> None:
    record = Record()
    for kind, origin, payload in passed:
        record.add(1.5, kind, origin, "some-name", payload, 0.001)
    lines = [line_of(message).decode() for message in record]
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
    assert [json.loads(line_of(message)) for message in record] == [
        {"time": 1.0, "origin": "user", "execute": "balloon", "arguments": {"value": 1}},
        {"time": 1.0, "origin": "action", "execute": "stop", "arguments": {}},
        {"time": 2.0, "origin": "user", "command": "balloon", "return": {}, "latency": 0.0004},
        {
            "time": 2.0, "origin": "user", "command": "x",
            "error": {"class": "GenericError", "desc": "no"}, "latency": 0.5,
        },
        {"time": 3.0, "event": "RESET", "data": {"guest": True}},
        {"time": 4.0, "note": "closed"},
    ]  # fmt: skip


def test_a_command_out_of_band_is_sent_so_again() -> None:
    record = Record()
    record.add(1.0, Kind.COMMAND, Origin.USER, "query-yank", {}, oob=True)
    [line] = [line_of(message).decode() for message in record]
    assert json.loads(line) == {"time": 1.0, "origin": "user", "exec-oob": "query-yank", "arguments": {}}
    assert [(step.request.command, step.request.oob) for step in steps([line])] == [("query-yank", True)]
    [message] = record
    assert parse_line(typed(message)) == Request("query-yank", {}, oob=True)
    assert search(record, "exec-oob query-y", Filter()) == [1]


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
        assert json.loads(line_of(Message.of(1, 1.0, kind, Origin.USER, "n", {})))["time"] == 1.0


@given(st.dictionaries(st.from_regex(r"[a-z][a-z-]*", fullmatch=True), values, max_size=4))
def test_a_command_is_copied_as_it_can_be_typed(given_: dict[str, object]) -> None:
    message = Message.of(1, 1.0, Kind.COMMAND, Origin.USER, "some-name", given_)
    request = parse_line(typed(message))
    assert (request.command, request.arguments) == ("some-name", given_)


def test_what_is_copied() -> None:
    def of(kind: Kind, name: str, payload: object) -> str:
        return copied(Message.of(1, 1.0, kind, Origin.USER, name, payload))

    assert of(Kind.COMMAND, "balloon", {"value": 1}) == "balloon value=1"
    oob = Message.of(1, 1.0, Kind.COMMAND, Origin.USER, "yank", {"instances": []}, oob=True)
    assert copied(oob) == '{"exec-oob": "yank", "arguments": {"instances": []}}'
    assert of(Kind.COMMAND, HMP, {"command-line": "info status"}) == "!info status"
    assert of(Kind.REPLY, HMP, "a\r\nb\r\n") == "a\nb\n"
    assert of(Kind.REPLY, "x", {"a": 1}) == '{\n  "a": 1\n}'
    assert of(Kind.ERROR, "x", {"class": "GenericError", "desc": "no"}) == "GenericError: no"
    assert json.loads(of(Kind.EVENT, "RESET", {"a": 1})) == {"event": "RESET", "data": {"a": 1}}


@pytest.mark.parametrize(
    ("data", "device"),
    [
        ({"device": "disk0", "path": "/machine/peripheral/disk0"}, "/machine/peripheral/disk0"),
        ({"qom-path": "/machine/x", "device": "d"}, "/machine/x"),
        ({"id": "port0", "open": True}, "port0"),
        ({"info": {"device": "dimm0", "slot": "0"}}, "dimm0"),
        ({"actual": 5}, ""),
        ({"path": "relative", "device": ""}, ""),
    ],
)
def test_the_device_that_an_event_names(data: dict[str, object], device: str) -> None:
    assert device_of(Message.of(1, 1.0, Kind.EVENT, Origin.SCREEN, "X", data)) == device


def test_what_is_too_large_is_saved_as_its_beginning() -> None:
    record = Record()
    record.add(1.0, Kind.REPLY, Origin.USER, "x", "a" * (LARGEST + 1))
    line = json.loads(line_of(next(iter(record))))
    assert (line["reply"], line["cut"]) == ("x", LARGEST + 3)
    assert line["beginning"].startswith('"aaa')
