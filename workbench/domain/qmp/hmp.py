"""The commands of the human monitor (HMP), as ``help`` tells of them."""

from __future__ import annotations

import re

from msgspec import Struct

from workbench.domain.qmp.lookups import Known

ARGUMENTS_END = " -- "
"""Between a command's arguments and what it does (monitor/hmp.c, ``help_cmd_dump_one()``)."""
_NAME = re.compile(r"[A-Za-z][\w-]*")
_BEHIND_A_COMMA = re.compile(r"\[,[^\]]*\]")
_OPTION = re.compile(r"\[(-\w)\s+([^\]\[]*)\]|(?<![\w-])(-\w)\b")
TOLD = ("", "info")
"""Commands below which ``help`` tells of more; the empty one is the line itself."""


def parse_help(text: str, below: str = "") -> tuple[Known, ...]:
    """The commands in an answer of ``help``, with their arguments and what they do.

    :param below: ``info`` for the answer of ``help info``, whose lines all begin with that.
    """
    entries: list[str] = []
    for line in text.replace("\r", "").splitlines():
        if _NAME.match(line):
            entries.append(line)
        elif line.strip() and entries:  # an explanation, or arguments, of more than one line
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
    """A line in three: the name of its command, the words behind it that are finished, and the one at its end.

    What is behind ``info`` belongs to the name; ``help`` asks for names.
    """
    words = line.split()
    word = words.pop() if words and not line[-1].isspace() else ""
    if words == ["help"]:
        return "", [], word
    taken = 2 if words[:1] == ["info"] and len(words) > 1 else 1
    return " ".join(words[:taken]), words[taken:], word


def command_of(line: str) -> str:
    """The command that a line is about: ``info block``, ``device_del``; for ``help NAME`` that name. Empty for none."""
    words = line.split()
    if words[:1] == ["help"] and len(words) > 1:
        words = words[1:]
    return " ".join(words[: 2 if words[:1] == ["info"] else 1])


class Usage(Struct, frozen=True):
    """What a command takes, as its help says."""

    options: tuple[str, ...]
    """Such as ``-f``."""
    valued: frozenset[str]
    """Those that a word of their own belongs to."""
    operands: tuple[str, ...]
    """Names of what else is given, in order; those of a choice, ``on|off``, as they are."""


def usage_of(known: Known) -> Usage:
    """Read the arguments of a command: ``[-f] device [format]``."""
    arguments = known.arguments.removeprefix(f"{known.value} ")
    found = [(match[1] or match[3], bool(match[1])) for match in _OPTION.finditer(arguments)]
    rest = _OPTION.sub(" ", _BEHIND_A_COMMA.sub("", arguments)).replace("[", " ").replace("]", " ")
    return Usage(
        tuple(dict.fromkeys(option for option, _ in found)),
        frozenset(option for option, valued in found if valued),
        tuple(word.strip("|").partition(",")[0] for word in rest.split() if word.strip("|")),
    )
