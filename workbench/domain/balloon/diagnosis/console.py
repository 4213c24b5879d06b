"""What a guest's serial console shows of its boot."""

from __future__ import annotations

import re

from msgspec import Struct

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[^\[])|[^\x09\x0a\x20-\x7e]")
_PROMPT = re.compile(r"(?:\blogin:|[#$])$")


class Console(Struct, frozen=True):
    """The end of the console's output."""

    at: float
    """Unix time of the last output."""
    line: str
    """The last line with text, without control characters."""

    @property
    def prompts(self) -> bool:
        """Whether it waits for input: a login or a shell. The guest has booted then."""
        return _PROMPT.search(self.line) is not None


def console_of(tail: str, at: float) -> Console | None:
    """The console with this output last; None if it shows no text.

    :param at: Unix time of the last output.
    """
    lines = [line.strip() for line in _ESCAPES.sub("", tail.replace("\r", "\n")).split("\n")]
    return next((Console(at, line) for line in reversed(lines) if line), None)
