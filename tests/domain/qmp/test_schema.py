from __future__ import annotations

import pytest

from tests.domain.qmp.schemas import SCHEMA
from workbench.domain.qmp.checking import check
from workbench.domain.qmp.schema import Schema, SchemaError


def words(command: str, argument: str) -> str:
    [member] = [member for member in SCHEMA.arguments(command) if member.name == argument]
    return SCHEMA.words(member.type)


def test_types_in_words() -> None:
    assert words("balloon", "value") == "integer"
    assert words("qom-set", "value") == "any value"
    assert words("blockdev-add", "driver") == "file, raw or null-co"
    assert words("set-numa", "nodes") == "list of integer"
    assert words("set-numa", "label") == "string or null"


def test_a_tag_brings_its_branch_along() -> None:
    assert [member.name for member in SCHEMA.arguments("blockdev-add")] == ["driver", "node-name", "read-only"]
    with_file = SCHEMA.arguments("blockdev-add", {"driver": "file"})
    assert [member.name for member in with_file][3:] == ["filename", "locking"]
    assert SCHEMA.arguments("no-such-command") == ()


def test_events_and_features() -> None:
    assert [member.name for member in SCHEMA.members(SCHEMA.events["RESET"].data)] == ["guest"]
    assert SCHEMA.commands["migrate_set_speed"].features == ("deprecated",)


@pytest.mark.parametrize("entries", [[], [{}], [5], [{"name": "x", "meta-type": "command"}], {"a": 1}])
def test_an_invalid_schema(entries: list[dict[str, object]]) -> None:
    with pytest.raises(SchemaError):
        Schema.from_query(entries)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("query-status", {}),
        ("balloon", {"value": 1}),
        ("qom-set", {"path": "/", "property": "x", "value": {"any": [None, 1.5]}}),
        ("device_add", {"driver": "virtio-net-pci", "mac": "x", "mq": True}),
        ("device_add", {"driver": "virtio-net-pci", "addr": "8"}),
        ("migrate_set_speed", {"value": 1}),
        ("migrate_set_speed", {"value": 1.5}),
        ("blockdev-add", {"driver": "null-co"}),
        ("blockdev-add", {"driver": "raw", "file": "node0"}),
        ("blockdev-add", {"driver": "raw", "file": {"driver": "file", "filename": "x", "locking": "off"}}),
        ("set-numa", {"nodes": [], "label": None}),
        ("set-numa", {"nodes": [1, 2], "label": "x"}),
    ],
)
def test_what_qemu_will_take(command: str, arguments: dict[str, object]) -> None:
    assert check(SCHEMA, command, arguments) == []


@pytest.mark.parametrize(
    ("command", "arguments", "messages"),
    [
        ("ballon", {}, ["this QEMU has no command 'ballon': did you mean 'balloon' or 'query-balloon'?"]),
        ("QUERY-STATUS", {}, ["this QEMU has no command 'QUERY-STATUS': did you mean 'query-status'?"]),
        ("zzzz", {}, ["this QEMU has no command 'zzzz'"]),
        ("balloon", {}, ["missing argument 'value' (integer)"]),
        ("query-status", {"x": 1}, ["unknown argument 'x' (the command takes none)"]),
        (
            "balloon",
            {"valu": 1},
            ["unknown argument 'valu': did you mean 'value'?", "missing argument 'value' (integer)"],
        ),
        ("balloon", {"value": "abc"}, ["value must be an integer, not a string"]),
        ("balloon", {"value": True}, ["value must be an integer, not a boolean"]),
        ("balloon", {"value": 1.5}, ["value must be an integer, not a number"]),
        ("set_link", {"name": "n", "up": 1}, ["up must be a boolean, not an integer"]),
        ("set-numa", {"nodes": [1, "2"]}, ["nodes.1 must be an integer, not a string"]),
        ("set-numa", {"nodes": 1}, ["nodes must be a list of integer, not an integer"]),
        ("set-numa", {"nodes": [], "label": 5}, ["label must be a string or null, not an integer"]),
        (
            "blockdev-add",
            {"driver": "raw", "file": {"driver": "file", "filename": "x", "locking": "atuo"}},
            ["invalid value 'atuo' for file.locking: did you mean 'auto'?"],
        ),
        ("blockdev-add", {"driver": "zz"}, ["invalid value 'zz' for driver (expected file, raw or null-co)"]),
        (
            "device_add",
            {"driver": "virtio-net-pci", "addr": 8},
            ["addr must be a string, not an integer: the meaning of a number depends on QEMU's version"],
        ),
        # The members depend on the driver: those of another one are not reported.
        (
            "blockdev-add",
            {"driver": "fil", "filename": "x", "zzzz": 1},
            [
                "invalid value 'fil' for driver: did you mean 'file'?",
                "unknown argument 'zzzz' (expected driver, node-name, read-only)",
            ],
        ),
        ("blockdev-add", {"filename": "x"}, ["missing argument 'driver' (file, raw or null-co)"]),
        ("blockdev-add", {"driver": ["file"], "filename": "x"}, ["driver must be file, raw or null-co, not a list"]),
        (
            "blockdev-add",
            {"driver": "raw", "file": {"driver": "file"}},
            ["missing member 'filename' of file (string)"],
        ),
    ],
)
def test_every_mistake_in_words(command: str, arguments: dict[str, object], messages: list[str]) -> None:
    mistakes = check(SCHEMA, command, arguments)
    assert [str(mistake) for mistake in mistakes] == messages


def test_a_mistake_knows_its_place() -> None:
    [mistake] = check(SCHEMA, "blockdev-add", {"driver": "raw", "file": {"driver": "file", "filename": 1}})
    assert mistake.path == ("file", "filename")
