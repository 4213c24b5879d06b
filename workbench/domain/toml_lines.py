"""Where each key and each list element of a TOML document stands.

tomllib gives the values and no places. This scanner gives the places and no values: it walks a document that tomllib
has accepted already, so it need not judge, only find (https://toml.io/en/v1.0.0; what 1.1 allows in inline tables too).
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import TYPE_CHECKING

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
"""A number, a date or a boolean, to where it may end."""
_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")


def locate(text: str) -> dict[Path, tuple[int, int]]:
    """The line and column, both from 1, of every key and list element; columns count characters.

    A table's place is its key in the first header or dotted key that names it; an element of an array of tables stands
    at its own header. ``text`` must be a document that tomllib reads.
    """
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    places: dict[Path, tuple[int, int]] = {}
    for path, offset in _Scanner(text).document():
        line = bisect_right(starts, offset)
        places.setdefault(path, (line, offset - starts[line - 1] + 1))
    return places


def headers(text: str) -> list[tuple[Path, int]]:
    """The path of each table's header and the offset of the line that it stands on, in the order of the text."""
    return list(_Scanner(text).headers())


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._counts: dict[Path, int] = {}
        """How many elements each array of tables has so far."""

    def document(self) -> Iterator[tuple[Path, int]]:
        """Every path with the offset at which it stands, in the order of the text."""
        table: Path = ()
        while self._skip(_GAP) < len(self.text):
            if self.text[self.at] == "[":
                table = yield from self._header()
            else:
                yield from self._pair(table)

    def headers(self) -> Iterator[tuple[Path, int]]:
        """The path that each header opens, with its line's offset."""
        table: Path = ()
        while self._skip(_GAP) < len(self.text):
            begin = self.text.rfind("\n", 0, self.at) + 1
            steps = self._header() if self.text[self.at] == "[" else self._pair(table)
            try:
                while True:
                    next(steps)
            except StopIteration as end:
                if end.value is not None:
                    table = end.value
                    yield table, begin

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
        """``[a.b]`` or ``[[a.b]]``; gives the path of the table that it opens."""
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

    def _pair(self, table: Path) -> Generator[tuple[Path, int], None, None]:
        """``a.b = value``"""
        path = table
        for name, begin in self._key():
            path = (*path, name)
            yield path, begin
        self.at += 1
        self._skip(_BLANK)
        yield from self._value(path)

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
            yield (*path, index), self.at
            yield from self._value((*path, index))
            index += 1
        self.at += 1

    def _inline_table(self, path: Path) -> Iterator[tuple[Path, int]]:
        self.at += 1
        while self.text[self._skip(_GAP)] != "}":
            if self.text[self.at] == ",":
                self.at += 1
                continue
            yield from self._pair(path)
        self.at += 1
