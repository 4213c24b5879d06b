"""The help for a command, given the typed line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.qmp.schemas import SCHEMA
from workbench.domain.qmp.command_help import arguments, given_in

COMMON = ["driver", "node-name", "read-only"]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("blockdev-add", [*COMMON, "\N{HORIZONTAL ELLIPSIS}"]),
        ("blockdev-add driver=no-such", [*COMMON, "\N{HORIZONTAL ELLIPSIS}"]),
        ("blockdev-add driver=file", [*COMMON, "filename", "locking"]),
        ("blockdev-add driver=null-co", COMMON),
        ("blockdev-add driver={}", [*COMMON, "\N{HORIZONTAL ELLIPSIS}"]),
        ("blockdev-add driver=file node-name='not fin", [*COMMON, "filename", "locking"]),
        ("blockdev-add driver=file fil", [*COMMON, "filename", "locking"]),
        ('blockdev-add {"driver": "file"}', [*COMMON, "filename", "locking"]),
        ('{"execute": "blockdev-add", "arguments": {"driver": "file"}}', [*COMMON, "filename", "locking"]),
        ('{"execute": "blockdev-add", "arguments": {"driver": "file", "', [*COMMON, "filename", "locking"]),
    ],
)
def test_the_chosen_branch_is_listed(line: str, names: list[str]) -> None:
    lines = arguments(SCHEMA, "blockdev-add", given_in(line, SCHEMA))
    assert [one.name for one in lines if one.level == 0] == names


def test_the_chosen_branch_of_a_member_is_listed() -> None:
    lines = arguments(SCHEMA, "blockdev-add", given_in("blockdev-add driver=raw file.driver=file x", SCHEMA))
    assert [one.name for one in lines if one.level == 1] == [*COMMON, "filename", "locking"]


@given(st.text() | st.text("blockdev-add driver=raw file.{}[]\"':!, "))
def test_any_line_gives_something_or_nothing(line: str) -> None:
    arguments(SCHEMA, "blockdev-add", given_in(line, SCHEMA))
    arguments(SCHEMA, "blockdev-add", given_in(f"blockdev-add {line}", SCHEMA))
