"""Layout without widgets: JSON, messages and notes as lines."""

from __future__ import annotations

import json
import time
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from workbench.domain.qmp.record.record import Kind, Message, Origin
from workbench.ui.qmp.record.counts import polling_words
from workbench.ui.qmp.record.json_lines import Pieces, assignments, json_lines
from workbench.ui.qmp.record.lines import ALL, SHORT, Note, lay_out

NOON = time.mktime((2026, 1, 1, 12, 0, 0, 0, 0, -1))


def plain(lines: list[Pieces]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


def message(kind: Kind, payload: object, *, name: str = "x", origin: Origin = Origin.USER) -> Message:
    return Message.of(1, NOON, kind, origin, name, payload, 0.0004 if kind in (Kind.REPLY, Kind.ERROR) else None)


def shown(item: Message | Note, width: int = 70, *, whole: bool = False) -> list[str]:
    return plain(lay_out(item, width, whole=whole).lines)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.integers(20, 120))
def test_json_fits_its_width_and_stays_the_same_json(value: object, width: int) -> None:
    lines = plain(list(json_lines(value, width)))
    assert all(cell_len(line) <= width for line in lines)
    assert all(line.isprintable() for line in lines)
    # Broken strings and the indent of lines aside, the text is the value.
    joined = "".join(line if index == 0 else line.lstrip(" ") for index, line in enumerate(lines))
    if max(map(cell_len, lines)) < width:
        assert json.loads(joined) == value


def test_what_fits_is_on_one_line() -> None:
    assert plain(list(json_lines({"running": True, "status": "running"}, 60))) == [
        '{"running": true, "status": "running"}'
    ]
    assert plain(list(json_lines({"a": [1, 2], "b": "x" * 20}, 30))) == [
        "{", '  "a": [1, 2],', '  "b": "xxxxxxxxxxxxxxxxxxxx"', "}",
    ]  # fmt: skip


def test_the_first_lines_of_megabytes_are_cheap() -> None:
    class Counting(list[object]):
        read = 0

        def __iter__(self):  # type: ignore[no-untyped-def]
            for item in super().__iter__():
                Counting.read += 1
                yield item

    value = Counting({"index": index} for index in range(100_000))
    assert len(list(islice(json_lines(value, 80), 10))) == 10
    assert Counting.read < 100


def test_deep_nesting_is_folded() -> None:
    value: object = "x" * 100
    for _ in range(900):
        value = [value]
    lines = plain(list(json_lines(value, 80)))
    assert any("…" in line for line in lines)


def test_arguments_as_they_are_typed() -> None:
    assert plain([assignments({"a": 1, "b": "x y", "c": "/machine", "d": "", "e": {"f": [None]}})]) == [
        'a=1 b="x y" c=/machine d="" e={"f": [null]}'
    ]


@pytest.mark.parametrize(
    ("item", "line"),
    [
        (message(Kind.COMMAND, {"value": 1}, name="balloon"), "12:00:00 ▸  balloon value=1"),
        (message(Kind.COMMAND, {}, origin=Origin.ACTION), "12:00:00 ▸  x".ljust(64) + "action"),
        (message(Kind.COMMAND, {}, origin=Origin.SCREEN), "12:00:00 ▹  x".ljust(64) + "screen"),
        (message(Kind.COMMAND, {"command-line": "info"}, name="human-monitor-command"), "12:00:00 ▸  !info"),
        (message(Kind.REPLY, {}), "12:00:00 ◂  {}".ljust(64) + "0.4 ms"),
        (message(Kind.ERROR, {"class": "E", "desc": "[/x]"}), "12:00:00 ✗  E: [/x]".ljust(64) + "0.4 ms"),
        (message(Kind.ERROR, 5), "12:00:00 ✗  5".ljust(64) + "0.4 ms"),
        (message(Kind.EVENT, {"actual": 5}, name="E"), "12:00:00 ⚡ E  actual=5"),
        (message(Kind.NOTE, "closed"), "12:00:00 ·  closed"),
    ],
)
def test_each_kind_has_its_line(item: Message, line: str) -> None:
    assert shown(item) == [line]


