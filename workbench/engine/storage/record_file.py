"""Saving a record: a file of JSON lines, written whole or not at all."""

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
    """Write the messages of a guest below a directory, and give the file.

    :raise OSError: when it cannot be written; nothing of it stays.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp = time.strftime("%Y-%m-%d-%H%M%S", time.localtime(now))
    for number in range(1, 1000):
        extra = f"-{number}" if number > 1 else ""
        file = directory / f"{_UNSAFE.sub('_', name) or 'guest'}-{stamp}{extra}.jsonl"
        with suppress(FileExistsError):  # an older record is never replaced
            # What passed may hold secrets of the guest's user: its owner alone may read it.
            write_atomic(file, (line_of(message) + b"\n" for message in messages), mode=0o600, new=True)
            return file
    raise FileExistsError(f"too many records of {stamp}")
