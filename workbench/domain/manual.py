"""QEMU's manual page ``qemu-qmp-ref(7)``, as far as it tells of commands: roff from rst2man, read into paragraphs.

The page is made by docs/sphinx/qapidoc.py: a heading ``.SS \\fBballoon\\fP (Command)`` begins each command, and headings
such as ``.SS Arguments`` stand inside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_SUBJECT = re.compile(r"(\S+) \((Command|Event|Object|Enum|Alternate|Struct|Union|If)\b")
_ESCAPES = {
    "\\-": "-", "\\(aq": "'", "\\(dq": '"', "\\(bu": "\N{BULLET}", "\\%": "", "\\&": "", "\\e": "\\",
    "\\(ga": "`", "\\(ha": "^", "\\(ti": "~", "\\(rs": "\\", "\\(lq": "\u201c", "\\(rq": "\u201d", "\\(em": "\u2014",
    "\\ ": " ", "\\(en": "\u2013", "\\'": "'", "\\`": "`",
}  # fmt: skip
_ESCAPE = re.compile(r"\\f[BIRP]|\\\(..|\\.")
STEP = 2
"""Columns of one level of indentation."""


class Shape(StrEnum):
    HEADING = "heading"
    TEXT = "text"
    """A paragraph, to be filled."""
    TERM = "term"
    """A name with its type, what follows explains it."""
    CODE = "code"
    """One line, as it stands."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    shape: Shape
    text: str
    indent: int = 0
    """Columns."""


def read_manual(source: str) -> dict[str, tuple[Paragraph, ...]]:
    """What the page tells of each command, by its name; empty when it is another page."""
    found: dict[str, tuple[Paragraph, ...]] = {}
    name, reader = "", _Reader()
    for line in source.splitlines():
        heading = plain(line[3:].strip().strip('"')) if line.startswith((".SS", ".SH")) else ""
        match = _SUBJECT.match(heading)
        if match is not None or line.startswith(".SH"):
            if name:
                found[name] = reader.finished()
            name, reader = (match[1] if match is not None and match[2] == "Command" else ""), _Reader()
        elif name:
            reader.take(line)
    if name:
        found[name] = reader.finished()
    return found


def plain(text: str) -> str:
    """Text of roff without fonts and escapes."""
    return _ESCAPE.sub(lambda match: "" if match[0].startswith("\\f") else _ESCAPES.get(match[0], ""), text)


class _Reader:
    """Collects the paragraphs of one subject."""

    def __init__(self) -> None:
        self._paragraphs: list[Paragraph] = []
        self._words: list[str] = []
        self._levels: list[int] = []
        self._indent = 0
        self._verbatim = False
        self._term_next = False
        self._bullet = ""

    def take(self, line: str) -> None:
        if line.startswith((".", "'")):
            self._request(line[1:].split(None, 1))
        elif self._verbatim:
            self._paragraphs.append(Paragraph(Shape.CODE, plain(line), self._indent + STEP))
        elif self._term_next:
            self._term(line)
        elif line.strip():
            self._words.append(plain(line).strip())
        else:
            self._end()

    def finished(self) -> tuple[Paragraph, ...]:
        self._end()
        return tuple(self._paragraphs)

    def _request(self, words: list[str]) -> None:
        name, rest = (words[0] if words else ""), (words[1] if len(words) > 1 else "")
        if name in ("B", "I") and self._term_next:
            self._term(rest)
            return
        if name in ("B", "I"):
            self._words.append(plain(rest))
            return
        self._end()
        if name in ("SS", "SH"):
            self._levels, self._indent = [], 0
            self._paragraphs.append(Paragraph(Shape.HEADING, plain(rest.strip('"'))))
        elif name == "INDENT":
            self._levels.append(self._indent)
        elif name == "UNINDENT":
            self._indent = self._levels.pop() if self._levels else 0
        elif name == "TP":
            self._term_next, self._indent = True, self._levels[-1] if self._levels else 0
        elif name == "IP":
            self._indent = self._levels[-1] if self._levels else 0
            self._bullet = f"{plain(rest.split()[0])} " if rest else ""
        elif name in ("nf", "EX"):
            self._verbatim = True
        elif name in ("fi", "EE"):
            self._verbatim = False

    def _term(self, line: str) -> None:
        self._paragraphs.append(Paragraph(Shape.TERM, plain(line).strip(), self._indent))
        self._term_next, self._indent = False, self._indent + 2 * STEP

    def _end(self) -> None:
        """A paragraph is over."""
        if self._words:
            text = " ".join(self._words)
            self._paragraphs.append(Paragraph(Shape.TEXT, f"{self._bullet}{text}", self._indent))
            self._words, self._bullet = [], ""
