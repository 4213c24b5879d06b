"""Lines for the human monitor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.schemas import SCHEMA
from workbench.domain.completion import complete
from workbench.domain.hmp import parse_help
from workbench.domain.known import Kind, Known, Lookup

HELP = """announce_self [interfaces] [id] -- Announce\r
drive_add [-n] slot\r
[file=file][,if=type]\r
[,unit=m] -- add a drive\r
dump [-p] file -- dump memory\r
\t\t\t -p: do paging\r
info [subcommand] -- show things\r
system_reset  -- reset it\r
help|? [cmd] -- show the help\r
quit|q  -- end it\r
"""
INFO = "info balloon  -- show it\r\ninfo block [-n] [device] -- show disks\r\n\r\n"
KNOWN = {Lookup(Kind.HMP): parse_help(HELP), Lookup(Kind.HMP, "info"): parse_help(INFO, "info")}


def test_help_is_read() -> None:
    assert {one.value: one.detail for one in parse_help(HELP)} == {
        "announce_self": "[interfaces] [id] -- Announce",
        "drive_add": "[-n] slot [file=file][,if=type] [,unit=m] -- add a drive",
        "dump": "[-p] file -- dump memory -p: do paging",
        "info": "[subcommand] -- show things",
        "system_reset": "reset it",
        "help": "[cmd] -- show the help",
        "quit": "end it",
        "q": "end it",
    }
    assert parse_help(INFO, "info") == (
        Known("balloon", "show it"),
        Known("block", "[-n] [device] -- show disks", "arguments"),
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("!an", ["announce_self "]),
        ("! system-r", ["system_reset"]),
        ("!q", ["quit", "q"]),
        ("!info ", ["balloon", "block "]),
        ("  !  info  bl", ["block "]),
        ("!help d", ["drive_add ", "dump "]),
        ("!info block d", []),
        ("!dump ", []),
    ],
)
def test_names_are_completed(line: str, expected: list[str]) -> None:
    found = complete(SCHEMA, line, len(line), lambda lookup: KNOWN.get(lookup, ()))
    assert [one.text for one in found][: len(expected)] == expected
    assert bool(found) == bool(expected)
    typed = line.replace("!", " ").split(" ")[-1]
    assert all(one.start == len(line) - len(typed) for one in found)


def test_all_commands_behind_the_mark() -> None:
    assert len(complete(SCHEMA, "!", 1, lambda lookup: KNOWN.get(lookup, ()))) == len(parse_help(HELP))


@given(st.text() | st.text("ab |-[]\r\n\t"), st.text("! infohelp"))
def test_any_help_and_any_line(text: str, line: str) -> None:
    known = parse_help(text)
    for one in complete(SCHEMA, f"!{line}", len(line) + 1, lambda _: known):
        assert 1 <= one.start <= len(line) + 1
