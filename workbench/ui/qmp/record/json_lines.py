"""JSON laid out for reading: what fits is put on one line; each piece has a role for the stylesheet.

Lines are generated one by one, so that the first lines of a reply of megabytes are cheap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from rich.cells import cell_len

from workbench.domain.text import json_string

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Piece: TypeAlias = tuple[str, str]
"""A text and its role: ``key``, ``string``, ``number``, ``literal``, ``plain``, …; the text is printable."""
Pieces: TypeAlias = list[Piece]

INDENT = 2
DEEPEST = 40
"""Levels that are shown; deeper ones are cut to ``…``."""


def json_lines(value: object, width: int) -> Iterator[Pieces]:
    """The lines of a JSON value, none wider than ``width`` cells."""
    return _lines(value, max(width, 20), 0, [], "")


def inline(value: object, budget: int) -> Pieces | None:
    """A value on one line of at most ``budget`` cells; None if it does not fit."""
    pieces: Pieces = []
    return pieces if _inline(value, pieces, budget) >= 0 else None


def assignments(arguments: Mapping[str, object]) -> Pieces:
    """Arguments as they are typed: ``value=1 name="a b"``."""
    pieces: Pieces = []
    for key, value in arguments.items():
        pieces += [(" " if pieces else "", "plain"), (json_string(key)[1:-1], "key"), ("=", "plain")]
        if isinstance(value, str) and value and not any(c in "\"'{[\\" or c.isspace() for c in value):
            pieces.append((json_string(value)[1:-1], "string"))
        else:
            pieces += inline(value, 1_000) or [("…", "plain")]
    return [piece for piece in pieces if piece[0]]


def wrapped(pieces: Iterable[Piece], width: int) -> Iterator[Pieces]:
    """Pieces wrapped to lines of at most ``width`` cells, inside words too: they are data."""
    line: Pieces = []
    room = width
    for text, role in pieces:
        for part in _parts(text, room, width):
            size = cell_len(part)
            if size > room and line:
                yield line
                line, room = [], width
            line.append((part, role))
            room -= size
    if line:
        yield line


def _lines(value: object, width: int, depth: int, lead: Pieces, tail: str) -> Iterator[Pieces]:
    indent = min(INDENT * depth, width // 2)
    margin: Pieces = [(" " * indent, "plain")] if depth else []
    used = indent + sum(cell_len(text) for text, _ in lead) + len(tail)
    pieces = inline(value, max(width - used, 12))
    if pieces is not None or (isinstance(value, Mapping | list) and depth >= DEEPEST):
        whole = pieces if pieces is not None else [("…", "plain")]
        yield from wrapped([*margin, *lead, *whole, *_tail(tail)], width)
    elif isinstance(value, Mapping):
        yield from wrapped([*margin, *lead, ("{", "plain")], width)
        last = len(value) - 1
        for index, (key, item) in enumerate(value.items()):
            name: Pieces = [(json_string(str(key)), "key"), (": ", "plain")]
            yield from _lines(item, width, depth + 1, name, "," if index < last else "")
        yield [*margin, ("}" + tail, "plain")]
    elif isinstance(value, list):
        yield from wrapped([*margin, *lead, ("[", "plain")], width)
        for index, item in enumerate(value):
            yield from _lines(item, width, depth + 1, [], "," if index < len(value) - 1 else "")
        yield [*margin, ("]" + tail, "plain")]
    else:
        yield from wrapped([*margin, *lead, _scalar(value), *_tail(tail)], width)


def _tail(tail: str) -> Pieces:
    return [(tail, "plain")] if tail else []


def _inline(value: object, pieces: Pieces, budget: int) -> int:
    """Append a value's pieces; return the remaining budget, or a negative number once it is exceeded."""
    if isinstance(value, Mapping):
        pieces.append(("{", "plain"))
        budget -= 2
        for index, (key, item) in enumerate(value.items()):
            if len(key) > budget:
                return -1
            name = json_string(str(key))
            pieces += [(", ", "plain")] if index else []
            pieces += [(name, "key"), (": ", "plain")]
            budget = _inline(item, pieces, budget - cell_len(name) - 2 - (2 if index else 0))
            if budget < 0:
                return budget
        pieces.append(("}", "plain"))
        return budget
    if isinstance(value, list):
        pieces.append(("[", "plain"))
        budget -= 2
        for index, item in enumerate(value):
            pieces += [(", ", "plain")] if index else []
            budget = _inline(item, pieces, budget - (2 if index else 0)) if budget >= 0 else -1
            if budget < 0:
                return budget
        pieces.append(("]", "plain"))
        return budget
    if isinstance(value, str) and len(value) > budget:  # before measuring it: it may have megabytes
        return -1
    pieces.append(_scalar(value))
    return budget - cell_len(pieces[-1][0])


def _scalar(value: object) -> Piece:
    if isinstance(value, str):
        return json_string(value), "string"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value], "literal"
    return str(value), "number"


def _parts(text: str, room: int, width: int) -> Iterator[str]:
    """A text in parts that fit: the first into the rest of a line, the others into whole lines."""
    at = 0
    room = room if room > 0 else width
    while at < len(text):
        part = text[at : at + room]
        while cell_len(part) > room and len(part) > 1:
            part = part[: -max(1, (cell_len(part) - room) // 2)]
        yield part
        at += len(part)
        room = width
