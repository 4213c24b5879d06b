"""The place of each key and list element in a TOML document.

tomllib returns values without places; this scanner returns places without values. It scans documents that tomllib has
accepted, so it does not validate (https://toml.io/en/v1.0.0, and what 1.1 allows in inline tables).
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

Path = tuple[str | int, ...]

_STRING = re.compile(
    r'"""(?:[^"\\]|\\[\s\S]|"(?!""))*+"{3,5}'
    r"|'''(?:[^']|'(?!''))*+'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
)
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_PLAIN = re.compile(r"[^,\]}#\n]+")
"""A number, a date or a boolean, and blanks after it."""
_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")


class Span(NamedTuple):
    """The offsets of a key and its value, or of a list element, in the text."""

    key: int
    """The start of the key; for an element, the start of its value."""
    begin: int
    end: int
    section: int
    """The index of the header that it is under; -1 before the first header."""
    inside: Path | None
    """The inline table or list that contains it; None if it has lines of its own."""


class Header(NamedTuple):
    """``[a.b]`` or ``[[a.b]]``"""

    path: Path
    """The table that it opens, with the index for an element of a list."""
    begin: int
    end: int
    """The offset after its last bracket."""


def locate(text: str) -> dict[Path, tuple[int, int]]:
    """The line and column, both from 1, of every key and list element; columns count characters.

    A table's place is its key in the first header or dotted key that names it; for an element of an array of tables it is
    the element's header. ``text`` must be a document that tomllib accepts.
    """
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    places: dict[Path, tuple[int, int]] = {}
    for path, offset in Scanner(text).document():
        line = bisect_right(starts, offset)
        places.setdefault(path, (line, offset - starts[line - 1] + 1))
    return places


def headers(text: str) -> list[tuple[Path, int]]:
    """The path of each table's header and the offset of its line, in the order of the text."""
    scanner = Scanner(text)
    for _ in scanner.document():
        pass
    return [(header.path, text.rfind("\n", 0, header.begin) + 1) for header in scanner.headers]


class Scanner:
    """Scans a document once and fills ``spans`` and ``headers``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.spans: dict[Path, Span] = {}
        """Each value after a ``=`` or in a list."""
        self.headers: list[Header] = []
        self.at = 0
        self._counts: dict[Path, int] = {}
        """The number of elements of each array of tables so far."""

    def document(self) -> Iterator[tuple[Path, int]]:
        """Every path with its offset, in the order of the text."""
        table: Path = ()
        while self._skip(_GAP) < len(self.text):
            if self.text[self.at] == "[":
                begin = self.at
                table = yield from self._header()
                self.headers.append(Header(table, begin, self.at))
            else:
                yield from self._pair(table)

    def _skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return self.at

    def _key(self) -> list[tuple[str, int]]:
        """A dotted key: its parts with their offsets."""
        parts = []
        while True:
            begin = self._skip(_BLANK)
            raw = self.text[begin : self._skip(_KEY)]
            parts.append((next(iter(tomllib.loads(f"{raw}=0"))) if raw[0] in "\"'" else raw, begin))
            self._skip(_BLANK)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def _header(self) -> Generator[tuple[Path, int], None, Path]:
        """``[a.b]`` or ``[[a.b]]``; returns the path of the table that it opens."""
        many = self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        parts = self._key()
        self.at += 2 if many else 1
        path: Path = ()
        for number, (name, begin) in enumerate(parts, 1):
            path = (*path, name)
            yield path, begin
            if many and number == len(parts):
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
                yield path, begin
        return path

    def _pair(self, table: Path, inside: Path | None = None) -> Iterator[tuple[Path, int]]:
        """``a.b = value``"""
        path, key = table, self.at
        for name, begin in self._key():
            path = (*path, name)
            yield path, begin
        self.at += 1
        begin = self._skip(_BLANK)
        yield from self._value(path)
        self._keep(path, key, begin, inside)

    def _keep(self, path: Path, key: int, begin: int, inside: Path | None) -> None:
        """Record the value that ends here, without the blanks that follow a plain value."""
        end = begin + len(self.text[begin : self.at].rstrip(" \t\r"))
        self.spans[path] = Span(key, begin, end, len(self.headers) - 1, inside)

    def _value(self, path: Path) -> Iterator[tuple[Path, int]]:
        opening = self.text[self.at]
        if opening == "[":
            yield from self._array(path)
        elif opening == "{":
            yield from self._inline_table(path)
        else:
            self._skip(_STRING if opening in "\"'" else _PLAIN)

    def _array(self, path: Path) -> Iterator[tuple[Path, int]]:
        self.at += 1
        index = 0
        while self.text[self._skip(_GAP)] != "]":
            if self.text[self.at] == ",":
                self.at += 1
                continue
            begin = self.at
            yield (*path, index), begin
            yield from self._value((*path, index))
            self._keep((*path, index), begin, begin, path)
            index += 1
        self.at += 1

    def _inline_table(self, path: Path) -> Iterator[tuple[Path, int]]:
        self.at += 1
        while self.text[self._skip(_GAP)] != "}":
            if self.text[self.at] == ",":
                self.at += 1
                continue
            yield from self._pair(path, path)
        self.at += 1
