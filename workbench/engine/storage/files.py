"""Files that are written whole or not at all, and files of another process."""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def process_has_file(pid: int, path: str) -> bool:
    """Whether a path, relative to a process's directory (proc_pid_cwd(5)), is a file or block device that holds something.

    What may not be looked at counts as there: who asks wants to know whether anything could be overwritten.
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
    """Write a file so that every reader sees the old content or the new one, never a part.

    :param data: the content, or pieces of it.
    :param lasting: wait until it is on the disk; what lives no longer than the machine's uptime need not.
    :param new: leave a file alone that exists already.
    :raise FileExistsError: with ``new``, when there is one.
    :raise OSError: when the disk is full or the directory refuses; the old file is kept, and nothing is left beside it.
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
    """A path as text that every terminal takes: what cannot be printed is replaced."""
    text = os.fsencode(path).decode(errors="replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
