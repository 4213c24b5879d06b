from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.schemas import SCHEMA
from workbench.domain.completion import complete


def texts(line: str, cursor: int | None = None) -> list[str]:
    return [completion.text for completion in complete(SCHEMA, line, len(line) if cursor is None else cursor)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ball", ["balloon ", "query-balloon"]),
        ("  quer", ["query-balloon", "query-status"]),
        ("set-l", ["set_link "]),
        ("zz", []),
        ("balloon ", ["value="]),
        ("balloon v", ["value="]),
        ("balloon value=1 ", []),
        ("qom-set property=x ", ["path=", "value="]),
        ("set_link name='a b' u", ["up="]),
        ("set_link up=", ["true", "false"]),
        ("set_link up=f", ["false"]),
        ("blockdev-add driver=", ["file", "raw", "null-co"]),
        ("blockdev-add driver=file ", ["filename=", "node-name=", "read-only=", "locking="]),
        ("blockdev-add driver=raw file.", ["file.driver=", "file.node-name=", "file.read-only="]),
        ("blockdev-add driver=raw file.driver=file file.f", ["file.filename="]),
        ("blockdev-add driver=raw file.driver=file file.locking=o", ["on", "off", "auto"]),
        ("no-such ", []),
        ("balloon {", []),
        ('balloon {"va', []),
        ("set_link name='a b", []),
        ("!info ", []),
        ('{"execute": "ba', []),
    ],
)
def test_what_could_come_next(line: str, expected: list[str]) -> None:
    assert texts(line) == expected


def test_completion_replaces_up_to_the_cursor() -> None:
    line = "balloon va=5"
    [completion] = complete(SCHEMA, line, len("balloon va"))
    assert (completion.text, completion.start) == ("value=", 8)
    assert texts("ball value=1", 4)[0] == "balloon "


def test_details() -> None:
    [up] = complete(SCHEMA, "set_link name=x ", 16)
    assert up.detail == "boolean, required"
    details = {completion.label: completion.detail for completion in complete(SCHEMA, "", 0)}
    assert details["migrate_set_speed"] == "value, deprecated"
    assert details["x-colo-lost-heartbeat"] == "no arguments, unstable"
    assert details["device_add"] == "driver 2 optional"
    [read_only] = complete(SCHEMA, "blockdev-add driver=null-co r", 29)
    assert read_only.detail == "boolean, optional, deprecated"


@given(st.text() | st.text("baloqmset-driver.= '\"{[").map(lambda text: f"blockdev-add {text}"), st.integers(0, 40))
def test_any_line_completes_without_fail(line: str, cursor: int) -> None:
    for completion in complete(SCHEMA, line, min(cursor, len(line))):
        assert 0 <= completion.start <= cursor
        assert completion.text
