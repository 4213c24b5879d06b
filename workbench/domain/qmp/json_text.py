"""A one-pass JSON reader that gives each value, its position, and what is being typed at the end of an unfinished text.

What QEMU's parser would reject is rejected here, with its position: see :mod:`workbench.domain.qmp.values`.
"""

from __future__ import annotations

import json
import re
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.qmp.values import MAX_NESTING, unsendable

if TYPE_CHECKING:
    from collections.abc import Mapping

Path = tuple[str, ...]
Span = tuple[int, int]
"""Start and end of a piece of text, as in a slice."""

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
"""A string up to its closing quote or its first invalid character."""
_SCALAR = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_TOKEN = re.compile(
    rf'[ \t\n\r]*(?:(?P<mark>[{{}}\[\],:])|"(?P<string>[^"\\\x00-\x1f]*)"|(?P<scalar>{_SCALAR.pattern})(?=[\s,\]}}]))'
)
"""The common tokens; a number or a name only where it cannot continue."""
_WORD = re.compile(r'[^\s{}\[\],:"]+')
_ESCAPE_BEGUN = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?")
_NAMES = {"true": True, "false": False, "null": None}
_NOT_A_NUMBER = re.compile("NaN|-?Infinity")


class Wrong(Enum):
    """Why a text is not a single JSON value."""

    SYNTAX = "syntax"
    TOO_SOON = "too-soon"
    """It ends before the value does."""
    OPEN_STRING = "open-string"
    """It ends inside a string."""
    UNSENDABLE = "unsendable"
    """It is JSON that QEMU does not accept."""


class Fault(Struct, frozen=True):
    """The first error in a text."""

    wrong: Wrong
    words: str
    span: Span


class Place(Struct, frozen=True):
    """What is being typed at the end of a text."""

    path: Path
    """Keys and indices down to it. For a value this includes its own key; for a key it is the path of its object."""
    given: object
    """The outermost object or array, as far as it is complete."""
    word: str
    """The key or value as typed so far, without its quote."""
    start: int
    """Where it starts, including its quote."""
    is_key: bool
    begun: bool
    """Whether anything of it has been typed, if only the quote."""


class Json(Struct, frozen=True):
    """One JSON value in a text."""

    value: object
    """With a fault, as much of it as precedes the fault."""
    end: int
    """Where it ends; with a fault, the end of the text."""
    places: Mapping[Path, Span]
    """Position of each member (from its key on) and each element, at any depth; the value itself is at the empty path."""
    fault: Fault | None = None
    cursor: Place | None = None
    """The key or value being typed at the end of the text; None where neither can start."""
    closing: str = ""
    """What would close the open brackets and string of an incomplete text."""


def read_json(text: str, at: int = 0) -> Json:
    """Read the JSON value that starts at ``at``. Never raises."""
    return _Reader(text, at).read()


class _Expects(StrEnum):
    """What must come next, in words."""

    KEY = "property name enclosed in double quotes"
    COLON = "':' delimiter"
    VALUE = "value"
    COMMA = "',' delimiter"


_MARKS = {_Expects.COLON: ":", _Expects.COMMA: ","}


class _Frame(Struct):
    """An open object or array."""

    value: dict[str, object] | list[object]
    path: Path
    start: int
    """Where it starts, including its key."""
    expects: _Expects
    may_end: bool = True
    key: str = ""
    key_at: int = 0

    @property
    def closer(self) -> str:
        return "}" if isinstance(self.value, dict) else "]"

    @property
    def next_path(self) -> Path:
        """Path of the value that comes next."""
        return (*self.path, self.key if isinstance(self.value, dict) else str(len(self.value)))


