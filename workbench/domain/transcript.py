"""What passed on a monitor as lines of JSON: to save it, to read it with other tools, and to send its commands again.

::

    {"time": 1763949600.1, "origin": "user", "execute": "balloon", "arguments": {"value": 268435456}}
    {"time": 1763949600.1, "origin": "user", "command": "balloon", "return": {}, "latency": 0.0004}
    {"time": 1763949600.2, "origin": "user", "command": "x", "error": {"class": "CommandNotFound", "desc": "…"}, …}
    {"time": 1763949600.3, "event": "BALLOON_CHANGE", "data": {"actual": 268435456}}
    {"time": 1763949600.9, "note": "QEMU closed the connection"}

Commands have the members of a QMP command, so a file of bare QMP commands can be sent as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.domain.qmp_input import InputError, Request, parse_line
from workbench.domain.traffic import Kind, Message, Origin

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the user's, to be sent again."""

    line: int
    """Where it stands in its file, from 1."""
    request: Request


def as_json(message: Message) -> dict[str, object]:
    """One message as the object that its line holds."""
    head: dict[str, object] = {"time": round(message.time, 6)}
    match message.kind:
        case Kind.EVENT:
            return head | {"event": message.name, "data": message.payload}
        case Kind.NOTE:
            return head | {"note": message.payload}
        case Kind.COMMAND:
            command = {"origin": message.origin.value, "execute": message.name}
            return head | command | ({"arguments": message.payload} if message.payload else {})
    member = "error" if message.kind is Kind.ERROR else "return"
    latency = {} if message.latency is None else {"latency": round(message.latency, 6)}
    return head | {"origin": message.origin.value, "command": message.name, member: message.payload} | latency


def json_line(value: object) -> str:
    """A value as one line of JSON that any reader of UTF-8 takes, also with halves of surrogate pairs in it."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


def steps(lines: Iterable[str]) -> list[Step]:
    """The user's commands among lines of JSON, in order. What others sent, replies, events and notes are left out.

    :raise InputError: at the first line that is no such line, with its number.
    """
    found = []
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"line {number} is no JSON: {error}") from error
        if not isinstance(value, dict):
            raise InputError(f"line {number} is no JSON object")
        if "execute" not in value or value.get("origin", Origin.USER) != Origin.USER:
            continue
        whole = {key: value[key] for key in ("execute", "arguments") if key in value}
        try:
            request = parse_line(json.dumps(whole))
        except InputError as error:
            raise InputError(f"line {number}: {error.message}", hint=error.hint) from error
        found.append(Step(number, request))
    return found
