"""The words of a shell script that starts QEMU, as a shell would make them (POSIX.1-2017, XCU 2), without running any.

Continued lines, quotes, comments, variables and arrays that the script itself sets to plain words are understood. What
cannot be known without running it (a command's output, a variable of somebody else's, arithmetic) is told, and left in
the text as it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROGRAM = re.compile(r"(?:.*/)?(?:qemu-system-[a-z0-9_]+|qemu-kvm|kvm|qemu)\Z")
"""What starts QEMU, as distributions name it."""

_VARIABLE = re.compile(
    r"\$(?:\{(?P<braced>[A-Za-z_]\w*)(?P<all>\[[@*]\])?(?::-(?P<default>[^{}$`]*))?\}|(?P<plain>[A-Za-z_]\w*))"
)
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)(?P<more>\+?)=")
_OPERATORS = ("&&", "||", ";;", "|&", "&", ";", "|", "\n", "(", ")")
_REDIRECTION = re.compile(r"\d*(?:>>|>\||>&|<&|&>>|&>|<<<|<<|<>|>|<)")


@dataclass(slots=True)
class Script:
    """What was found in a script."""

    argv: tuple[str, ...] = ()
    """QEMU's program and its arguments; empty when no command starts QEMU."""
    notes: list[str] = field(default_factory=list)
    """What was left out or could not be known, in words."""


