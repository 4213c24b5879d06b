"""Writes files atomically, checks files of another process, and makes paths printable."""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def process_has_file(pid: int, path: str) -> bool:
    """Whether a path, relative to a process's directory (proc_pid_cwd(5)), is a regular file or block device.

    A path that cannot be checked counts as one, since callers want to know whether anything could be overwritten.
    """
    try:
        mode = os.stat(os.path.join(f"/proc/{pid}/cwd", path)).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL inside
        return False
    except OSError:
        return True
    return stat.S_ISREG(mode) or stat.S_ISBLK(mode)


def write_atomic(
    path: Path, data: str | bytes | Iterable[bytes], *, mode: int = 0o600, lasting: bool = True, new: bool = False
) -> None:
    """Write a file so that readers see either the old or the new content, never a part.

    :param data: the content, or pieces of it.
    :param lasting: wait until it is on the disk; not needed for files that do not outlive the host's uptime.
    :param new: do not overwrite an existing file.
    :raise FileExistsError: with ``new``, if the file exists.
    :raise OSError: if it cannot be written; the old file is kept, and no temporary file is left.
    """
    if isinstance(data, str):
        data = data.encode()
    # Not tempfile: importing it takes as long as the whole write.
    name = path.parent / f".{path.name}.{os.getpid()}.{time.monotonic_ns()}"
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        name.chmod(mode)
        if new:
            os.link(name, path)
        else:
            name.replace(path)
    finally:
        with suppress(FileNotFoundError):
            name.unlink()


def shown(path: Path | str) -> str:
    """A path as printable text, safe for any terminal: unprintable characters are replaced."""
    text = os.fsencode(path).decode(errors="replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
