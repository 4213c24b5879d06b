"""What could come next in a line of the QMP console: command names, argument names, values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.domain.qmp_input import InputError, parse_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from workbench.domain.schema import Member, Schema

_COMMAND = re.compile(r"\s*([^\s={}\[\]\"'!]*)")
_WORDS = re.compile(r"[^\s\"'{\[]*")


@dataclass(frozen=True, slots=True)
class Completion:
    """One way to go on: ``text`` in the place of what stands from ``start`` to the cursor."""

    text: str
    start: int
    label: str
    """What a list shows: a command, an argument, a value."""
    detail: str = ""
    """The type in words, and whether it is optional, deprecated or unstable."""


def complete(schema: Schema, text: str, cursor: int) -> list[Completion]:
    """The ways to go on at the cursor, the most likely first; none inside JSON, quotes or an HMP line."""
    head = text[:cursor]
    command = _COMMAND.match(head)
    if command is None:  # the pattern matches the empty text too
        return []
    if command.end() == len(head):
        return _commands(schema, command[1], command.start(1))
    name = command[1]
    if name not in schema.commands or not head[command.end()].isspace():
        return []
    start = max(head.rfind(" "), head.rfind("\t")) + 1
    word = head[start:]
    try:
        given = parse_line(head[:start], schema).arguments
    except InputError:
        return []  # inside JSON or a quote, or after a mistake: nothing is certain here
    if not _WORDS.fullmatch(word):
        return []
    key, equals, value = word.partition("=")
    path = tuple(key.split("."))
    if equals:
        member = _member(schema, name, path, given)
        return _values(schema, member, value, start + len(key) + 1) if member else []
    return _arguments(schema, name, path, given, start)


def _commands(schema: Schema, word: str, start: int) -> list[Completion]:
    names = _matching(sorted(schema.commands), word)
    return [
        Completion(
            f"{name} " if schema.arguments(name) else name,
            start,
            name,
            ", ".join((_signature(schema, name), *_warnings(schema.commands[name].features))),
        )
        for name in names
    ]


def _arguments(
    schema: Schema, command: str, path: tuple[str, ...], given: Mapping[str, object], start: int
) -> list[Completion]:
    members, given = _below(schema, command, path[:-1], given)
    prefix = "".join(f"{part}." for part in path[:-1])
    members = {name: member for name, member in members.items() if _open(given.get(name))}
    # What is missing comes before what may be left out; otherwise QEMU's own order, which its authors chose.
    ordered = sorted(members, key=lambda name: members[name].optional)
    return [
        Completion(
            f"{prefix}{name}{_joint(schema, members[name])}", start, f"{prefix}{name}", describe(schema, members[name])
        )
        for name in _matching(ordered, path[-1])
    ]


def _values(schema: Schema, member: Member, word: str, start: int) -> list[Completion]:
    detail = describe(schema, member)
    return [Completion(value, start, value, detail) for value in _matching(schema.values(member.type), word)]


def describe(schema: Schema, member: Member) -> str:
    """An argument's type in words, whether it may be left out, and what to know of it."""
    needed = "optional" if member.optional else "required"
    return ", ".join((schema.words(member.type), needed, *_warnings(member.features)))


def _signature(schema: Schema, command: str) -> str:
    """The arguments of a command: required ones by name, then how many more there are."""
    members = schema.arguments(command)
    required = [member.name for member in members if not member.optional]
    optional = len(members) - len(required)
    words = [*required, *([f"{optional} optional"] if optional else [])]
    return " ".join(words) if words else "no arguments"


def _warnings(features: Iterable[str]) -> list[str]:
    return [feature for feature in features if feature in {"deprecated", "unstable"}]


def _joint(schema: Schema, member: Member) -> str:
    """What follows a name: ``.`` before the members of a struct, ``=`` before a value."""
    return "." if schema.kind(member.type) == "object" else "="


def _open(given: object) -> bool:
    """Whether an argument can still be given: it has no value, or it is a struct with room for more members."""
    return given is None or isinstance(given, dict)


def _below(
    schema: Schema, command: str, path: tuple[str, ...], given: Mapping[str, object]
) -> tuple[dict[str, Member], Mapping[str, object]]:
    """The members that stand at a path below a command's arguments, and what is given of them already."""
    members = {member.name: member for member in schema.arguments(command, given)}
    for part in path:
        member = members.get(part)
        inner = given.get(part)
        given = inner if isinstance(inner, dict) else {}
        members = {inner.name: inner for inner in schema.members(member.type, given)} if member else {}
    return members, given


def _member(schema: Schema, command: str, path: tuple[str, ...], given: Mapping[str, object]) -> Member | None:
    return _below(schema, command, path[:-1], given)[0].get(path[-1])


def _matching(names: Iterable[str], word: str) -> list[str]:
    """The names that begin with a word, then those that have it further in; the order is kept otherwise."""
    word = word.lower().replace("_", "-")
    folded = {name: name.lower().replace("_", "-") for name in names}
    beginning = [name for name in folded if folded[name].startswith(word)]
    return beginning + [name for name in folded if word in folded[name] and name not in set(beginning)]
