"""The lines that a user typed, kept in a file across runs and shared by every screen that is open."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT = 1000
"""Lines that are offered, and that a file is cut down to once it holds twice as many."""


class InputHistory:
    """One line of text per entry, oldest first. The file is read when it is first needed.

    A line that begins with a space is not kept, as in a shell: for what has a password in it.
    """

    def __init__(self, file: Path | None, limit: int = LIMIT) -> None:
        """
        :param file: where lines are kept, mode 0600; None keeps them for this run only.
        """
        self._file = file
        self._limit = limit
        self._lines: list[str] | None = None

    @property
    def lines(self) -> list[str]:
        """What was typed, oldest first.

        A file that cannot be read is empty history: it must not keep anybody from typing. :meth:`add` tells of it.
        """
        if self._lines is None:
            self._lines = []
            with suppress(OSError):
                self._lines = self._read()
        return self._lines

    def add(self, line: str) -> None:
        """Keep a line, unless it repeats the last one.

        :raise OSError: when it cannot be written; it is kept for this run.
        """
        line = line.replace("\n", " ")
        if not line.strip() or line.startswith(" ") or self.lines[-1:] == [line]:
            return
        self.lines.append(line)
        del self.lines[: -self._limit]
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._locked() as descriptor:
                # One write() in append mode: two screens never mix their lines (open(2), O_APPEND).
                os.write(descriptor, line.encode("utf-8", "surrogatepass") + b"\n")

    def _read(self) -> list[str]:
        if self._file is None or not self._file.exists():
            return []
        lines = self._decode(self._file.read_bytes())
        if len(lines) > 2 * self._limit:
            self._cut()
        return lines[-self._limit :]

    @staticmethod
    def _decode(raw: bytes) -> list[str]:
        return [line for line in raw.decode("utf-8", "replace").split("\n") if line]

    def _cut(self) -> None:
        """Replace the file by its newest lines, in one step."""
        assert self._file is not None
        with self._locked():
            lines = self._decode(self._file.read_bytes())[-self._limit :]
            descriptor, name = tempfile.mkstemp(dir=self._file.parent, prefix=f".{self._file.name}.")
            with open(descriptor, "w", encoding="utf-8") as stream:
                stream.writelines(f"{line}\n" for line in lines)
            os.replace(name, self._file)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file, open for appending, and nobody else's until the end."""
        assert self._file is not None
        while True:
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Another screen may have replaced the file while we waited: then this lock is on the old one.
                if os.fstat(descriptor).st_ino == os.stat(self._file).st_ino:
                    yield descriptor
                    return
            finally:
                os.close(descriptor)
