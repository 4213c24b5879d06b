"""A guest's readings on disk: one line each, bounded, in its state directory, so that the next screen has a past to draw.

A line is ``time target actual resident available``: Unix seconds and bytes, ``-`` where it was not known.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.domain.balloon import Sample
from workbench.engine.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

FILE = "history"
LIMIT = 1 << 20
"""Bytes at which the older half of the file is dropped."""
REST = 5.0
"""Seconds between lines while nothing changes."""


class HistoryFile:
    """Appends samples, not more often than they tell something."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._last: Sample | None = None
        self._torn = True
        """Whether the last line may have been cut short: by a full disk, or by the end of whoever wrote before us."""

    def load(self, limit: int) -> list[Sample]:
        """The last ``limit`` samples; a line that was cut short is passed over."""
        try:
            lines = list(filter(None, self._path.read_text(errors="replace").splitlines()))
        except OSError:
            return []
        return [sample for line in lines[-limit:] if (sample := parse_line(line)) is not None]

    def add(self, sample: Sample) -> None:
        last = self._last
        still = last is not None and (last.target, last.actual) == (sample.target, sample.actual)
        if last is not None and still and sample.time - last.time < REST:
            return
        self._last = sample
        # The history is a convenience: a full disk or a directory that is just being cleaned must not stop the screen.
        with suppress(OSError):
            line = "\n" * self._torn + format_line(sample) + "\n"
            self._torn = True
            with self._path.open("a") as file:
                file.write(line)
                size = file.tell()
            self._torn = False
            if size > LIMIT:
                self._halve()

    def _halve(self) -> None:
        lines = self._path.read_text(errors="replace").splitlines(keepends=True)
        write_atomic(self._path, "".join(lines[len(lines) // 2 :]))


def format_line(sample: Sample) -> str:
    resident = "-" if sample.resident is None else str(sample.resident)
    available = "-" if sample.available is None else str(sample.available)
    return f"{sample.time:.3f} {sample.target} {sample.actual} {resident} {available}"


def parse_line(line: str) -> Sample | None:
    fields = line.split()
    if len(fields) != 5:
        return None
    try:
        resident, available = (None if field == "-" else int(field) for field in fields[3:])
        return Sample(float(fields[0]), int(fields[1]), int(fields[2]), resident, available)
    except ValueError:
        return None
