"""Internal errors: the traceback goes to a file instead of the user's terminal."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILE = "crash.txt"


def keep_traceback(error: BaseException, directory: Path) -> str:
    """Write the traceback to a file in this directory; return a sentence with its path, or why it was not written."""
    path = directory / FILE
    try:
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)))
    except OSError as failure:
        return f"could not write the traceback: {failure.strerror}"
    return f"the traceback is in {path}"
