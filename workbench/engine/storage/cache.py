"""Caches answers that need a process to find out, in the cache directory, with what they depend on."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.engine.storage.files import write_atomic
from workbench.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


class Memo:
    """One cached answer: a file with the answer and the key that it is valid for.

    Only an optimization: if the cache cannot be read or written, the answer is determined again.
    """

    def __init__(self, name: str, directory: Path | None = None) -> None:
        self.path = (directory or Settings().cache) / f"{name}.json"

    def recall(self, key: list[str]) -> list[str] | None:
        """The answer for this key; None if there is none, or only one for another key."""
        try:
            kept = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return None
        if not isinstance(kept, dict) or kept.get("key") != key:
            return None
        answer = kept.get("answer")
        return answer if isinstance(answer, list) and all(isinstance(part, str) for part in answer) else None

    def keep(self, key: list[str], answer: list[str]) -> None:
        """Replace the cached answer."""
        with suppress(OSError):  # on a full disk or read-only home the next call takes some milliseconds longer
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self.path, json.dumps({"key": key, "answer": answer}))
