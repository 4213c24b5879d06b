"""A file of lines that is added to and never grows past a bound."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from workbench.engine.files import write_atomic

if TYPE_CHECKING:
    from pathlib import Path


class BoundedLines:
    """Lines are bytes without their end. A line that was cut short, by a full disk or the end of whoever wrote, stays alone."""

    def __init__(self, path: Path, limit: int) -> None:
        """:param limit: bytes at which the older half is dropped."""
        self.path = path
        self._limit = limit
        self._torn = True
        """Whether the last line may have no end."""

    def append(self, *lines: bytes) -> None:
        """:raise OSError: when the disk is full or the directory is gone; a part may be written."""
        if not lines:
            return
        data = b"\n" * self._torn + b"\n".join(lines) + b"\n"
        self._torn = True
        with self.path.open("ab") as file:
            file.write(data)
            size = file.tell()
        self._torn = False
        if size > self._limit:
            self._halve()

    def tail(self, size: int | None = None) -> list[bytes]:
        """The whole lines among the last ``size`` bytes, or all; none where there is no file."""
        try:
            with self.path.open("rb") as file:
                length = file.seek(0, os.SEEK_END)
                start = max(0, length - size) if size is not None else 0
                file.seek(start)
                lines = file.read().splitlines()
        except OSError:
            return []
        return list(filter(None, lines[1:] if start else lines))

    def head(self) -> bytes:
        """The first line that is not empty."""
        try:
            with self.path.open("rb") as file:
                return next((line.strip() for line in file if line.strip()), b"")
        except OSError:
            return b""

    @property
    def stamp(self) -> tuple[int, int]:
        """Inode and size: another one after somebody else has written. (0, 0) without a file."""
        try:
            found = self.path.stat()
        except OSError:
            return 0, 0
        return found.st_ino, found.st_size

    def _halve(self) -> None:
        lines = self.path.read_bytes().splitlines(keepends=True)
        write_atomic(self.path, b"".join(lines[len(lines) // 2 :]), lasting=False)
