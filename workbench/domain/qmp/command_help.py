"""Help for one command from the schema: its arguments and its return value, line by line."""

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
"""Levels of nested members to list."""
MEMBERS = 60
"""Members to list on one level."""


class HelpLine(Struct, frozen=True):
    name: str
    detail: str
    level: int = 0
    warned: bool = False
    """Whether it is deprecated or unstable."""


def command_in(text: str) -> str:
    """The command at the start of a line, possibly unfinished; empty when there is none."""
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
    """The arguments in a line, up to the first mistake."""
    line = read_line(text)
    if line.json is not None:
        whole = line.json.value if isinstance(line.json.value, Mapping) else {}
        inner = whole.get("arguments")
        return inner if isinstance(inner, Mapping) else {}
    return given_by(line, schema, last=True)[0] if line.command else {}


def features(schema: Schema, command: str) -> list[str]:
    """Whether a command is deprecated or unstable, and whether it can run out of band."""
    known = schema.commands[command]
    return [*warnings(known.features), *(["can run out of band"] if known.out_of_band else [])]


def arguments(schema: Schema, command: str, given: Mapping[str, object] | None = None) -> list[HelpLine]:
    """The arguments of a command, with their members.

    :param given: the arguments typed so far. The value of a union's tag adds the members of its branch.
    """
    lines = list(_members(schema, schema.commands[command].arguments, 0, frozenset(), given or {}))
    if schema.is_open(command):
        lines.append(HelpLine("\N{HORIZONTAL ELLIPSIS}", "plus the properties of the device or object"))
    return lines


def returns(schema: Schema, command: str) -> tuple[str, list[HelpLine]]:
    """The return type in words, and its members."""
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
