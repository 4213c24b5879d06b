"""Find the command in a shell script that starts QEMU, without running anything.

It understands line continuations, quotes, comments, here-documents, variables, arrays, branches with a known condition,
``case``, and loops over words. What is assumed, left out or unknown is reported.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct, field

from workbench.domain.command_line.options import ALONE, split_options
from workbench.domain.convert.shell.control_flow import Flow
from workbench.domain.convert.shell.qemu_commands import asks, inner_script, start_of
from workbench.domain.convert.shell.words import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)(?P<more>\+?)=")
_DECLARING = ("export", "declare", "local", "readonly", "typeset")
_OPERATORS = ("&&", "||", ";;&", ";;", ";&", "|&", "&", ";", "|", "\n", "(", ")")
_REDIRECTION = re.compile(r"\d*(?:>>|>\||>&|<&|&>>|&>|<<<|<<-|<<|<>|>|<)")


class Script(Struct):
    """The result of reading a script."""

    argv: tuple[str, ...] = ()
    """The QEMU executable and its arguments; empty if no command starts QEMU."""
    notes: list[str] = field(default_factory=list)
    """What was left out or is unknown, for the user."""


class _Command(Struct):
    """A simple command while it is being read."""

    words: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    assigns: bool = False
    used: set[str] = field(default_factory=set)
    """The variables in its words."""
    inner: tuple[int, str] | None = None
    """The index and text of an argument that is itself a script."""
    variables: dict[str, str] = field(default_factory=dict)
    """The variables of this script that the inner one sees."""

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


class _Interpreter:
    """Reads a script once from start to end; loops over words are run once for each word."""

    def __init__(self, text: str, environment: Mapping[str, str], outputs: Mapping[str, str]) -> None:
        self.reader = Reader(text, environment, outputs)
        self._sources: dict[str, set[str]] = {}
        """Variable -> the variables in its value."""
        self.flow = Flow(self.reader)
        self.found: list[_Command] = []
        """The commands that start QEMU and run, as far as known."""
        self.others: list[_Command] = []
        """The commands that start QEMU in branches that are not taken."""
        self._documents: list[tuple[str, bool]] = []
        """Here-documents that begin after this line: their delimiter, and whether leading tabs are stripped."""
        self._loose: list[str] = []
        """Options on lines of their own after QEMU's command."""

    def run(self) -> None:
        command = _Command()
        steps = 0
        while steps < 100_000:  # a limit for nested loops
            steps += 1
            end = self._end()
            if end is not None:
                command.used = self.reader.used
                self._ended(command, end)
                self.reader.used = set()
                command = _Command()
                if not end:
                    break
            elif self._redirection(command) or (self._may_assign(command) and self._assignment(command)):
                continue
            else:
                self._next_word(command)

    def _next_word(self, command: _Command) -> None:
        reader = self.reader
        arguments = re.compile(r'"?\$(?:[@*]|\{[@*](?::[^}]*)?\})').match(reader.text, reader.at)
        if arguments and not reader.positional:
            command.note(f"{arguments[0].strip(chr(34))}: the script's arguments are left out")
        word = reader.word()
        if word is not None:
            command.words += word.words
            if self.flow.word(command.words):
                command.words.clear()

    def _may_assign(self, command: _Command) -> bool:
        return not command.words or command.words[0] in _DECLARING

    def _ended(self, command: _Command, end: str) -> None:
        words = command.words
        live = self.flow.live
        if words and live and words[:2] == ["set", "--"]:
            self.reader.positional = tuple(words[2:])
            self._sources.setdefault("@", set()).update(command.used)
        if len(words) > 2 and words[0] == "for":
            self._sources.setdefault(words[1], set()).update(command.used)
        self.flow.command(words, end, empty=not words and not command.assigns)
        if words and words[0].startswith("-") and self.found and live:
            self._loose.append(" ".join(words))
        command.inner = inner_script(words, self.reader)
        if words[:1] == ["eval"]:
            command.variables = {name: values[0] for name, values in self.reader.variables.items() if values}
        start = start_of(words, self.reader)
        if start is not None or command.inner is not None:
            if end == "&":
                command.note("&: the workbench always starts guests in the background")
            elif end in ("|", "|&"):
                command.note("the pipe after QEMU: QEMU's output goes to qemu.log")
            (self.found if live else self.others).append(command)

    def _end(self) -> str | None:
        """Skip blanks and comments; returns the operator that ends a command, empty at the end of the script, or None."""
        reader, text = self.reader, self.reader.text
        while reader.at < len(text) and (text[reader.at] in " \t\r" or text.startswith("\\\n", reader.at)):
            reader.at += 2 if text[reader.at] == "\\" else 1
        if text.startswith("#", reader.at):
            end = text.find("\n", reader.at)
            reader.at = len(text) if end < 0 else end
        for operator in _OPERATORS:
            if text.startswith(operator, reader.at) and not text.startswith("&>", reader.at):
                reader.at += len(operator)
                if operator == "\n":
                    self._skip_documents()
                return operator
        return "" if reader.at >= len(text) else None

    def _skip_documents(self) -> None:
        reader = self.reader
        for ending, tabs in self._documents:
            while reader.at < len(reader.text):
                line, _, _ = reader.text[reader.at :].partition("\n")
                reader.at += len(line) + 1
                if (line.lstrip("\t") if tabs else line) == ending:
                    break
        self._documents.clear()

    def _redirection(self, command: _Command) -> bool:
        reader = self.reader
        match = _REDIRECTION.match(reader.text, reader.at)
        if match is None:
            return False
        reader.at = match.end()
        while reader.at < len(reader.text) and reader.text[reader.at] in " \t":
            reader.at += 1
        target = reader.word()
        words = target.text if target else ""
        if match[0] in ("<<", "<<-"):  # not <<<, whose word is the text itself
            self._documents.append((words, match[0].endswith("-")))
        command.note(f"the redirection {match[0]}{reader.known(words, [])}: QEMU's output goes to qemu.log")
        return True

    def _assignment(self, command: _Command) -> bool:
        reader = self.reader
        match = _ASSIGNMENT.match(reader.text, reader.at)
        if match is None:
            return False
        reader.at = match.end()
        command.assigns = True
        of_command, reader.used = reader.used, set()
        name, before = match["name"], reader.variables.get(match["name"], ())
        values: tuple[str, ...]
        if reader.text.startswith("(", reader.at):
            reader.at += 1
            values = self._array()
            values = (*before, *values) if match["more"] else values
        else:
            word = reader.word() if reader.text[reader.at : reader.at + 1] not in ("", *" \t\n;&|)") else None
            values = (word.text,) if word else ("",)
            if match["more"] and before:
                values = (before[0] + values[0], *before[1:])
        if self.flow.sets(name):
            reader.variables[name] = values
        self._sources.setdefault(name, set()).update(reader.used)
        reader.used = of_command
        return True

    def _behind(self, command: _Command) -> set[str]:
        """The variables in a command's words, and those in their values."""
        found: set[str] = set()
        waiting = list(command.used)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._sources.get(name, ())
        return found

    def _array(self) -> tuple[str, ...]:
        reader, text = self.reader, self.reader.text
        values: list[str] = []
        while reader.at < len(text):
            while reader.at < len(text) and text[reader.at] in " \t\r\n":
                reader.at += 1
            if text.startswith("\\\n", reader.at):
                reader.at += 2
                continue
            if text.startswith("#", reader.at):
                end = text.find("\n", reader.at)
                reader.at = len(text) if end < 0 else end
                continue
            if text.startswith(")", reader.at):
                reader.at += 1
                break
            word = reader.word()
            if word is None:
                break
            values += word.words
        return tuple(values)

    def notes(self, command: _Command) -> list[str]:
        """Notes about the script, except for its unknown words."""
        found = [*command.notes, *self.flow.notes(self._behind(command))]
        found += [
            f"{words}: not part of QEMU's command, which ends before it at a comment or a line end"
            for words in self._loose
        ]
        more = sum(not asks(one.words) for one in (*self.found, *self.others) if one is not command)
        if more:
            found.append(f"the script starts QEMU {more} more times: only the first command that runs is imported")
        return found


