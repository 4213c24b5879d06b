"""What the schema tells of one command: its arguments and what it returns, in lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.candidates import describe, warnings
from workbench.domain.json_cursor import place_in_json
from workbench.domain.json_input import InputError
from workbench.domain.qmp_input import parse_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.schema import Schema

DEPTH = 3
"""Levels of members that are told."""
MEMBERS = 60
"""Members that are told on one level."""
WORDS = 100
"""Words at the end of a line that are given up until the rest can be read."""
_SPACES = re.compile(r"\s+")
_WORD = re.compile(r"\s*([^\s={}\[\]\"'!]+)")
_EXECUTE = re.compile(r'"(?:execute|exec-oob)"\s*:\s*"([^"]*)')


class HelpLine(Struct, frozen=True):
    name: str
    detail: str
    level: int = 0
    warned: bool = False
    """Whether there is something to know before using it: it is deprecated or unstable."""


def command_in(text: str) -> str:
    """The command that a line begins with, as far as it stands there; empty for none."""
    if text.lstrip().startswith("{"):
        match = _EXECUTE.search(text)
        return match[1] if match is not None and place_in_json(text[: match.end(1)]) is not None else ""
    match = _WORD.match(text)
    return match[1] if match is not None else ""


def given_in(text: str, schema: Schema) -> Mapping[str, object]:
    """The arguments that a line gives, as far as it can be read."""
    if text.lstrip().startswith("{"):
        place = place_in_json(text, len(text) - len(text.lstrip()))
        if place is not None:
            whole = place.given if isinstance(place.given, Mapping) else {}
            inner = whole.get("arguments")
            return inner if isinstance(inner, Mapping) else {}
    ends = [len(text), *(match.start() for match in reversed(list(_SPACES.finditer(text))))]
    for end in ends[:WORDS]:
        try:
            return parse_line(text[:end], schema).arguments
        except InputError:
            continue  # its last word is not finished
    return {}


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
