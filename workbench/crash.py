"""Defects of the workbench itself: the user's terminal shows no traceback, and none is lost."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILE = "crash.txt"


def keep_traceback(error: BaseException, directory: Path) -> str:
    """Write the traceback to a file of this directory, and say where it is, or why it could not be kept."""
    path = directory / FILE
    try:
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)))
    except OSError as failure:
        return f"its traceback could not be kept: {failure.strerror}"
    return f"its traceback is in {path}"
