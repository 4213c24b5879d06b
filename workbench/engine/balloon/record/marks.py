"""A guest's marks on disk: one JSON line each, bounded, in its state directory, for the next screen and the command line.

A mark that grows (a take-back that goes on) is written again with the same time and kind: the last line counts. A
size of 0 bytes withdraws it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from workbench.domain.balloon.history.marks import Mark, MarkKind, is_recorded
from workbench.engine.storage.bounded_lines import BoundedLines, newer_half

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from workbench.engine.state.directory import StateDirectory

FILE = "marks"
LIMIT = 64 << 10
"""Bytes at which the older half of the marks is dropped."""
KEPT = 500
"""Marks that are given at most, the newest."""


class MarksFile:
    """Reads and adds marks; what another workbench added meanwhile is seen too."""

    def __init__(self, directory: Path, file: str = FILE) -> None:
        """:param file: another name, as of those that are kept of a guest that ended."""
        self._lines = BoundedLines(directory / file, LIMIT, _newer)
        self._seen: tuple[int, int, int] | None = None
        """The stamp of the file as it was read."""
        self._marks: tuple[Mark, ...] = ()
        self._unwritten: tuple[Mark, ...] = ()
        """Marks that a full disk did not take: known to this workbench alone."""

    def load(self) -> tuple[Mark, ...]:
        """The marks, oldest first; a line that cannot be read is passed over."""
        seen = self._lines.stamp
        if seen != self._seen:
            self._marks, self._seen = parse_marks(self._lines.tail()), seen
        return _merged(self._marks, self._unwritten) if self._unwritten else self._marks

    def add(self, mark: Mark) -> None:
        """Keep a mark, unless the same event was told by somebody already."""
        if is_recorded(mark, self.load()):
            return
        # As the history, marks are a convenience: a full disk must not stop the screen, nor what the mark is about.
        try:
            self._lines.append(msgspec.json.encode(mark))
        except OSError:
            self._unwritten = _merged(self._unwritten, (mark,))

    def follow(self, other: MarksFile) -> None:
        """Know what a full disk did not take of another's marks of the same guest."""
        self._unwritten = _merged(self._unwritten, other._unwritten)


def kept_marks(state: StateDirectory, name: str) -> MarksFile:
    """The marks of a guest's last run, when it does not run now."""
    path = state.kept_log(name, FILE)
    return MarksFile(path.parent, path.name)


def _newer(lines: list[bytes]) -> list[bytes]:
    """The newer half of the marks, each of them once."""
    return newer_half([msgspec.json.encode(mark) for mark in parse_marks(lines)])


def parse_marks(lines: Iterable[bytes]) -> tuple[Mark, ...]:
    """Marks from their lines, oldest first."""
    marks = []
    for line in filter(None, lines):
        with suppress(ValueError):  # msgspec.DecodeError is one; so is a line that is no UTF-8
            marks.append(msgspec.json.decode(line, type=Mark))
    return _merged((), marks)


def _merged(old: Iterable[Mark], new: Iterable[Mark]) -> tuple[Mark, ...]:
    """Both by time; of the same time and kind the last counts."""
    by_event = {(mark.time, mark.kind): mark for mark in (*old, *new)}
    told = (mark for mark in by_event.values() if mark.kind is not MarkKind.TAKE_BACK or mark.size)
    return tuple(sorted(told, key=lambda mark: mark.time))[-KEPT:]
