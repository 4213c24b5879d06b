"""One word of a shell script as it is read, and the places in it that are not known."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

MarkKind = Literal["unknown", "unset", "host"]
"""Not to be known; a variable that nobody set; or what a command says on this host."""


class Mark(Struct, frozen=True):
    """A place of a word that stands for what a shell would put in."""

    text: str
    """What stands in the profile."""
    message: str
    """What is to be told of it."""
    kind: MarkKind = "unknown"


class Word:
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
