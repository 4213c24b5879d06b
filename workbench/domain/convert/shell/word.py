"""A word of a shell script while it is being read, and the unknown parts in it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

MarkKind = Literal["unknown", "unset", "host"]
"""Unknown; an unset variable; or the output of a command on this host."""


class Mark(Struct, frozen=True):
    """A part of a word that a shell would expand."""

    text: str
    """The text for the profile."""
    message: str
    """The note for the user."""
    kind: MarkKind = "unknown"


class Word:
    """One word while it is being read; an unquoted variable in it may turn it into several, or none."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._open = False
        """Whether the last one may still grow."""

    @property
    def text(self) -> str:
        """The word as one text, where a shell does not split."""
        return " ".join(self.words)

    def add(self, text: str) -> None:
        """Add literal or quoted text."""
        if self._open:
            self.words[-1] += text
        else:
            self.words.append(text)
            self._open = True

    def add_split(self, value: str) -> None:
        """Add the value of an unquoted variable, split at blanks (XCU 2.6.5)."""
        if value[:1].isspace():
            self._open = False
        for index, part in enumerate(value.split()):
            if index:
                self._open = False
            self.add(part)
        if value[-1:].isspace():
            self._open = False

    def add_all(self, values: tuple[str, ...]) -> None:
        """Add the elements of a quoted array, each as a word."""
        for index, value in enumerate(values):
            if index:
                self._open = False
            self.add(value)
