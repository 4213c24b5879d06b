"""What the guest's serial console shows, from its log: for a guest without a driver, which may be booting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.balloon.diagnosis.console import console_of

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.domain.balloon.diagnosis.console import Console

TAIL = 2048
"""Bytes at the end of the log that are read."""


class ConsoleLook:
    """One guest's console."""

    def __init__(self, log: Path | None) -> None:
        self._log = log
        self._stamp: tuple[int, int] | None = None
        """Size and modification time of the log when last read."""
        self._seen: Console | None = None

    def look(self) -> Console | None:
        """The console now; None without output, or if its log cannot be read. Reads only what is new."""
        if self._log is None:
            return None
        try:
            with self._log.open("rb") as file:
                size = file.seek(0, 2)
                written = self._log.stat().st_mtime_ns
                if (size, written) != self._stamp:
                    file.seek(max(0, size - TAIL))
                    tail = file.read().decode("utf-8", "replace")
                    self._stamp, self._seen = (size, written), console_of(tail, written / 1e9)
        except OSError:
            return None
        return self._seen
