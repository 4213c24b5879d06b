"""A guest's marks on disk, in its state directory: one JSON line each, bounded in size.

A mark that grows (an ongoing take-back) is written again with the same time and kind: the last line counts. A size of
0 bytes withdraws it.
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
"""Maximum number of marks returned, newest first."""


class MarksFile:
    """Reads and adds marks, including those added by other workbenches."""

    def __init__(self, directory: Path, file: str = FILE) -> None:
        """:param file: another name, such as that of the kept marks of an ended guest."""
        self._lines = BoundedLines(directory / file, LIMIT, _newer)
        self._seen: tuple[int, int, int] | None = None
        """The stamp of the file when last read."""
        self._marks: tuple[Mark, ...] = ()
        self._unwritten: tuple[Mark, ...] = ()
        """Marks that could not be written to a full disk: known only to this workbench."""

    def load(self) -> tuple[Mark, ...]:
        """The marks, oldest first; invalid lines are skipped."""
        seen = self._lines.stamp
        if seen != self._seen:
            self._marks, self._seen = parse_marks(self._lines.tail()), seen
        return _merged(self._marks, self._unwritten) if self._unwritten else self._marks

    def add(self, mark: Mark) -> None:
        """Add a mark, unless the same event is already marked."""
        if is_recorded(mark, self.load()):
            return
        # Like the history, marks are a convenience: a full disk must not stop the screen, nor the action that is marked.
        try:
            self._lines.append(msgspec.json.encode(mark))
        except OSError:
            self._unwritten = _merged(self._unwritten, (mark,))

    def follow(self, other: MarksFile) -> None:
        """Take over the unwritten marks of another instance for the same guest."""
        self._unwritten = _merged(self._unwritten, other._unwritten)


def kept_marks(state: StateDirectory, name: str) -> MarksFile:
    """The marks of the last run of a guest that is not running."""
    path = state.kept_log(name, FILE)
    return MarksFile(path.parent, path.name)


def _newer(lines: list[bytes]) -> list[bytes]:
    """The newer half of the marks, without duplicates."""
    return newer_half([msgspec.json.encode(mark) for mark in parse_marks(lines)])


def parse_marks(lines: Iterable[bytes]) -> tuple[Mark, ...]:
    """Marks from their lines, oldest first."""
    marks = []
    for line in filter(None, lines):
        with suppress(ValueError):  # includes msgspec.DecodeError and invalid UTF-8
            marks.append(msgspec.json.decode(line, type=Mark))
    return _merged((), marks)


def _merged(old: Iterable[Mark], new: Iterable[Mark]) -> tuple[Mark, ...]:
    """Both, by time; of marks with the same time and kind the last counts."""
    by_event = {(mark.time, mark.kind): mark for mark in (*old, *new)}
    kept = (mark for mark in by_event.values() if mark.kind is not MarkKind.TAKE_BACK or mark.size)
    return tuple(sorted(kept, key=lambda mark: mark.time))[-KEPT:]
