"""A command held against the schema before it is sent: what QEMU would refuse, in words, all of it."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from workbench.domain.qmp.schema import Member, Schema


class Mistake(Struct, frozen=True):
    """One thing that QEMU would refuse."""

    path: tuple[str, ...]
    """The argument, with the members and indices below it: ``("node", "file")``. Empty for the command itself."""
    message: str
    hint: str = ""
    """How to write it instead; empty where only a name is wrong, and QEMU may know better."""

    def __str__(self) -> str:
        return self.message


def check(schema: Schema, command: str, arguments: Mapping[str, object]) -> list[Mistake]:
    """Every mistake in a command: unknown, missing or mistyped. An empty list for one that QEMU will take up."""
    known = schema.commands.get(command)
    if known is None:
        near = schema.nearest(command)
        return [Mistake((), f"this QEMU has no command {command!r}" + _did_you_mean(near))]
    mistakes = _check_object(schema, known.arguments, arguments, (), open_=schema.is_open(command))
    if command == "device_add" and isinstance(arguments.get("addr"), int):
        # QEMU 7.2 and 8.2 take it for a slot, 10.0 and 11.1 for a slot with its function in the lowest three bits.
        words = "addr must be a string, not an integer: what a number means changed between versions of QEMU"
        mistakes.append(Mistake(("addr",), words, 'slot and function in hexadecimal: "08.0"'))
    return mistakes


def _check_object(
    schema: Schema, type_: str, value: Mapping[str, object], path: tuple[str, ...], *, open_: bool = False
) -> list[Mistake]:
    members = {member.name: member for member in schema.members(type_, value)}
    mistakes: list[Mistake] = []
    perhaps = _perhaps(schema, type_, value)
    for name, given in value.items():
        if name in members:
            mistakes += _check_value(schema, members[name].type, given, (*path, name))
        elif not open_ and name not in perhaps:
            near = get_close_matches(name, members, 3, 0.5)
            hint = _did_you_mean(near) or _takes(list(members.values()), path)
            mistakes.append(Mistake((*path, name), f"there is no {_what(path)} {name!r}{hint}"))
    mistakes += [
        Mistake(
            path,
            f"{_what(path)} {name!r} is missing: {schema.words(member.type)}",
            "QEMU would refuse it too",
        )
        for name, member in members.items()
        if not member.optional and name not in value
    ]
    return mistakes


def _perhaps(schema: Schema, type_: str, value: Mapping[str, object]) -> set[str]:
    """The members that there may be: those of every branch, while the tag that chooses one is wrong or missing."""
    tag, branches = schema.branches(type_)
    tags = [known for member in schema.members(type_) if member.name == tag for known in schema.values(member.type)]
    if value.get(tag) in tags:
        return set()
    return {member.name for branch in branches.values() for member in schema.members(branch, value)}


def _check_value(schema: Schema, type_: str, value: object, path: tuple[str, ...]) -> list[Mistake]:
    kind = schema.kind(type_)
    if kind == "alternate":
        return _check_alternate(schema, type_, value, path)
    if kind == "object" and isinstance(value, Mapping):
        return _check_object(schema, type_, value, path)
    if kind == "array" and isinstance(value, list):
        element = schema.element(type_)
        return [
            mistake
            for index, item in enumerate(value)
            for mistake in _check_value(schema, element, item, (*path, str(index)))
        ]
    if kind == "enum" and isinstance(value, str) and value not in schema.values(type_):
        near = get_close_matches(value, schema.values(type_), 3, 0.5)
        hint = _did_you_mean(near) or f": {schema.words(type_)}"
        return [Mistake(path, f"{'.'.join(path)} cannot be {value!r}{hint}")]
    if _fits(kind, value):
        return []
    return [_mistyped(schema, type_, value, path)]


def _mistyped(schema: Schema, type_: str, value: object, path: tuple[str, ...]) -> Mistake:
    words = f"{'.'.join(path)} must be {_typed(schema, type_)}, not {_kind_of(value)}"
    return Mistake(path, words, _WRITTEN.get(schema.kind(type_), "QEMU would refuse it too"))


_WRITTEN = {
    "int": "an integer: 4096, and behind key= also 0x1000 or 4K",
    "number": "a number: 0.5 or 5e-1",
    "boolean": "true or false, and behind key= also on or off",
    "string": 'a string has quotes in JSON: "text"',
    "array": 'a list: ["a", "b"], behind key= too',
    "object": 'an object: {"member": "value"}; as key=value, key.member=value',
}
"""How a value of each kind is written."""


def _check_alternate(schema: Schema, type_: str, value: object, path: tuple[str, ...]) -> list[Mistake]:
    """An alternate's branches differ in their JSON type: the branch of the value's type says what is wrong with it."""
    for branch in schema.alternatives(type_):
        if _fits(schema.kind(branch), value):
            return _check_value(schema, branch, value, path)
    return [_mistyped(schema, type_, value, path)]


def _fits(kind: str, value: object) -> bool:
    """Whether a value has the JSON type of a kind; ``bool`` is an ``int`` in Python and not in JSON."""
    if isinstance(value, bool):
        return kind in {"boolean", "value"}
    types: dict[str, type | tuple[type, ...]] = {
        "string": str,
        "enum": str,
        "int": int,
        "number": (int, float),
        "null": type(None),
        "array": list,
        "object": Mapping,
        "value": object,
    }
    return isinstance(value, types.get(kind, ()))


def _kind_of(value: object) -> str:
    """What a value is, in words."""
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "list", dict: "object"}
    return _article(names.get(type(value), "object" if isinstance(value, Mapping) else type(value).__name__))


def _typed(schema: Schema, type_: str) -> str:
    """What a value must be: ``an integer``, ``a list of string``; without an article for ``null``, a choice of names, or
    ``any value``."""
    words = schema.words(type_)
    first = next(iter(schema.alternatives(type_)), type_)
    return words if schema.kind(first) in {"null", "enum", "value"} else _article(words)


def _article(words: str) -> str:
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _what(path: tuple[str, ...]) -> str:
    return f"member of {'.'.join(path)}" if path else "argument"


def _did_you_mean(near: list[str]) -> str:
    return f": did you mean {' or '.join(repr(name) for name in near)}?" if near else ""


def _takes(members: list[Member], path: tuple[str, ...]) -> str:
    if not members:
        return "" if path else ": it takes none"
    names = [member.name for member in members]
    return f": it takes {', '.join(names)}" if len(names) <= 8 else ""