def read_script(
    text: str, environment: Mapping[str, str] | None = None, outputs: Mapping[str, str] | None = None
) -> Script:
    """Find the first command of a script that starts QEMU.

    :param environment: variables that are set before the script starts.
    :param outputs: the output of commands such as ``nproc`` on this host.
    """
    interpreter = _Interpreter(text, environment or {}, outputs or {})
    interpreter.run()
    commands = interpreter.found or interpreter.others
    if not commands:
        return Script()
    reader = interpreter.reader
    command = next((one for one in commands if not asks(one.words)), commands[0])
    if command.inner is not None:
        start, text = command.inner
        inside = read_script(text, {**(environment or {}), **command.variables}, outputs)
        return Script(inside.argv, [*inside.notes, *interpreter.notes(command), *_in_front(command, start, reader)])
    start = start_of(command.words, reader) or 0
    notes: list[str] = []
    argv = [reader.known(command.words[start], notes)]
    for word in command.words[start + 1 :]:
        empty = None if _wants_value(argv) else reader.nothing(word)
        if empty is None:
            argv.append(reader.known(word, notes))
        else:
            notes.append(f"{empty} is not set in the script: left out")
    notes += [*interpreter.notes(command), *_in_front(command, start, reader)]
    return Script(tuple(argv), notes)


def _in_front(command: _Command, start: int, reader: Reader) -> Iterator[str]:
    before = " ".join(reader.known(word, []) for word in command.words[:start])
    if before:
        yield f"{before} before QEMU: left out, the workbench starts QEMU directly"


def _wants_value(argv: list[str]) -> bool:
    """Whether the last word is an option that needs a value."""
    options = list(split_options(argv[1:]))
    return bool(options) and options[-1].value is None and options[-1].name not in ALONE
