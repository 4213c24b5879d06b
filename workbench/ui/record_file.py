"""Saving a record: a file of JSON lines, written whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.domain.transcript import line_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from workbench.domain.traffic import Message

_UNSAFE = re.compile(r"[^\w.-]", re.ASCII)


def save_record(messages: Iterable[Message], directory: Path, name: str, now: float) -> Path:
    """Write the messages of a guest below a directory, and give the file.

    :raise OSError: when it cannot be written; nothing of it stays.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp = time.strftime("%Y-%m-%d-%H%M%S", time.localtime(now))
    # What passed may hold secrets of the guest's user: mkstemp makes it readable for its owner alone.
    descriptor, temporary = tempfile.mkstemp(dir=directory, prefix=".record.")
    try:
        with open(descriptor, "wb") as stream:
            for message in messages:
                stream.write(line_of(message) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        for number in range(1, 1000):
            extra = f"-{number}" if number > 1 else ""
            file = directory / f"{_UNSAFE.sub('_', name) or 'guest'}-{stamp}{extra}.jsonl"
            with suppress(FileExistsError):
                os.link(temporary, file)  # fails where there is a file: an older record is never replaced
                return file
        raise FileExistsError(f"too many records of {stamp}")
    finally:
        os.unlink(temporary)
