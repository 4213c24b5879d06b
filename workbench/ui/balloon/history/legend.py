"""The legend below the plot: its lines and letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from workbench.ui.balloon.history.marks import explained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.balloon.history.marks import MarkKind

FULL = ("target", "actual", "host resident", "available")
SHORT = ("target", "actual", "host", "avail")
GAP = "  "


class Part(NamedTuple):
    text: str
    style: str
    """The name of one of the plot's colours; empty for none."""


def legend(names: Sequence[str], marks: Sequence[MarkKind], width: int, indent: int) -> list[Part]:
    """The lines, in full words unless short ones leave room for more letters, and the letters, the most important first.

    :param names: of the lines' colours.
    :param marks: shown in the plot.
    :param indent: columns in front of it, fewer where room is short.
    """
    full, short = _lines(names, FULL, "\u2501\u2501 ", indent), _lines(names, SHORT, "\u2501 ", 0)
    more = _letters(marks, width - _width(full))
    other = _letters(marks, width - _width(short))
    if _width(full) <= width + len(GAP) and len(more) == len(other):
        return [*full, *more]
    left = width - _width([*short, *other])
    return [Part(" " * max(0, min(indent, left)), ""), *short, *other]


def _lines(names: Sequence[str], words: Sequence[str], line: str, indent: int) -> list[Part]:
    parts = [Part(" " * indent, "")]
    for name, word in zip(names, words, strict=True):
        parts += [Part(line, name), Part(word + GAP, "axis")]
    return parts


def _letters(marks: Sequence[MarkKind], room: int) -> list[Part]:
    """As many letters as there is room for."""
    parts: list[Part] = []
    for letter, meaning, style in explained(marks):
        more = [Part(f" {letter}", style), Part(f" {meaning}", "axis")]
        room -= _width(more)
        if room < 0:
            break
        parts += more
    return parts


def _width(parts: Sequence[Part]) -> int:
    return sum(len(part.text) for part in parts)
