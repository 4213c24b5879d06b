"""A small QAPI schema for tests: a few entries in QEMU's format."""

from __future__ import annotations

from workbench.domain.qmp.schema import Schema


def _object(name: str, *members: dict[str, object], **more: object) -> dict[str, object]:
    return {"name": name, "meta-type": "object", "members": list(members), **more}


def _member(name: str, type_: str, *features: str, optional: bool = False) -> dict[str, object]:
    member: dict[str, object] = {"name": name, "type": type_}
    if features:
        member["features"] = list(features)
    return member | ({"default": None} if optional else {})


def _builtin(name: str, json_type: str) -> dict[str, object]:
    return {"name": name, "meta-type": "builtin", "json-type": json_type}


def _command(name: str, arguments: str = "0", *features: str) -> dict[str, object]:
    command: dict[str, object] = {"name": name, "meta-type": "command", "arg-type": arguments, "ret-type": "0"}
    return command | ({"features": list(features)} if features else {})


ENTRIES: list[dict[str, object]] = [
    *(
        _builtin(name, json_type)
        for name, json_type in {
            "str": "string", "int": "int", "number": "number", "bool": "boolean", "null": "null", "any": "value",
        }.items()
    ),
    _object("0"),
    _command("query-status"),
    _command("query-balloon"),
    _command("balloon", "1"),
    _object("1", _member("value", "int")),
    _command("qom-set", "2"),
    _object("2", _member("path", "str"), _member("property", "str"), _member("value", "any")),
    _command("device_add", "3"),
    _object("3", _member("driver", "str"), _member("bus", "str", optional=True), _member("id", "str", optional=True)),
    _command("yank") | {"allow-oob": True},
    _command("device_del", "16"),
    _object("16", _member("id", "str")),
    _command("set_link", "4"),
    _object("4", _member("name", "str"), _member("up", "bool")),
    _command("migrate_set_speed", "5", "deprecated"),
    _object("5", _member("value", "number")),
    _command("x-colo-lost-heartbeat", "0", "unstable"),
    _command("human-monitor-command", "6"),
    _object("6", _member("command-line", "str"), _member("cpu-index", "int", optional=True)),
    _command("blockdev-add", "7"),
    _object(
        "7",
        _member("driver", "8"),
        _member("node-name", "str", optional=True),
        _member("read-only", "bool", "deprecated", optional=True),
        tag="driver",
        variants=[{"case": "file", "type": "9"}, {"case": "raw", "type": "10"}],
    ),
    {"name": "8", "meta-type": "enum", "values": ["file", "raw", "null-co"]},
    _object("9", _member("filename", "str"), _member("locking", "12", optional=True)),
    _object("10", _member("file", "11"), _member("offset", "int", optional=True)),
    {"name": "11", "meta-type": "alternate", "members": [{"type": "7"}, {"type": "str"}]},
    {"name": "12", "meta-type": "enum", "values": ["auto", "on", "off"]},
    _command("set-numa", "13"),
    _object("13", _member("nodes", "[int]"), _member("label", "14", optional=True)),
    {"name": "[int]", "meta-type": "array", "element-type": "int"},
    {"name": "14", "meta-type": "alternate", "members": [{"type": "str"}, {"type": "null"}]},
    {"name": "RESET", "meta-type": "event", "arg-type": "15"},
    _object("15", _member("guest", "bool")),
]  # fmt: skip

SCHEMA = Schema.from_query(ENTRIES)
