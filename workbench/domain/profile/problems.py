"""Problems in a profile: collected, not raised one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Problem(Struct, frozen=True, order=True):
    """One problem in one file."""

    file: str
    line: int
    """1-based; 0 if the problem has no place in the file."""
    column: int
    """1-based; 0 if the problem has no place in the file."""
    key: str
    """The dotted path of the key, such as ``memory.hugepages.size`` or ``net[1].backend``."""
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ProfileError(WorkbenchError):
    """A profile has problems; carries all of them."""

    title = "The profile has problems"

    def __init__(self, message: str, problems: Sequence[Problem], *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)


class ProfileChanged(WorkbenchError):
    """A profile's file was changed or removed since it was read; nothing was written."""

    title = "The file has changed"
