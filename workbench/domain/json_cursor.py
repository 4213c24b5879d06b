"""Where things stand in the text of JSON: a cursor in what is not finished yet, and each value in what is."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from workbench.domain.qmp_values import MAX_NESTING

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str, ...]

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*\\?"?)|([{}\[\],:])|([^\s{}\[\],:"]+))', re.DOTALL)
TokenKind = Literal["string", "mark", "word"]
_KINDS: tuple[TokenKind, ...] = ("string", "mark", "word")
"""By the group of :data:`_TOKEN`."""


class Place(Struct, frozen=True):
    """What is being written at the end of a text."""

    path: Path
    """Keys and indices down to it; for a value its own key too, for a key only those of the object around it."""
    given: object
    """The outermost object or array, as far as it is complete."""
    word: str
    """As much of the key or the value as stands there, without its quote."""
    start: int
    """Where it begins, with its quote."""
    is_key: bool
    begun: bool
    """Whether anything of it stands there, were it the quote alone."""


class _Frame(Struct):
    """An object or array that is open."""

    value: dict[str, object] | list[object]
    key: str = ""
    expects: Literal["key", ":", "value", ","] = "value"
    """``,`` when nothing but a comma or the end may follow."""

    def put(self, value: object) -> None:
        if isinstance(self.value, dict):
            self.value[self.key] = value
        else:
            self.value.append(value)
        self.expects = ","


def place_in_json(text: str, at: int = 0) -> Place | None:
    """The key or value that is being written at the end of a text whose JSON begins at ``at``.

    None where nothing can be begun there: behind a finished key or value, or when it is no JSON.
    """
    stack: list[_Frame] = []
    outermost: object = None
    for kind, raw, start, end in _tokens(text, at):
        if kind == "mark":
            if not _mark(stack, raw) or not stack:
                return None
            outermost = stack[0].value
            continue
        if not stack:
            return None
        frame = stack[-1]
        finished = end < len(text) if kind == "word" else len(raw) > 1 and _closed(raw)
        if not finished:
            return _place(stack, outermost, raw, start)
        if frame.expects == "key":
            frame.key, frame.expects = str(_decoded(raw)), ":"
        elif frame.expects == "value":
            frame.put(_decoded(raw))
        else:
            return None
    return _place(stack, outermost, "", len(text)) if stack else None


def spans_in_json(text: str, at: int = 0) -> dict[Path, tuple[int, int]]:
    """From and behind which character each member (from its key on) and each element stands, at any depth.

    :param text: has sound JSON at ``at``.
    """
    spans: dict[Path, tuple[int, int]] = {}
    stack: list[_Frame] = []
    begun: list[tuple[Path, int]] = []
    key_at = at
    for kind, raw, start, end in _tokens(text, at):
        if kind == "mark" and raw in ",:":
            _mark(stack, raw)
            continue
        if kind == "mark" and raw in "}]":
            stack.pop()
            path, opened = begun.pop()
            spans[path] = (opened, end)
            if not stack:
                break
            continue
        if stack and stack[-1].expects == "key":
            stack[-1].key, stack[-1].expects, key_at = str(_decoded(raw)), ":", start
            continue
        in_object = bool(stack) and isinstance(stack[-1].value, dict)
        place = _path(stack)
        if kind == "mark":
            begun.append((place, key_at if in_object else start))
            if not _mark(stack, raw):
                break
            continue
        if not stack:
            break
        stack[-1].put(_decoded(raw))
        spans[place] = (key_at if in_object else start, end)
    return spans


def unfinished_json(text: str, at: int = 0) -> str:
    """What would close the brackets and the string that are open at the end of a text whose JSON begins at ``at``; empty
    when nothing is, or something else is wrong before.
    """
    stack: list[_Frame] = []
    quote = ""
    for kind, raw, _, _ in _tokens(text, at):
        if kind == "mark":
            if not _mark(stack, raw) or not stack:
                return ""
            continue
        if not stack or stack[-1].expects not in ("key", "value"):
            return ""
        if kind == "string" and not (len(raw) > 1 and _closed(raw)):
            quote = '"'
        elif stack[-1].expects == "key":
            stack[-1].expects = ":"
        else:
            stack[-1].put(None)
    return quote + "".join("}" if isinstance(frame.value, dict) else "]" for frame in reversed(stack))


def _tokens(text: str, at: int) -> Iterator[tuple[TokenKind, str, int, int]]:
    """Kind, text, start and end of each token."""
    while match := _TOKEN.match(text, at):
        at = match.end()
        group = match.lastindex or 1
        yield _KINDS[group - 1], match[group], match.start(group), at


def _mark(stack: list[_Frame], mark: str) -> bool:
    """Take a bracket, comma or colon; False where it cannot stand."""
    frame = stack[-1] if stack else None
    if mark in "{[":
        if (frame is not None and frame.expects != "value") or len(stack) >= MAX_NESTING:
            return False
        new = _Frame({}, expects="key") if mark == "{" else _Frame([])
        if frame is not None:
            frame.put(new.value)
        stack.append(new)
    elif frame is None:
        return False
    elif mark in "}]":
        if isinstance(frame.value, dict) != (mark == "}"):
            return False
        stack.pop()
    elif mark != frame.expects:
        return False
    elif mark == ":":
        frame.expects = "value"
    else:
        frame.expects = "key" if isinstance(frame.value, dict) else "value"
    return True


def _place(stack: list[_Frame], outermost: object, raw: str, start: int) -> Place | None:
    frame = stack[-1]
    if frame.expects not in ("key", "value"):
        return None
    word = raw.removeprefix('"')
    return Place(_path(stack), outermost, word, start, frame.expects == "key", bool(raw))


def _path(stack: list[_Frame]) -> Path:
    """Down to what is being written in the innermost frame: none of its own for a key."""
    path = [one.key if isinstance(one.value, dict) else str(len(one.value) - 1) for one in stack[:-1]]
    for frame in stack[-1:]:
        if isinstance(frame.value, list):
            path.append(str(len(frame.value)))
        elif frame.expects == "value":
            path.append(frame.key)
    return tuple(path)


def _closed(raw: str) -> bool:
    """Whether a string's last quote is one, and not escaped."""
    return raw[0] == raw[-1] == '"' and (len(raw) - len(raw[:-1].rstrip("\\")) - 1) % 2 == 0


def _decoded(raw: str) -> object:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.strip('"')