class _Reader:
    def __init__(self, text: str, at: int) -> None:
        self._text = text
        self._at = at
        self._stack: list[_Frame] = []
        self._value: object = None
        """The outermost value."""
        self._places: dict[Path, Span] = {}
        self._cursor: Place | None = None
        self._done = False

    def read(self) -> Json:
        fault = None
        while fault is None and not self._done:
            fault = self._token()
        if fault is None:
            return Json(self._value, self._at, self._places)
        closing = ""
        if fault.wrong in (Wrong.TOO_SOON, Wrong.OPEN_STRING):
            closing = '"' * (fault.wrong is Wrong.OPEN_STRING) + "".join(frame.closer for frame in self._stack[::-1])
        return Json(self._value, len(self._text), self._places, fault, self._cursor, closing)

    @property
    def _expects(self) -> _Expects:
        return self._stack[-1].expects if self._stack else _Expects.VALUE

    def _token(self) -> Fault | None:
        """Read the next mark, string, number or name; return what is wrong with it."""
        text = self._text
        match = _TOKEN.match(text, self._at)
        kind = match.lastgroup if match is not None else None
        if match is None or kind is None:
            return self._uncommon()
        if kind == "mark":
            return self._mark(match["mark"], match.end() - 1)
        if kind == "string":
            return self._string(match["string"], match.start(kind) - 1, match.end())
        return self._scalar(match["scalar"], match.start(kind), match.end())

    def _uncommon(self) -> Fault | None:
        """Read what :data:`_TOKEN` does not match: a string with escapes, the end of the text, a mistake."""
        text = self._text
        space = _SPACE.match(text, self._at)
        at = space.end() if space else self._at
        if at == len(text):
            self._note_cursor("", at)
            return self._ends(at)
        if self._expects in (_Expects.KEY, _Expects.VALUE) and text[at] == '"':
            return self._uncommon_string(at)
        not_a_number = _NOT_A_NUMBER.match(text, at)
        if not_a_number and self._expects is _Expects.VALUE:
            return Fault(Wrong.UNSENDABLE, f"{not_a_number[0]} is not JSON", not_a_number.span())
        word = _WORD.match(text, at)
        if word is not None and word.end() == len(text):
            self._note_cursor(word[0], at)
        scalar = _SCALAR.match(text, at)
        if scalar is None:
            return self._unexpected(at)
        if self._stack and scalar.end() == len(text) and self._expects is _Expects.VALUE:
            return self._ends(len(text))  # it may continue
        return self._scalar(scalar[0], at, scalar.end())

    def _mark(self, mark: str, at: int) -> Fault | None:
        frame = self._stack[-1] if self._stack else None
        expects = frame.expects if frame is not None else _Expects.VALUE
        if mark in "{[":
            return self._open(mark, at) if expects is _Expects.VALUE else self._unexpected(at)
        if frame is None:
            return self._unexpected(at)
        if mark == frame.closer and frame.may_end:
            self._stack.pop()
            self._places[frame.path] = (frame.start, at + 1)
            self._done = not self._stack
        elif _MARKS.get(expects) == mark:
            is_key = mark == "," and isinstance(frame.value, dict)
            frame.expects, frame.may_end = _Expects.KEY if is_key else _Expects.VALUE, False
        else:
            return self._unexpected(at)
        self._at = at + 1
        return None

    def _open(self, bracket: str, at: int) -> Fault | None:
        value: dict[str, object] | list[object] = {} if bracket == "{" else []
        path: Path = ()
        start = at
        if self._stack:
            frame = self._stack[-1]
            path = frame.next_path
            start = frame.key_at if isinstance(frame.value, dict) else at
        fault = self._put(value, at, at + 1)
        if fault is None:
            self._done = False
            self._stack.append(_Frame(value, path, start, _Expects.KEY if bracket == "{" else _Expects.VALUE))
        return fault

    def _uncommon_string(self, at: int) -> Fault | None:
        """Read a string with escapes, or an unterminated one."""
        text = self._text
        match = _STRING.match(text, at)
        end = match.end() if match else at
        if text[end : end + 1] == '"':
            return self._string(json.loads(text[at : end + 1]), at, end + 1)
        begun = _ESCAPE_BEGUN.match(text, end)
        if end == len(text) or (begun and begun.end() == len(text)):
            self._note_cursor(text[at + 1 :], at)
            return Fault(Wrong.OPEN_STRING, "unterminated string", (at, len(text)))
        words = "invalid \\escape" if text[end] == "\\" else "invalid control character"
        return Fault(Wrong.SYNTAX, words, (end, end + 1))

    def _string(self, string: str, at: int, end: int) -> Fault | None:
        expects = self._expects
        if expects is not _Expects.KEY and expects is not _Expects.VALUE:
            return self._unexpected(at)
        if not string.isascii() and (words := unsendable(string)):
            return Fault(Wrong.UNSENDABLE, words, (at, end))
        if expects is _Expects.VALUE:
            return self._put(string, at, end)
        frame = self._stack[-1]
        frame.key, frame.key_at, frame.expects, frame.may_end = string, at, _Expects.COLON, False
        self._at = end
        return None

    def _scalar(self, raw: str, at: int, end: int) -> Fault | None:
        if self._expects is not _Expects.VALUE:
            return self._unexpected(at)
        try:
            value = _NAMES[raw] if raw in _NAMES else _number(raw)
        except ValueError as error:
            return Fault(Wrong.UNSENDABLE, str(error), (at, end))
        return self._put(value, at, end)

    def _put(self, value: object, at: int, end: int) -> Fault | None:
        """Add a value to the innermost object or array."""
        if len(self._stack) >= MAX_NESTING:
            return Fault(Wrong.UNSENDABLE, "nested too deeply", (at, end))
        self._at = end
        if not self._stack:
            self._value, self._done = value, True
            self._places[()] = (at, end)
            return None
        frame = self._stack[-1]
        path = frame.next_path
        if isinstance(frame.value, list):
            frame.value.append(value)
            self._places[path] = (at, end)
        else:
            if frame.key in frame.value:  # duplicate key: the last value wins, so drop the positions of the first
                for below in [one for one in self._places if one[: len(path)] == path]:
                    del self._places[below]
            frame.value[frame.key] = value
            self._places[path] = (frame.key_at, end)
        frame.expects, frame.may_end = _Expects.COMMA, True
        return None

    def _note_cursor(self, word: str, start: int) -> None:
        """Note that a key or value is being typed at the end of the text."""
        if not self._stack or self._expects not in (_Expects.KEY, _Expects.VALUE):
            return
        frame, is_key = self._stack[-1], self._expects is _Expects.KEY
        path = frame.path if is_key else frame.next_path
        self._cursor = Place(path, self._value, word, start, is_key, start < len(self._text))

    def _ends(self, at: int) -> Fault:
        return Fault(Wrong.TOO_SOON, f"expecting {self._expects}", (at, at))

    def _unexpected(self, at: int) -> Fault:
        return Fault(Wrong.SYNTAX, f"expecting {self._expects}", (at, at + 1))


def _number(raw: str) -> int | float:
    """:raise ValueError: when it is larger than QEMU accepts."""
    if any(sign in raw for sign in ".eE"):
        value = float(raw)
        if value in (float("inf"), float("-inf")):
            raise ValueError("number too large")
        return value
    try:
        return int(raw)
    except ValueError as error:  # of thousands of digits (sys.set_int_max_str_digits)
        raise ValueError("number too long") from error
