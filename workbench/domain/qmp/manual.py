"""QEMU's manual page ``qemu-qmp-ref(7)``, as far as it tells of commands: roff from rst2man, read into paragraphs.

The page is made by docs/sphinx/qapidoc.py. Up to QEMU 9 a heading ``.SS \\fBballoon\\fP (Command)`` begins each command,
and headings such as ``.SS Arguments`` stand inside it. Since QEMU 10 each command is a term, ``.B Command balloon
(Since: 0.14)`` under ``.TP``, with terms such as ``.B Arguments`` inside it, whose members are a list.
"""

from __future__ import annotations

import re
from enum import StrEnum

from msgspec import Struct

_SUBJECT = re.compile(r"(\S+) \((Command|Event|Object|Enum|Alternate|Struct|Union|If)\b")
_TERM = re.compile(r"(?:Command|Event|Object|Enum|Alternate|Struct|Union) (\S+)(?: \((?:Since: ([^)]*))?[^)]*\))?$")
"""A subject of QEMU 10 and newer."""
_PARTS = frozenset({"Arguments", "Members", "Values", "Alternatives", "Features", "Return", "Returns", "Errors"})
"""Terms that are headings there."""
_GLUED = re.compile(r"(?<=\\fP)\.SS (?=\\fB)")
"""QEMU 5.2 ends no line behind an "If"."""
_MEMBER = re.compile(r"(\S+(?: \([^()]*\))?) --(?: (.+))?")
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


class Paragraph(Struct, frozen=True):
    shape: Shape
    text: str
    indent: int = 0
    """Columns."""


def read_manual(source: str) -> dict[str, tuple[Paragraph, ...]]:
    """What the page tells of each command, by its name; empty when it is another page."""
    found: dict[str, tuple[Paragraph, ...]] = {}
    name, reader = "", _Reader()
    before = ""
    for line in _GLUED.sub("\n.SS ", source).splitlines():
        subject = _subject(line, before)
        before = line
        if subject is not None or line.startswith(".SH") or (name and reader.left(line)):
            if name:
                found[name] = reader.finished()
            name, reader = subject or ("", _Reader())
        elif name:
            reader.take(line)
    if name:
        found[name] = reader.finished()
    return found


def _subject(line: str, before: str) -> tuple[str, _Reader] | None:
    """The command that begins with a line, without a name for a subject that is no command; None inside of one."""
    if line.startswith((".SS", ".SH")):
        match = _SUBJECT.match(plain(line[3:].strip().strip('"')))
        return None if match is None else (match[1] if match[2] == "Command" else "", _Reader())
    if before != ".TP" or not line.startswith(".B "):
        return None
    match = _TERM.match(plain(line[3:].strip().strip('"')))
    if match is None:
        return None
    return (match[1] if match[0].startswith("Command ") else "", _Reader(is_term=True, since=match[2] or ""))


def plain(text: str) -> str:
    """Text of roff without fonts and escapes."""
    return _ESCAPE.sub(lambda match: "" if match[0].startswith("\\f") else _ESCAPES.get(match[0], ""), text)


class _Reader:
    """Collects the paragraphs of one subject.

    :param is_term: as since QEMU 10: the subject is a term of a list, and ends with that list.
    """

    def __init__(self, *, is_term: bool = False, since: str = "") -> None:
        self._is_term = is_term
        self._since = since
        self._paragraphs: list[Paragraph] = []
        self._words: list[str] = []
        self._levels: list[int] = []
        self._indent = 0
        self._verbatim = False
        self._term_next = False
        self._bullet = ""

    def left(self, line: str) -> bool:
        """Whether a line ends the subject without beginning another."""
        return self._is_term and (line.startswith(".SS") or (line.startswith(".UNINDENT") and not self._levels))

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
        if self._since:
            self._paragraphs += [Paragraph(Shape.HEADING, "Since"), Paragraph(Shape.TEXT, self._since)]
            self._since = ""
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
            if rest.startswith('"'):
                self._paragraphs.append(Paragraph(Shape.HEADING, plain(rest.strip('"')).removesuffix(":")))
            else:
                self._bullet = f"{plain(rest.split()[0])} " if rest else ""
        elif name in ("nf", "EX"):
            self._verbatim = True
        elif name in ("fi", "EE"):
            self._verbatim = False

    def _term(self, line: str) -> None:
        if self._is_term and plain(line).strip() in _PARTS:
            self._paragraphs.append(Paragraph(Shape.HEADING, plain(line).strip()))
            self._term_next, self._indent = False, 0
            return
        self._paragraphs.append(Paragraph(Shape.TERM, plain(line).strip(), self._indent))
        self._term_next, self._indent = False, self._indent + 2 * STEP

    def _end(self) -> None:
        """A paragraph is over."""
        if self._words:
            text = " ".join(self._words)
            member = _MEMBER.fullmatch(text) if self._is_term and self._bullet else None
            if member is not None:
                self._paragraphs.append(Paragraph(Shape.TERM, member[1], self._indent))
                self._indent += 2 * STEP
                if member[2]:
                    self._paragraphs.append(Paragraph(Shape.TEXT, member[2], self._indent))
            else:
                self._paragraphs.append(Paragraph(Shape.TEXT, f"{self._bullet}{text}", self._indent))
            self._words, self._bullet = [], ""
