from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.qmp.schemas import SCHEMA
from workbench.domain.qmp.input_error import InputError
from workbench.domain.qmp.typed_line import Request, checked, parse_line, parse_words

if TYPE_CHECKING:
    from workbench.domain.qmp.schema import Schema


@pytest.mark.parametrize(
    ("line", "command", "arguments"),
    [
        ("query-status", "query-status", {}),
        ("  query-status  ", "query-status", {}),
        ("balloon value=268435456", "balloon", {"value": 268435456}),
        ("balloon value=256M", "balloon", {"value": 256 << 20}),
        ("balloon value=0x10", "balloon", {"value": 16}),
        ("balloon value=-1", "balloon", {"value": -1}),
        ("balloon value=abc", "balloon", {"value": "abc"}),
        ("balloon value='256M'", "balloon", {"value": "256M"}),
        ('balloon {"value": 1}', "balloon", {"value": 1}),
        ("set_link name=5 up=on", "set_link", {"name": "5", "up": True}),
        ("set_link name='a b' up=false", "set_link", {"name": "a b", "up": False}),
        (r'set_link name="a\n\"b\"" up=off', "set_link", {"name": 'a\n"b"', "up": False}),
        ("set_link name= up=1", "set_link", {"name": "", "up": "1"}),
        ("set_link name=a=b=c", "set_link", {"name": "a=b=c"}),
        ("qom-set path=/machine property=x value=5", "qom-set", {"path": "/machine", "property": "x", "value": 5}),
        ('qom-set value={"a": [1, 2]} path=/', "qom-set", {"value": {"a": [1, 2]}, "path": "/"}),
        ("migrate_set_speed value=1e3", "migrate_set_speed", {"value": 1000.0}),
        ("set-numa nodes=[1, 2] label=null", "set-numa", {"nodes": [1, 2], "label": "null"}),
        (
            "blockdev-add driver=raw file.driver=file file.filename=/x y",
            None,
            "'y' has no value",
        ),
        (
            "blockdev-add driver=raw offset=1K file.driver=file file.filename=5",
            "blockdev-add",
            {"driver": "raw", "offset": 1024, "file": {"driver": "file", "filename": "5"}},
        ),
        ("device_add driver=x addr=5 vectors=4", "device_add", {"driver": "x", "addr": "5", "vectors": 4}),
        ('{"execute": "balloon", "arguments": {"value": 1}, "id": 7}', "balloon", {"value": 1}),
        (' { "execute" : "query-status" } ', "query-status", {}),
        ("!info mtree -f", "human-monitor-command", {"command-line": "info mtree -f"}),
        ("", None, "no command"),
        ("  ", None, "no command"),
        ("!", None, "no HMP command"),
        ("=x", None, "starts with a letter"),
        ("balloon =5", None, "expected key=value"),
        ("balloon value", None, "'value' has no value"),
        ("balloon value=1 value=2", None, "given twice"),
        ("blockdev-add file=x file.driver=raw", None, "file already has a value"),
        ("blockdev-add file..x=1", None, "empty name"),
        ("balloon value='5", None, "unclosed quote"),
        ("balloon value='5'6", None, "expected a space"),
        ('balloon {"value": 1} x', None, "unexpected text"),
        ('balloon {"value": }', None, "JSON: expecting value"),
        ('{"execute": 5}', None, "execute"),
        ('{"exec-oob": "x", "execute": "x"}', None, "not both"),
        ('{"execute": "x", "argument": {}}', None, "'argument'"),
        ('{"execute": "x", "arguments": [1]}', None, "JSON object"),
        ('{"execute": "x", "arguments": {"a": NaN}}', None, "NaN"),
        ('x a="\ud800"', None, "U+D800"),
        (r'x a="\udc00"', None, "U+DC00"),
        ("x a=\uffff", None, "U+FFFF"),
        ("x a=" + "[" * 2000 + "]" * 2000, None, "nested too deep"),
        ("x a=" + "[" * 200_000, None, "nested too deep"),
        ("x a=[" + "9" * 5000 + "]", None, "too long"),
        ("x a=[1e999]", None, "too large"),
    ],
)
def test_lines(line: str, command: str | None, arguments: object) -> None:
    if command is None:
        with pytest.raises(InputError) as caught:
            parse_line(line, SCHEMA)
        assert str(arguments) in caught.value.message
        assert 0 <= caught.value.span[0] <= caught.value.span[1] <= len(line) + 1
    else:
        request = parse_line(line, SCHEMA)
        assert (request.command, request.arguments) == (command, arguments)
        assert request.hmp == line.startswith("!")


def test_without_a_schema_values_are_typed_by_their_look() -> None:
    line = "x a=1 b=1.5 c=true d=null e=256M f=007 g=-2 h=1e5"
    assert parse_line(line).arguments == {
        "a": 1, "b": 1.5, "c": True, "d": None, "e": "256M", "f": "007", "g": -2, "h": 100000.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (["set_link", "name=a b", "up=true"], {"name": "a b", "up": True}),
        (["set_link", 'name="a b"', "up=true"], {"name": "a b", "up": True}),
        (["set_link", "name='a'"], {"name": "'a'"}),
        (["balloon", "value=256 MiB"], {"value": 256 << 20}),
        (["balloon", '{"value": 1}'], {"value": 1}),
        (['{"execute": "balloon", "arguments": {"value": 1}}'], {"value": 1}),
        (["!info status"], {"command-line": "info status"}),
        (["query-status"], {}),
    ],
)
def test_words_of_a_shell(words: list[str], arguments: dict[str, object]) -> None:
    assert parse_words(words, SCHEMA).arguments == arguments


