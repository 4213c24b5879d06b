"""Expand the words of a shell script like a shell (POSIX.1-2017, XCU 2), without running anything.

Quotes are removed and variables expanded. What is unknown without running the script (a command's output, a variable from
elsewhere) leaves a mark in the word, which :meth:`Reader.known` turns back into its text: so blanks in it do not split
words, and only marks in QEMU's arguments are reported.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workbench.domain.convert.shell.arithmetic import arithmetic
from workbench.domain.convert.shell.word import Mark, MarkKind, Word

if TYPE_CHECKING:
    from collections.abc import Mapping

BLANKS = " \t\r\n"
_MARK = re.compile("\0(\\d+)\0")
"""A mark. Scripts cannot contain NUL."""
_PARAMETER = re.compile(
    r"(?P<length>#?)(?P<name>[A-Za-z_]\w*|\d+|[@*#?$!-])(?P<all>\[[@*]\]|\[0\])?"
    r"(?:(?P<how>:?[-=+?])(?P<word>.*)|(?P<case>,,|\^\^))?",
    re.DOTALL,
)
_NAMED = re.compile(r"\$\{?[A-Za-z_]")
_PLAIN = re.compile(r"\$([A-Za-z_]\w*|\d|[@*#?$!])")
_ITS_DIRECTORY = re.compile(r"(dirname|%/\*).*(\$0|\$\{0|BASH_SOURCE)|(\$\{0|BASH_SOURCE).*%/\*", re.DOTALL)
_WHICH = re.compile(r"[$`(\s]*(?:which|command -v|type -[pP])\s+([\w./-]+)[`)\s]*")


class Reader:
    """Reads words at an offset of a script and expands its variables."""

    def __init__(self, text: str, environment: Mapping[str, str], outputs: Mapping[str, str]) -> None:
        """
        :param outputs: the output of commands on this host.
        """
        self.outputs = outputs
        self.text = text.replace("\r\n", "\n").replace("\0", "")
        self.at = 0
        self.variables: dict[str, tuple[str, ...]] = {name: (value,) for name, value in environment.items()}
        self.positional: tuple[str, ...] = ()
        """The script's arguments: none unless it sets them itself."""
        self.used: set[str] = set()
        """The variables expanded since this was last cleared."""
        self._marks: list[Mark] = []

    def known(self, word: str, notes: list[str]) -> str:
        """The word with its marks turned back into text; their messages are added to ``notes``."""

        def text(mark: re.Match[str]) -> str:
            found = self._marks[int(mark[1])]
            if found.message not in notes:
                notes.append(found.message)
            return found.text

        return _MARK.sub(text, word)

    def nothing(self, word: str) -> str | None:
        """The text of a word that is only an unset variable, which a shell leaves out; otherwise None."""
        found = _MARK.fullmatch(word)
        mark = self._marks[int(found[1])] if found else None
        return mark.text if mark and mark.kind == "unset" and _NAMED.match(mark.text) else None

    def value(self, word: str) -> str | None:
        """The value of a word in a test, in which unset variables are empty; None if unknown."""
        marks = [self._marks[int(mark)] for mark in _MARK.findall(word)]
        if any(mark.kind == "unknown" for mark in marks):
            return None
        return _MARK.sub(lambda mark: found.text if (found := self._marks[int(mark[1])]).kind == "host" else "", word)

    def word(self, ends: str = f"{BLANKS};|&()<>") -> Word | None:
        """The next word; None for a single delimiter that is not an operator here."""
        text, start = self.text, self.at
        word = Word()
        while self.at < len(text):
            char = text[self.at]
            if char in ends:
                break
            if char == "'":
                end = text.find("'", self.at + 1)
                end = len(text) if end < 0 else end
                word.add(text[self.at + 1 : end])
                self.at = end + 1
            elif char == '"':
                self._double_quoted(word)
            elif text.startswith("\\\n", self.at):
                self.at += 2  # a line continuation
            elif char == "\\":
                word.add(text[self.at + 1 : self.at + 2])
                self.at += 2
            elif char in "$`":
                self._dollar(word, quoted=False)
            elif char == "~" and self.at == start and text[start + 1 : start + 2] in ("/", "") and self._home():
                word.add(self._home())
                self.at += 1
            else:
                word.add(char)
                self.at += 1
        if self.at == start:
            self.at += 1
            return None
        return word

    def _home(self) -> str:
        return next(iter(self.variables.get("HOME", ())), "")

    def _double_quoted(self, word: Word) -> None:
        text = self.text
        self.at += 1
        if not text.startswith(('"$', '"`'), self.at - 1):
            word.add("")  # quotes make an empty word, except around an empty array
        while self.at < len(text) and text[self.at] != '"':
            char = text[self.at]
            if text.startswith("\\\n", self.at):
                self.at += 2
            elif char == "\\" and text[self.at + 1 : self.at + 2] in ('"', "\\", "$", "`"):
                word.add(text[self.at + 1])
                self.at += 2
            elif char in "$`":
                self._dollar(word, quoted=True)
            else:
                word.add(char)
                self.at += 1
        self.at += 1

    def _dollar(self, word: Word, *, quoted: bool) -> None:
        """Expand ``$…`` or a command in backquotes."""
        text, start = self.text, self.at
        plain = _PLAIN.match(text, start)
        if plain is not None:
            self.at = plain.end()
            parameter = _PARAMETER.fullmatch(plain[1])
            assert parameter is not None
        elif text.startswith("${", start):
            self.at = closing(text, start + 1)
            parameter = _PARAMETER.fullmatch(text[start + 2 : self.at - 1])
        else:
            self._output(word)
            return
        whole = text[start : self.at]
        if parameter is None or parameter["length"]:
            self._unknown(word, whole)
        else:
            self._put(word, parameter, whole, quoted=quoted)

    def _put(self, word: Word, parameter: re.Match[str], whole: str, *, quoted: bool) -> None:
        """Add a parameter's value (XCU 2.6.2)."""
        values, how = self._values(parameter["name"]), parameter["how"] or ""
        other: tuple[str, ...] | None = None
        if how.endswith("+"):
            other = self._expanded(parameter["word"], quoted=quoted) if values else ("",)
        elif how.endswith(("-", "=")) and (values is None or (how[0] == ":" and not any(values))):
            other = self._expanded(parameter["word"], quoted=quoted)
            if how.endswith("="):
                self.variables[parameter["name"]] = (" ".join(other),)
        if other is not None:
            values = (" ".join(other),)
        if parameter["case"] and values:
            values = tuple(value.lower() if parameter["case"] == ",," else value.upper() for value in values)
        every = parameter["all"] in ("[@]", "[*]") or parameter["name"] in "@*"
        if values is None:
            if parameter["name"] == "PWD":
                self._unknown(word, whole)
                return
            why = "is an argument of the script" if parameter["name"].isdigit() else "is not set in the script"
            self._mark(word, whole, f"{whole} {why}: kept unchanged in the profile", kind="unset")
        elif every and quoted:
            word.add_all((" ".join(values),) if "*" in (parameter["all"] or parameter["name"]) else values)
        elif quoted:
            word.add(values[0] if values else "")
        elif other is not None and not parameter["case"] and other != ("",):
            word.add_all(other)
        else:
            for value in values if every else values[:1]:
                word.add_split(value if value.isspace() or not every else f"{value} ")

    def _values(self, name: str) -> tuple[str, ...] | None:
        if name in "@*":
            self.used.add("@")
            return self.positional
        if name == "#":
            return (str(len(self.positional)),)
        if name.isdigit() and 0 < int(name) <= len(self.positional):
            return (self.positional[int(name) - 1],)
        self.used.add(name)
        return self.variables.get(name)

    def _expanded(self, text: str, *, quoted: bool) -> tuple[str, ...]:
        """The words of a text after expansion, such as a default; quoted, it is one word and single quotes are literal."""
        if quoted:
            text = f'"{text.strip(chr(34))}"'
        self.text, before, at, self.at = text, self.text, self.at, 0
        words: list[str] = []
        while self.at < len(text):
            word = self.word(ends=BLANKS)
            words += word.words if word else []
        self.text, self.at = before, at
        return tuple(words) or ("",)

    def _output(self, word: Word) -> None:
        """Handle a command substitution, arithmetic, or a lone dollar."""
        text, start = self.text, self.at
        if text.startswith("$(", start):
            self.at = closing(text, start + 1)
        elif text[start] == "`":
            end = text.find("`", start + 1)
            self.at = len(text) if end < 0 else end + 1
        elif text.startswith("$'", start):
            end = text.find("'", start + 2)
            self.at = len(text) if end < 0 else end + 1
        else:
            self.at += 1
            word.add(text[start])
            return
        whole = text[start : self.at]
        if whole.startswith("$((") and (number := arithmetic(self._expanded_names(whole[3:-2]))) is not None:
            if any(f"$({command})" in whole for command in self.outputs):
                self._mark(word, str(number), f"{whole} is taken as {number}, as on this host", "host")
            else:
                word.add(str(number))
        else:
            self._unknown(word, whole)

    def _expanded_names(self, text: str) -> str:
        """An arithmetic expression with its variables, with or without a dollar, replaced by their values."""

        def value(name: re.Match[str]) -> str:
            return next(iter(self._values(name[1]) or ()), "?")

        for command, output in self.outputs.items():
            text = text.replace(f"$({command})", output)
        return re.sub(r"\$?\{?([A-Za-z_]\w*)\}?", value, text)

    def _unknown(self, word: Word, whole: str) -> None:
        """Handle a part that is unknown without running the script."""
        which = _WHICH.fullmatch(whole)
        if which is not None:
            word.add(which[1])
        elif (output := self.outputs.get(" ".join(whole.strip("$()`").split()))) is not None:
            self._mark(word, output, f"{whole} is taken as {output}, as on this host", "host")
        elif _ITS_DIRECTORY.search(whole) or whole.strip("$(){}` ") in ("pwd", "PWD"):
            self._mark(word, ".", f"{whole} is taken as the base of relative paths")
        else:
            why = "is unknown without running the script: kept unchanged in the profile"
            self._mark(word, whole, f"{whole} {why}")

    def _mark(self, word: Word, text: str, message: str, kind: MarkKind = "unknown") -> None:
        self._marks.append(Mark(text, message, kind))
        word.add(f"\0{len(self._marks) - 1}\0")


def closing(text: str, start: int) -> int:
    """The offset after the bracket that closes the one at ``start``, ignoring brackets in quotes."""
    pair = {"(": ")", "{": "}"}[text[start]]
    depth, index, quote = 0, start, ""
    while index < len(text):
        char = text[index]
        if char == "\\":
            index += 1
        elif char == "'" and not quote and pair == ")":
            end = text.find("'", index + 1)
            index = end if end > 0 else index
        elif char == '"':
            quote = "" if quote else char
        elif not quote or text[start] == "{":
            depth += (char == text[start]) - (char == pair)
            if depth == 0:
                return index + 1
        index += 1
    return len(text)