class _Word:
    """One word as it is read; an unquoted variable in it may make several of it, or none."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._open = False
        """Whether the last of them may still grow."""

    @property
    def text(self) -> str:
        """As one text, where a shell does not split."""
        return " ".join(self.words)

    def add(self, text: str) -> None:
        """What stands there, or stands in quotes."""
        if self._open:
            self.words[-1] += text
        else:
            self.words.append(text)
            self._open = True

    def add_split(self, value: str) -> None:
        """What an unquoted variable holds: blanks in it end words (XCU 2.6.5)."""
        if value[:1].isspace():
            self._open = False
        for index, part in enumerate(value.split()):
            if index:
                self._open = False
            self.add(part)
        if value[-1:].isspace():
            self._open = False

    def add_all(self, values: tuple[str, ...]) -> None:
        """Every element of an array in quotes, each a word."""
        for index, value in enumerate(values):
            if index:
                self._open = False
            self.add(value)


class _Reader:
    """Reads a script once, from its start to its end."""

    def __init__(self, text: str, environment: Mapping[str, str]) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._variables: dict[str, tuple[str, ...]] = {name: (value,) for name, value in environment.items()}
        self.notes: list[str] = []

    def commands(self) -> Iterator[list[str]]:
        """The words of each simple command; assignments are taken in on the way."""
        words: list[str] = []
        while self._at < len(self._text):
            if self._operator():
                if words:
                    yield words
                words = []
            elif self._redirection() or (not words and self._assignment()):
                continue
            else:
                word = self._word()
                if word is not None:
                    words += word.words
        if words:
            yield words

    def _operator(self) -> bool:
        """Step over blanks, a comment, or what ends a command; whether a command ended."""
        text = self._text
        while self._at < len(text) and (text[self._at] in " \t\r" or text.startswith("\\\n", self._at)):
            self._at += 2 if text[self._at] == "\\" else 1
        if text.startswith("#", self._at):
            end = text.find("\n", self._at)
            self._at = len(text) if end < 0 else end
        for operator in _OPERATORS:
            if text.startswith(operator, self._at) and not text.startswith("&>", self._at):
                self._at += len(operator)
                if operator == "&":
                    self._note("& (in the background): the workbench always starts guests so")
                return True
        return self._at >= len(text)

    def _redirection(self) -> bool:
        match = _REDIRECTION.match(self._text, self._at)
        if match is None:
            return False
        self._at = match.end()
        while self._at < len(self._text) and self._text[self._at] in " \t":
            self._at += 1
        target = self._word()
        self._note(f"the redirection {match[0]}{target.text if target else ''}: QEMU's output is kept in qemu.log")
        return True

    def _assignment(self) -> bool:
        match = _ASSIGNMENT.match(self._text, self._at)
        if match is None:
            return False
        self._at = match.end()
        values: tuple[str, ...]
        if self._text.startswith("(", self._at):
            self._at += 1
            values = self._array()
        else:
            word = self._word()
            values = (word.text,) if word else ("",)
            if match["more"] and len(self._variables.get(match["name"], ())) == 1:
                values = (self._variables[match["name"]][0] + values[0],)
                match = _ASSIGNMENT.match(f"{match['name']}=")
                assert match is not None
        before = self._variables.get(match["name"], ()) if match["more"] else ()
        self._variables[match["name"]] = (*before, *values)
        return True

    def _array(self) -> tuple[str, ...]:
        values: list[str] = []
        while self._at < len(self._text):
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._text.startswith("\\\n", self._at):
                self._at += 2
                continue
            if self._text.startswith("#", self._at):
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
                continue
            if self._text.startswith(")", self._at):
                self._at += 1
                break
            word = self._word()
            if word is None:
                break
            values += word.words
        return tuple(values)

    def _word(self) -> _Word | None:
        """The next word, quotes taken away and variables put in."""
        text, start = self._text, self._at
        word = _Word()
        while self._at < len(text):
            char = text[self._at]
            if char in " \t\r\n;|&()<>":
                break
            if char == "'":
                end = text.find("'", self._at + 1)
                end = len(text) if end < 0 else end
                word.add(text[self._at + 1 : end])
                self._at = end + 1
            elif char == '"':
                self._double_quoted(word)
            elif text.startswith("\\\n", self._at):
                self._at += 2  # the line goes on
            elif char == "\\":
                word.add(text[self._at + 1 : self._at + 2])
                self._at += 2
            elif char in "$`":
                self._dollar(word, quoted=False)
            else:
                word.add(char)
                self._at += 1
        if self._at == start:
            self._at += 1  # a lone character that ends words and is no operator here
            return None
        return word

    def _double_quoted(self, word: _Word) -> None:
        text = self._text
        self._at += 1
        if not text.startswith(('"$', '"`'), self._at - 1):
            word.add("")  # quotes make a word of nothing; but an array in them may be empty
        while self._at < len(text) and text[self._at] != '"':
            char = text[self._at]
            if text.startswith("\\\n", self._at):
                self._at += 2
            elif char == "\\" and text[self._at + 1 : self._at + 2] in ('"', "\\", "$", "`"):
                word.add(text[self._at + 1])
                self._at += 2
            elif char in "$`":
                self._dollar(word, quoted=True)
            else:
                word.add(char)
                self._at += 1
        self._at += 1

    def _dollar(self, word: _Word, *, quoted: bool) -> None:
        """What stands for ``$…`` or a command in backquotes."""
        match = _VARIABLE.match(self._text, self._at)
        if match is None:
            word.add(self._unknown())
            return
        self._at = match.end()
        name = match["braced"] or match["plain"]
        values = self._variables.get(name)
        if values is None and match["default"] is not None:
            values = (match["default"],)
        if values is None:
            self._note(f"{match[0]} is not set in the script: it stands in the profile as it is")
            word.add(match[0])
        elif match["all"] and quoted:
            word.add_all(values)
        elif quoted:
            word.add(values[0] if values else "")
        else:
            for value in values if match["all"] else values[:1]:
                word.add_split(value if value.isspace() or not match["all"] else f"{value} ")

    def _unknown(self) -> str:
        """A command's output, arithmetic, or a lone dollar, as it stands."""
        text, start = self._text, self._at
        if text.startswith("$(", start):
            self._at = _closing(text, start + 1, "(", ")")
        elif text.startswith("${", start):
            self._at = _closing(text, start + 1, "{", "}")
        elif text[start] == "`":
            end = text.find("`", start + 1)
            self._at = len(text) if end < 0 else end + 1
        elif text.startswith("$'", start):
            end = text.find("'", start + 2)
            self._at = len(text) if end < 0 else end + 1
        else:
            self._at += 1
            return text[start]
        found = text[start : self._at]
        self._note(f"{found} cannot be known without running the script: it stands in the profile as it is")
        return found

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def read_script(text: str, environment: Mapping[str, str] | None = None) -> Script:
    """The first command of a script that starts QEMU.

    :param environment: variables that are set before the script begins.
    """
    reader = _Reader(text, environment or {})
    found: list[str] = []
    others = 0
    for words in reader.commands():
        start = next((index for index, word in enumerate(words) if PROGRAM.match(word)), None)
        if start is None:
            continue
        if found:
            others += 1
            continue
        found = words[start:]
        if start:
            reader.notes.append(f"{' '.join(words[:start])} in front of QEMU: a profile starts QEMU itself")
    if others:
        reader.notes.append(f"the script starts QEMU {others} more times: only the first one was taken")
    return Script(tuple(found), reader.notes)


def _closing(text: str, start: int, opening: str, closing: str) -> int:
    """Past the bracket that closes the one at ``start``."""
    depth = 0
    for index in range(start, len(text)):
        depth += (text[index] == opening) - (text[index] == closing)
        if depth == 0:
            return index + 1
    return len(text)