@pytest.mark.parametrize(
    ("seconds", "label"), [(0.0004, "0.4 ms"), (0.9994, "999.4 ms"), (1.0, "1.0 s"), (8530.2, "8,530.2 s")]
)
def test_a_long_wait_is_shown_in_seconds(seconds: float, label: str) -> None:
    item = Message.of(1, NOON, Kind.REPLY, Origin.USER, "x", {}, seconds)
    assert shown(item)[0].endswith(f" {label}")


def test_hmp_stays_text() -> None:
    item = message(Kind.REPLY, "a\tb\r\n\r\n\x1b[31mc\r\n", name="human-monitor-command")
    assert [line[12:].rstrip() for line in shown(item, 50)] == ["a       b", "", "\\x1b[31mc"]


def test_long_replies_are_shortened() -> None:
    item = message(Kind.REPLY, list(range(10_000)))
    short = lay_out(item, 80)
    assert short.shortened
    assert len(short.lines) == SHORT + 1
    assert plain(short.lines)[-1].strip() == "… 48.9 kB total; f4 or a click shows all of it"
    whole = lay_out(item, 80, whole=True)
    assert len(whole.lines) == ALL + 1
    assert "workbench qmp" in plain(whole.lines)[-1]
    assert not lay_out(message(Kind.REPLY, list(range(20))), 80).shortened


def test_a_note_marks_the_place() -> None:
    note = Note(NOON, "no\tgood", "try again", "bal\x1bloon 日本 x=1", (12, 15))
    assert [line[12:] for line in shown(note)] == [
        "bal\\x1bloon 日本 x=1",
        " " * 17 + "~~~",
        "no\\x09good",
        "try again",
    ]


def test_a_note_marks_all_places_and_the_inner_one_of_nested_ones() -> None:
    typed = "blockdev-add driver=x node=y"
    note = Note(NOON, "no", "", typed, (13, 21), ((0, 12), (22, 28)))
    assert [line[12:] for line in shown(note)][:2] == [typed, "~" * 12 + " " + "~" * 8 + " " + "~" * 6]
    nested = Note(NOON, "no", "", 'x {"a": {"b": 1}}', (3, 16), ((9, 15),))
    assert shown(nested)[1][12:] == " " * 9 + "~" * 6


def test_a_place_in_a_wrapped_line_is_underlined_itself() -> None:
    note = Note(NOON, "no", "", "x " + "a" * 60 + " bad=1", (63, 68))
    lines = lay_out(note, 50).lines
    assert ("bad=1", "mistake") in [piece for line in lines for piece in line]
    assert not any("~" in line for line in plain(lines))


def test_a_reply_takes_the_room_below_its_time() -> None:
    text = "short\n" + "x" * 58
    item = message(Kind.REPLY, text, name="human-monitor-command")
    assert [line[12:].rstrip() for line in shown(item, 70)] == ["short".ljust(52) + "0.4 ms", "x" * 58]
    long = shown(message(Kind.REPLY, "x" * 58, name="human-monitor-command"), 70)
    assert long[0].endswith(" 0.4 ms")
    assert all(cell_len(line) <= 70 for line in long)
    assert shown(message(Kind.COMMAND, {"a": "y" * 50}, name="c"), 70)[0].endswith("c a=" + "y" * 50)


def test_the_screen_s_commands_that_fit_are_named() -> None:
    counted = Counter({"human-monitor-command": 1234, "qom-list": 50, "query-pci": 9, "qom-get": 3, "stop": 1})
    assert polling_words(counted, 200).endswith(
        "1,234 × human-monitor-command, 50 × qom-list, 9 × query-pci, 3 × qom-get"
    )
    for width in range(20, 100):
        words = polling_words(counted, width)
        assert len(words) <= width or words == "· screen: 1,234 × human-monitor-command"
        assert words.split(" × ")[-1] in counted


@given(st.builds(message, st.sampled_from(Kind), JSON.filter(lambda v: isinstance(v, dict))), st.integers(32, 120))
def test_every_message_fits(item: Message, width: int) -> None:
    lines = shown(item, width)
    assert all(cell_len(line) <= width for line in lines)
    assert all(line.isprintable() for line in lines)


def test_an_out_of_band_command_is_marked() -> None:
    item = Message.of(1, 0.0, Kind.COMMAND, Origin.USER, "yank", {"instances": []}, oob=True)
    assert shown(item)[0].endswith("▸  exec-oob yank instances=[]")
