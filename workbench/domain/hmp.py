"""The commands of the human monitor (HMP), as ``help`` tells of them, and how a line of it goes on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workbench.domain.candidates import Completion, matching
from workbench.domain.known import Kind, Known, Lookup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.candidates import Ask

_BEFORE = " -- "
"""Between a command's arguments and what it does (monitor/hmp.c, ``help_cmd_dump_one()``)."""
_NAME = re.compile(r"[A-Za-z][\w-]*")
_TOLD = {"", "info"}
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
            entries[-1] += f" {line.strip()}"
    found: dict[str, Known] = {}
    for entry in entries:
        line = entry.removeprefix(f"{below} ") if below else entry
        names, _, rest = line.partition(" ")
        arguments, _, does = f" {rest}".partition(_BEFORE)
        detail = _BEFORE.join(word for word in (arguments.strip(), does.strip()) if word)
        for name in names.split("|"):
            if _NAME.fullmatch(name):
                found[name] = Known(name, detail, "arguments" if arguments.strip() else "")
    return tuple(found.values())


def complete_hmp(head: str, start: int, ask: Ask) -> list[Completion]:
    """The ways to go on with a line for the human monitor: the names of commands, and of what ``info`` can show.

    :param head: the line up to the cursor.
    :param start: where it begins, behind the ``!``.
    """
    words = head[start:].split()
    word = words.pop() if words and not head[-1].isspace() else ""
    above = "" if words == ["help"] else " ".join(words)
    if above not in _TOLD:
        return []
    known: Sequence[Known] = ask(Lookup(Kind.HMP, above))
    named = {str(one.value): one for one in known}
    return [
        Completion(f"{name} " if named[name].type else name, len(head) - len(word), name, named[name].detail)
        for name in matching(named, word)
    ]
