"""Check a command against the schema before it is sent, and report everything that QEMU would reject."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from workbench.domain.qmp.schema import Member, Schema


class Mistake(Struct, frozen=True):
    """One thing that QEMU would reject."""

    path: tuple[str, ...]
    """The argument, with the members and indices below it: ``("node", "file")``. Empty for the command itself."""
    message: str
    hint: str = ""
    """How to write it instead; empty for an unknown name, which QEMU may know after all."""

    def __str__(self) -> str:
        return self.message


def check(schema: Schema, command: str, arguments: Mapping[str, object]) -> list[Mistake]:
    """Every unknown, missing or mistyped argument of a command; empty when QEMU will accept it."""
    known = schema.commands.get(command)
    if known is None:
        near = schema.nearest(command)
        return [Mistake((), f"this QEMU has no command {command!r}" + _did_you_mean(near))]
    mistakes = _check_object(schema, known.arguments, arguments, (), open_=schema.is_open(command))
    if command == "device_add" and isinstance(arguments.get("addr"), int):
        # QEMU 7.2 and 8.2 read a number as the slot, 10.0 and 11.1 as slot << 3 | function.
        words = "addr must be a string, not an integer: the meaning of a number depends on QEMU's version"
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
            hint = _did_you_mean(near) or _valid(list(members.values()), path)
            mistakes.append(Mistake((*path, name), f"unknown {_named(path, name)}{hint}"))
    mistakes += [
        Mistake(
            path,
            f"missing {_named(path, name)} ({schema.words(member.type)})",
            _REJECTED,
        )
        for name, member in members.items()
        if not member.optional and name not in value
    ]
    return mistakes


def _perhaps(schema: Schema, type_: str, value: Mapping[str, object]) -> set[str]:
    """The members of every branch of a union, while the tag that selects one is invalid or missing."""
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
        hint = _did_you_mean(near) or f" (expected {schema.words(type_)})"
        return [Mistake(path, f"invalid value {value!r} for {'.'.join(path)}{hint}")]
    if _fits(kind, value):
        return []
    return [_mistyped(schema, type_, value, path)]


def _mistyped(schema: Schema, type_: str, value: object, path: tuple[str, ...]) -> Mistake:
    words = f"{'.'.join(path)} must be {_typed(schema, type_)}, not {_kind_of(value)}"
    return Mistake(path, words, _WRITTEN.get(schema.kind(type_), _REJECTED))


_REJECTED = "QEMU would reject it as well"
_WRITTEN = {
    "int": "an integer: 4096 (after key= also 0x1000 or 4K)",
    "number": "a number: 0.5 or 5e-1",
    "boolean": "true or false (after key= also on or off)",
    "string": 'quote strings in JSON: "text"',
    "array": 'a list: ["a", "b"] (also after key=)',
    "object": 'an object: {"member": "value"}, or key.member=value',
}
"""How to write a value of each kind."""


def _check_alternate(schema: Schema, type_: str, value: object, path: tuple[str, ...]) -> list[Mistake]:
    """Check against the branch that has the value's JSON type: no two branches of an alternate share one."""
    for branch in schema.alternatives(type_):
        if _fits(schema.kind(branch), value):
            return _check_value(schema, branch, value, path)
    return [_mistyped(schema, type_, value, path)]


def _fits(kind: str, value: object) -> bool:
    """Whether a value has the JSON type of a kind. A ``bool`` is an ``int`` in Python but not in JSON."""
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
    """The type of a value in words: ``a string``."""
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "list", dict: "object"}
    return _article(names.get(type(value), "object" if isinstance(value, Mapping) else type(value).__name__))


def _typed(schema: Schema, type_: str) -> str:
    """The expected type: ``an integer``, ``a list of string``; no article for ``null``, an enum or ``any value``."""
    words = schema.words(type_)
    first = next(iter(schema.alternatives(type_)), type_)
    return words if schema.kind(first) in {"null", "enum", "value"} else _article(words)


def _article(words: str) -> str:
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _named(path: tuple[str, ...], name: str) -> str:
    return f"member {name!r} of {'.'.join(path)}" if path else f"argument {name!r}"


def _did_you_mean(near: list[str]) -> str:
    return f": did you mean {' or '.join(repr(name) for name in near)}?" if near else ""


def _valid(members: list[Member], path: tuple[str, ...]) -> str:
    if not members:
        return "" if path else " (the command takes none)"
    names = [member.name for member in members]
    return f" (expected {', '.join(names)})" if len(names) <= 8 else ""
