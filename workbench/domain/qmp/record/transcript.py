"""A record as lines of JSON, to save it, to process it with other tools, and to replay its commands.

::

    {"time": 1763949600.1, "origin": "user", "execute": "balloon", "arguments": {"value": 268435456}}
    {"time": 1763949600.1, "origin": "user", "command": "balloon", "return": {}, "latency": 0.0004}
    {"time": 1763949600.2, "origin": "user", "command": "x", "error": {"class": "CommandNotFound", "desc": "…"}, …}
    {"time": 1763949600.3, "event": "BALLOON_CHANGE", "data": {"actual": 268435456}}
    {"time": 1763949600.9, "note": "QEMU closed the connection"}

A message too large to be kept whole is written as ``{"time": …, "reply": "COMMAND", "cut": BYTES, "beginning": "…"}``.

Commands have the members of a QMP command, so a file of plain QMP commands can be replayed as well.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.qmp.input_error import InputError
from workbench.domain.qmp.record.record import HMP, Kind, Message, Origin, arguments_of, encoded, hmp_line
from workbench.domain.qmp.typed_line import Request, parse_line

if TYPE_CHECKING:
    from collections.abc import Iterable


class Step(Struct, frozen=True):
    """One of the user's commands, to be replayed."""

    line: int
    """Line number in its file, from 1."""
    request: Request


def line_of(message: Message) -> bytes:
    """One message as a line, without the newline. Its payload is JSON already and is copied as it is."""
    head: dict[str, object] = {"time": round(message.time, 6)}
    tail: dict[str, object] = {}
    if message.kind not in (Kind.EVENT, Kind.NOTE):
        head["origin"] = message.origin.value
    if message.cut:
        return encoded(head | {message.kind.value: message.name, "cut": message.cut, "beginning": message.payload})
    match message.kind:
        case Kind.EVENT:
            head["event"], member = message.name, b"data"
        case Kind.NOTE:
            member = b"note"
        case Kind.COMMAND:
            head["exec-oob" if message.oob else "execute"], member = message.name, b"arguments"
        case _:
            head["command"], member = message.name, b"error" if message.kind is Kind.ERROR else b"return"
            tail = {} if message.latency is None else {"latency": round(message.latency, 6)}
    behind = b"," + encoded(tail)[1:] if tail else b"}"
    return encoded(head)[:-1] + b',"' + member + b'":' + message.body + behind


def json_line(value: object) -> str:
    """A value as one line of JSON that is valid UTF-8, even if it contains lone surrogates."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


def typed(message: Message) -> str:
    """A command as it can be typed at the console."""
    line = hmp_line(message)
    if line is not None:
        return f"!{line}"
    arguments = arguments_of(message)
    if message.oob:
        return json_line({"exec-oob": message.name, **({"arguments": arguments} if arguments else {})})
    if not arguments:
        return message.name
    plain = all(
        isinstance(value, int | float) or (isinstance(value, str) and _PLAIN.fullmatch(value) and _PLAIN.fullmatch(key))
        for key, value in arguments.items()
    )
    if plain and all(_PLAIN.fullmatch(key) and "." not in key for key in arguments):
        words = (f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in arguments.items())
        return " ".join([message.name, *words])
    return f"{message.name} {json_line(arguments)}"


def copied(message: Message) -> str:
    """What to put on the clipboard for a message: a command as typed, a reply as JSON or as plain text."""
    payload = message.payload
    match message.kind:
        case Kind.COMMAND:
            return typed(message)
        case Kind.EVENT:
            return json_line({"event": message.name, "data": payload})
        case Kind.ERROR:
            failure = arguments_of(message)
            return f"{failure.get('class', 'Error')}: {failure.get('desc', '')}" if failure else str(payload)
    if isinstance(payload, str) and (message.cut or message.kind is Kind.NOTE or message.name == HMP):
        return payload.replace("\r\n", "\n")
    return json.dumps(payload, indent=2, ensure_ascii=False)


def device_of(event: Message) -> str:
    """The id or QOM path of the device that an event names; empty when it names none.

    Member names are from qapi/qdev.json, block-core.json, net.json, char.json, machine.json and acpi.json.
    """
    data = arguments_of(event)
    info = data.get("info")
    for members in (data, info if isinstance(info, dict) else {}):
        for key in ("qom-path", "path", "device", "id", "name"):
            value = members.get(key)
            if isinstance(value, str) and value and (key != "path" or value.startswith("/")):
                return value
    return ""


_PLAIN = re.compile(r"[A-Za-z_./:][\w./:-]*", re.ASCII)
"""Text that needs no quotes and is not read as a number."""


def steps(lines: Iterable[str]) -> list[Step]:
    """The user's commands in lines of JSON, in order; everything else is skipped.

    :raise InputError: at the first invalid line, with its number.
    """
    found = []
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"line {number} is not valid JSON: {error}") from error
        if not isinstance(value, dict):
            raise InputError(f"line {number} is not a JSON object")
        whole = {key: value[key] for key in ("execute", "exec-oob", "arguments") if key in value}
        if whole.keys() <= {"arguments"} or value.get("origin", Origin.USER) != Origin.USER:
            continue
        try:
            request = parse_line(json.dumps(whole))
        except InputError as error:
            raise InputError(f"line {number}: {error.message}", hint=error.hint) from error
        found.append(Step(number, request))
    return found
