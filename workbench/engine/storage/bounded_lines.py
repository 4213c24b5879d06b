"""An append-only file of lines with a bounded size."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workbench.engine.storage.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO


def newer_half(lines: list[bytes]) -> list[bytes]:
    return lines[len(lines) // 2 :]


class BoundedLines:
    """Lines are bytes without newlines; several processes may append to one file.

    A line truncated by a full disk or a killed process does not damage other lines.
    """

    def __init__(self, path: Path, limit: int, keep: Callable[[list[bytes]], list[bytes]] = newer_half) -> None:
        """
        :param limit: bytes at which lines are dropped.
        :param keep: selects the lines that stay then.
        """
        self.path = path
        self._limit = limit
        self._keep = keep

    def append(self, *lines: bytes) -> None:
        """:raise OSError: if the disk is full or the directory is gone; a part may have been written."""
        if not lines:
            return
        with self._opened() as file:
            size = file.seek(0, os.SEEK_END)
            whole = not size or os.pread(file.fileno(), 1, size - 1) == b"\n"
            file.write(b"\n" * (not whole) + b"\n".join(lines) + b"\n")
            file.flush()
            if file.tell() > self._limit:
                write_atomic(self.path, [line + b"\n" for line in self._keep(self.tail())], lasting=False)

    def tail(self, size: int | None = None) -> list[bytes]:
        """The complete lines in the last ``size`` bytes, or all lines; none without a file."""
        try:
            with self.path.open("rb") as file:
                length = file.seek(0, os.SEEK_END)
                start = max(0, length - size) if size is not None else 0
                file.seek(start)
                lines = file.read().split(b"\n")
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
    def stamp(self) -> tuple[int, int, int]:
        """Inode, size and modification time; changes when another process writes. Zeros without a file."""
        try:
            found = self.path.stat()
        except OSError:
            return 0, 0, 0
        return found.st_ino, found.st_size, found.st_mtime_ns

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        """The file, opened for appending and locked."""
        while True:
            with open(self.path, "a+b", opener=_private) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                # Another process may have replaced the file: then this lock is on the old one.
                if os.fstat(file.fileno()).st_nlink:
                    yield file
                    return


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
