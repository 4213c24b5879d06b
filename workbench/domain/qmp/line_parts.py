"""Split a line of the QMP console into its parts in one pass: each word with its form, value and position."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.qmp.input_error import InputError, json_trouble
from workbench.domain.qmp.json_text import read_json
from workbench.domain.qmp.values import unsendable

if TYPE_CHECKING:
    from workbench.domain.qmp.json_text import Json, Span

WORD = re.compile(r"[^\s={}\[\]\"']+")
"""A command name or a key."""
_SPACE = re.compile(r"\s*")
_BARE = re.compile(r"\S*")


class Form(Enum):
    """How the value of a word is written."""

    NONE = "none"
    """No value: ``key``."""
    BARE = "bare"
    """``key=value``, up to the next space."""
    QUOTED = "quoted"
    """``key='a value'``, taken literally."""
    JSON = "json"
    """``key="text"``, ``key={…}``, ``key=[…]``."""
    ARGUMENTS = "arguments"
    """``{…}``: all arguments as one JSON object."""


class Word(Struct, frozen=True):
    """One word after the command."""

    form: Form
    key: str
    span: Span
    begin: int
    """Where its value starts."""
    value: object = None
    json: Json | None = None
    whole: bool = True
    """Whether its value is complete and valid in itself."""


class Sort(Enum):
    """What a line is."""

    NOTHING = "nothing"
    WORDS = "words"
    """A command and its arguments."""
    WHOLE = "whole"
    """A QMP command as JSON."""
    HMP = "hmp"
    """A line for the human monitor, after a ``!``."""


class Line(Struct, frozen=True):
    """A line as far as it can be read."""

    text: str
    sort: Sort
    start: int
    """Where it starts, after leading space."""
    command: str = ""
    behind: int = 0
    """Where the command's name ends."""
    words: tuple[Word, ...] = ()
    json: Json | None = None
    """A whole command."""
    fault: InputError | None = None
    """What is wrong after the last complete word."""

    @property
    def unfinished(self) -> Word | None:
        """The word being typed at the end; None when the next one has not been started."""
        last = self.words[-1] if self.words else None
        return last if last is not None and (not last.whole or last.span[1] == len(self.text)) else None


def read_line(text: str) -> Line:
    """Read a line. Never raises."""
    start = _skip(text, 0)
    match text[start : start + 1]:
        case "":
            return Line(text, Sort.NOTHING, start)
        case "!":
            return Line(text, Sort.HMP, start)
        case "{":
            json = read_json(text, start)
            return Line(text, Sort.WHOLE, start, json=json, fault=_json_alone(text, start, json))
    name = WORD.match(text, start)
    if name is None:
        fault = InputError(f"a command starts with a letter, not {text[start]!r}", (start, start + 1))
        return Line(text, Sort.NOTHING, start, fault=fault)
    words, mistake = _words(text, name.end())
    return Line(text, Sort.WORDS, start, name[0], name.end(), tuple(words), fault=mistake)


def _words(text: str, at: int) -> tuple[list[Word], InputError | None]:
    """The words from ``at`` to the end, or to the first mistake."""
    words: list[Word] = []
    while (at := _skip(text, at)) < len(text):
        if not words and text[at] == "{":
            json = read_json(text, at)
            fault = _json_alone(text, at, json)
            words.append(Word(Form.ARGUMENTS, "", (at, json.end), at, json.value, json, whole=json.fault is None))
            return words, fault
        key = WORD.match(text, at)
        if key is None:
            return words, InputError(f"expected key=value, not {text[at]!r}", (at, at + 1))
        if text[key.end() : key.end() + 1] != "=":
            words.append(Word(Form.NONE, key[0], key.span(), key.end()))
            return words, None
        word, fault = word_at(text, key[0], at, key.end() + 1)
        words.append(word)
        at = word.span[1]
        if fault is None and at < len(text) and not text[at].isspace():
            fault = InputError(f"expected a space after {text[word.begin : at]}", (at, at + 1))
        if fault is not None:
            return words, fault
    return words, None


def word_at(text: str, key: str, start: int, begin: int) -> tuple[Word, InputError | None]:
    """The word with the given key and its value at ``begin``, and what is wrong with that value."""
    opener = text[begin : begin + 1]
    if opener and opener in '{["':
        json = read_json(text, begin)
        word = Word(Form.JSON, key, (start, json.end), begin, json.value, json, whole=json.fault is None)
        return word, json_trouble(text, begin, json)
    if opener == "'":
        close = text.find("'", begin + 1)
        if close < 0:
            fault = InputError("unclosed quote", (begin, len(text)))
            return Word(Form.QUOTED, key, (start, len(text)), begin, text[begin + 1 :], whole=False), fault
        value, span = text[begin + 1 : close], (begin, close + 1)
        trouble = unsendable(value)
        word = Word(Form.QUOTED, key, (start, close + 1), begin, value, whole=not trouble)
        return word, InputError(trouble, span) if trouble else None
    match = _BARE.match(text, begin)
    end = match.end() if match else begin
    return Word(Form.BARE, key, (start, end), begin, text[begin:end]), None


def _json_alone(text: str, at: int, json: Json) -> InputError | None:
    """What is wrong with JSON that must extend to the end of the line."""
    rest = _skip(text, json.end)
    if json.fault is None and rest < len(text):
        return InputError("unexpected text after the JSON object", (rest, len(text)))
    return json_trouble(text, at, json)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
