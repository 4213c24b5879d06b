"""The lines that a user typed, kept in a file across runs and shared by all open screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.engine.storage.bounded_lines import BoundedLines

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 1000
"""Lines that are offered."""
SIZE = 256 << 10
"""Bytes at which the older half of the file is dropped."""


class InputHistory:
    """One line of text per entry, oldest first. The file is read on first use.

    A line that begins with a space is not kept, as in a shell, for lines with passwords.
    """

    def __init__(self, file: Path | None, limit: int = LIMIT, size: int = SIZE) -> None:
        """:param file: where lines are kept, mode 0600; None keeps them for this run only."""
        self._file = BoundedLines(file, size) if file is not None else None
        self._limit = limit
        self._lines: list[str] | None = None

    @property
    def lines(self) -> list[str]:
        """What was typed, oldest first.

        An unreadable file counts as empty, so that it does not prevent typing; :meth:`add` reports it.
        """
        if self._lines is None:
            kept = self._file.tail()[-self._limit :] if self._file is not None else []
            self._lines = [line.decode("utf-8", "replace") for line in kept]
        return self._lines

    def add(self, line: str) -> None:
        """Keep a line, unless it repeats the last one.

        :raise OSError: if it cannot be written; it is kept for this run.
        """
        line = line.replace("\n", " ")
        if not line.strip() or line.startswith(" ") or self.lines[-1:] == [line]:
            return
        self.lines.append(line)
        del self.lines[: -self._limit]
        if self._file is not None:
            self._file.path.parent.mkdir(parents=True, exist_ok=True)
            self._file.append(line.encode("utf-8", "surrogatepass"))
