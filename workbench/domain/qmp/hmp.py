"""The commands of the human monitor (HMP), parsed from the output of ``help``."""

from __future__ import annotations

import re

from msgspec import Struct

from workbench.domain.qmp.lookups import Known

ARGUMENTS_END = " -- "
"""Separates a command's arguments from its description (monitor/hmp.c, ``help_cmd_dump_one()``)."""
_NAME = re.compile(r"[A-Za-z][\w-]*")
_BEHIND_A_COMMA = re.compile(r"\[,[^\]]*\]")
_OPTION = re.compile(r"\[(-\w)\s+([^\]\[]*)\]|(?<![\w-])(-\w)\b")
GROUPS = ("", "info")
"""Commands whose subcommands ``help`` lists; the empty one is the line itself."""


def parse_help(text: str, below: str = "") -> tuple[Known, ...]:
    """The commands in the output of ``help``, with their arguments and descriptions.

    :param below: ``info`` for the output of ``help info``, whose lines all start with it.
    """
    entries: list[str] = []
    for line in text.replace("\r", "").splitlines():
        if _NAME.match(line):
            entries.append(line)
        elif line.strip() and entries:  # a continued description or argument list
            entries[-1] += f"\n{line.strip()}"
    found: dict[str, Known] = {}
    for entry in entries:
        line = entry.removeprefix(f"{below} ") if below else entry
        names, _, rest = line.partition(" ")
        arguments, _, does = f" {rest}".partition(ARGUMENTS_END)
        for name in names.split("|"):
            if _NAME.fullmatch(name):
                found[name] = Known(name, does.strip(), arguments=arguments.strip())
    return tuple(found.values())


def split_line(line: str) -> tuple[str, list[str], str]:
    """Split a line into the command's name, its finished words, and the word being typed.

    The name of an ``info`` command has two words; ``help`` is followed by a name.
    """
    words = line.split()
    word = words.pop() if words and not line[-1].isspace() else ""
    if words == ["help"]:
        return "", [], word
    length = 2 if words[:1] == ["info"] and len(words) > 1 else 1
    return " ".join(words[:length]), words[length:], word


def command_of(line: str) -> str:
    """The command of a line: ``info block``, ``device_del``; ``NAME`` for ``help NAME``; empty when there is none."""
    words = line.split()
    if words[:1] == ["help"] and len(words) > 1:
        words = words[1:]
    return " ".join(words[: 2 if words[:1] == ["info"] else 1])


class Usage(Struct, frozen=True):
    """The options and operands of a command, according to its help."""

    options: tuple[str, ...]
    """Such as ``-f``."""
    valued: frozenset[str]
    """Options that take a value."""
    operands: tuple[str, ...]
    """Names of the operands, in order; a choice such as ``on|off`` is kept as it is."""


def usage_of(known: Known) -> Usage:
    """Parse the arguments of a command: ``[-f] device [format]``."""
    arguments = known.arguments.removeprefix(f"{known.value} ")
    found = [(match[1] or match[3], bool(match[1])) for match in _OPTION.finditer(arguments)]
    rest = _OPTION.sub(" ", _BEHIND_A_COMMA.sub("", arguments)).replace("[", " ").replace("]", " ")
    return Usage(
        tuple(dict.fromkeys(option for option, _ in found)),
        frozenset(option for option, valued in found if valued),
        tuple(word.strip("|").partition(",")[0] for word in rest.split() if word.strip("|")),
    )
