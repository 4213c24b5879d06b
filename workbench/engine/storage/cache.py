"""Answers that cost a process to find out, kept in the cache directory under what they depend on."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.engine.storage.files import write_atomic
from workbench.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


class Memo:
    """One remembered answer: a file that holds the key it is good for and the answer.

    It is a saving and nothing more: where the cache cannot be read or written, the answer is found out again.
    """

    def __init__(self, name: str, directory: Path | None = None) -> None:
        self.path = (directory or Settings().cache) / f"{name}.json"

    def recall(self, key: list[str]) -> list[str] | None:
        """The answer kept under this very key; None when there is none, or one under another key."""
        try:
            kept = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return None
        if not isinstance(kept, dict) or kept.get("key") != key:
            return None
        answer = kept.get("answer")
        return answer if isinstance(answer, list) and all(isinstance(part, str) for part in answer) else None

    def keep(self, key: list[str], answer: list[str]) -> None:
        """Keep an answer in the place of the former one."""
        with suppress(OSError):  # a full disk or a read-only home costs some milliseconds at the next question
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self.path, json.dumps({"key": key, "answer": answer}))
