"""What the schema tells of one command: its arguments and what it returns, in lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.qmp.line_parts import read_line
from workbench.domain.qmp.schema import describe, warnings
from workbench.domain.qmp.typed_line import given_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.qmp.schema import Schema

DEPTH = 3
"""Levels of members that are told."""
MEMBERS = 60
"""Members that are told on one level."""


class HelpLine(Struct, frozen=True):
    name: str
    detail: str
    level: int = 0
    warned: bool = False
    """Whether there is something to know before using it: it is deprecated or unstable."""


def command_in(text: str) -> str:
    """The command that a line begins with, as far as it stands there; empty for none."""
    line = read_line(text)
    if line.json is None:
        return line.command
    whole = line.json.value if isinstance(line.json.value, Mapping) else {}
    command = whole.get("execute", whole.get("exec-oob"))
    if isinstance(command, str):
        return command
    place = line.json.cursor
    return place.word if place is not None and place.path in (("execute",), ("exec-oob",)) and not place.is_key else ""


def given_in(text: str, schema: Schema) -> Mapping[str, object]:
    """The arguments that a line gives, as far as it can be read."""
    line = read_line(text)
    if line.json is not None:
        whole = line.json.value if isinstance(line.json.value, Mapping) else {}
        inner = whole.get("arguments")
        return inner if isinstance(inner, Mapping) else {}
    return given_by(line, schema, last=True)[0] if line.command else {}


def features(schema: Schema, command: str) -> list[str]:
    """What to know before using it: deprecated, unstable, and whether it runs out of band."""
    known = schema.commands[command]
    return [*warnings(known.features), *(["runs out of band too"] if known.out_of_band else [])]


def arguments(schema: Schema, command: str, given: Mapping[str, object] | None = None) -> list[HelpLine]:
    """Its arguments with the members below them.

    :param given: those that are typed already: the value of a union's tag adds the members of that branch.
    """
    lines = list(_members(schema, schema.commands[command].arguments, 0, frozenset(), given or {}))
    if schema.is_open(command):
        lines.append(HelpLine("\N{HORIZONTAL ELLIPSIS}", "and the properties of the device or object"))
    return lines


def returns(schema: Schema, command: str) -> tuple[str, list[HelpLine]]:
    """Its return value in words, and the members of that."""
    type_ = schema.commands[command].returns
    words, is_object = schema.words(type_), schema.kind(type_) == "object"
    while schema.kind(type_) == "array":
        type_ = schema.element(type_)
    lines = list(_members(schema, type_, 0, frozenset(), {}))
    return ("nothing" if is_object and not lines else words), lines


def _members(
    schema: Schema, type_: str, level: int, above: frozenset[str], given: Mapping[str, object]
) -> Iterator[HelpLine]:
    members = schema.members(type_, given)
    for member in members[:MEMBERS]:
        values = schema.values(member.type) if schema.kind(member.type) == "enum" else ()
        detail = describe(schema, member)
        words = f"{detail}: {', '.join(values)}" if len(values) > 6 else detail
        yield HelpLine(member.name, words, level, warned=bool(warnings(member.features)))
        inner = schema.element(member.type) if schema.kind(member.type) == "array" else member.type
        if level + 1 < DEPTH and inner not in above:  # a block node's file is a block node
            below = given.get(member.name)
            yield from _members(
                schema, inner, level + 1, above | {type_, inner}, below if isinstance(below, Mapping) else {}
            )
    if len(members) > MEMBERS:
        yield HelpLine("\N{HORIZONTAL ELLIPSIS}", f"{len(members) - MEMBERS} more", level)
    tag, branches = schema.branches(type_)
    chosen = [
        value for one in members if one.name == tag for value in schema.values(one.type) if value == given.get(tag)
    ]
    if tag and not chosen and any(schema.members(branch) for branch in branches.values()):
        names = [name for name, branch in branches.items() if schema.members(branch)]
        yield HelpLine("\N{HORIZONTAL ELLIPSIS}", f"more with {tag}= {', '.join(names)}", level)