@pytest.mark.parametrize(
    "words",
    [[], [""], ["a b"], ["balloon", "value"], ["balloon", ""], ["balloon", 'value={"a": 1} x'], ["x", "a=\udc80"]],
)
def test_words_that_cannot_be_read(words: list[str]) -> None:
    with pytest.raises(InputError):
        parse_words(words, SCHEMA)


def test_out_of_band() -> None:
    request = parse_line('{"exec-oob": "yank"}', SCHEMA)
    assert checked(request, SCHEMA).oob
    with pytest.raises(InputError, match="cannot run out of band") as caught:
        checked(parse_line('{"exec-oob": "query-status"}', SCHEMA), SCHEMA)
    assert "yank" in caught.value.hint


def test_a_mistake_of_type_says_how_it_is_written() -> None:
    with pytest.raises(InputError) as caught:
        checked(parse_line("balloon value=much", SCHEMA), SCHEMA)
    assert "4K" in caught.value.hint
    with pytest.raises(InputError) as caught:
        checked(parse_line("ballon value=1", SCHEMA), SCHEMA)
    assert not caught.value.hint  # the schema may lack a name; then QEMU has the last word


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("ballon value=1", "ballon"),
        ("balloon valu=1", "valu=1"),
        ("balloon value=x", "value=x"),
        ("balloon", "balloon"),
        ("blockdev-add driver=raw file.driver=file file.filename=/x file.locking=maybe", "file.locking=maybe"),
        ('balloon {"value": "x"}', '"value": "x"'),
        ('{"execute": "ballon"}', '"execute": "ballon"'),
        ('{"execute": "balloon", "arguments": {"value": "x"}}', '"value": "x"'),
        ('blockdev-add {"driver": "raw", "file": {"driver": "file", "filename": 5}}', '"filename": 5'),
        ('blockdev-add driver=raw file={"driver": "file", "locking": "no"}', '"locking": "no"'),
        ('set-numa nodes=[1, 2, "x"]', '"x"'),
    ],
)
def test_the_place_of_a_mistake(line: str, place: str) -> None:
    with pytest.raises(InputError) as caught:
        checked(parse_line(line, SCHEMA), SCHEMA)
    start, end = caught.value.span
    assert line[start:end] == place


def test_all_mistakes_are_reported() -> None:
    with pytest.raises(InputError) as caught:
        checked(parse_line("qom-set pth=/ property=x", SCHEMA), SCHEMA)
    assert len(caught.value.message.splitlines()) == 3


def test_every_mistake_has_its_place() -> None:
    line = "blockdev-add drver=file node=x read-only=maybe"
    with pytest.raises(InputError) as caught:
        checked(parse_line(line, SCHEMA), SCHEMA)
    error = caught.value
    assert {line[start:end] for start, end in (error.span, *error.more)} >= {"drver=file", "node=x", "read-only=maybe"}


@pytest.mark.parametrize(
    ("line", "place", "message", "hint"),
    [
        ('{"execute": "balloon", "arguments": {"value": 1}', "", "JSON: unexpected end of input", "close it with }"),
        ('set-numa nodes=[{"a": [1,  ', "", "JSON: unexpected end of input", "close it with ]}]"),
        ('balloon {"value": "12', '"12', "JSON: unexpected end of input", 'close it with "}'),
        ('balloon value="12', '"12', "unclosed quote", ""),
        ('balloon {"value": }', "}", "JSON: expecting value", ""),
        ("balloon {'value': 1}", "'", "JSON: strings need double quotes", ""),
        ("balloon {\"value\": 'x'}", "'", "JSON: strings need double quotes", ""),
        ('balloon {"value" 1', "1", "JSON: expecting ':' delimiter", ""),
        ("balloon 5", "5", "'5' has no value", "key=value: value=5"),
        ("qom-set path=/ / type", "/", "'/' has no value", "key=value: property=/"),
        ("balloon value", "value", "'value' has no value", "write value=VALUE"),
        ("balloon value=1 2", "2", "'2' has no value", "takes no more arguments"),
    ],
)
def test_unfinished_input_has_a_hint(line: str, place: str, message: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_line(line, SCHEMA)
    start, end = caught.value.span
    assert start < end
    assert line[start:end].strip() == place
    assert caught.value.message == message
    assert caught.value.hint.endswith(hint)
    assert bool(caught.value.hint) == bool(hint)


LINES = st.text() | st.text(alphabet="ab.='\"{}[]! \\:,0519eEx-\t\ud800").map(lambda text: f"balloon {text}")


@given(LINES, st.sampled_from([None, SCHEMA]))
def test_whatever_is_typed_is_read_or_explained(line: str, schema: Schema | None) -> None:
    for read in (parse_line, lambda text, known: parse_words(text.split(" "), known)):
        with suppress(InputError):  # anything else that is raised fails the test
            request = read(line, schema)
            json.dumps(request.arguments, allow_nan=False).encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", min_size=1), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc-", min_size=1), JSON, max_size=3))
def test_a_json_command_is_sent_unchanged(arguments: dict[str, object]) -> None:
    line = json.dumps({"execute": "x", "arguments": arguments})
    if any(not _sendable(character) for character in json.dumps(arguments, ensure_ascii=False)):
        with pytest.raises(InputError, match="does not accept"):
            parse_line(line)
    else:
        assert parse_line(line) == Request("x", arguments)


def _sendable(character: str) -> bool:
    """Unicode's noncharacters, computed instead of listed as in the parser."""
    code = ord(character)
    return not (0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE)
