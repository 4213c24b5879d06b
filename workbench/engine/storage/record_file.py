"""Saves a record as a file of JSON lines, atomically."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.domain.qmp.record.transcript import line_of
from workbench.engine.storage.files import write_atomic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from workbench.domain.qmp.record.record import Message

_UNSAFE = re.compile(r"[^\w.-]", re.ASCII)


def save_record(messages: Sequence[Message], directory: Path, name: str, now: float) -> Path:
    """Write a guest's messages to a new file in a directory, and return its path.

    :raise OSError: if it cannot be written; no partial file is left.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp = time.strftime("%Y-%m-%d-%H%M%S", time.localtime(now))
    for number in range(1, 1000):
        extra = f"-{number}" if number > 1 else ""
        file = directory / f"{_UNSAFE.sub('_', name) or 'guest'}-{stamp}{extra}.jsonl"
        with suppress(FileExistsError):  # an older record is never replaced
            # Messages may contain secrets: only the owner may read the file.
            write_atomic(file, (line_of(message) + b"\n" for message in messages), mode=0o600, new=True)
            return file
    raise FileExistsError(f"too many records of {stamp}")
