"""Problems of a profile: collected, not raised one by one."""

from __future__ import annotations

from msgspec import Struct


class Problem(Struct, frozen=True, order=True):
    """One mistake in one file."""

    file: str
    line: int
    """1-based; 0 when the problem has no place in the file."""
    column: int
    """1-based; 0 when the problem has no place in the file."""
    key: str
    """The dotted path of the key, such as ``memory.hugepages.size`` or ``net[1].backend``."""
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"
