"""The lines of the device tree, and the cursor on one of them. Independent of Textual."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.ui.devices.row import Row


class Listing:
    """Lines from the top. While there are any, the cursor is on one of them."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._cursor = 0
        self._numbers: dict[str, int] = {}

    @property
    def cursor(self) -> int:
        """Number of the line under the cursor; 0 without lines."""
        return self._cursor

    @property
    def row(self) -> Row | None:
        """The line under the cursor."""
        return self.rows[self._cursor] if self.rows else None

    def number_of(self, key: str) -> int | None:
        """Number of the line with a key; None if there is none."""
        return self._numbers.get(key)

    def replace(self, rows: list[Row], keys: Iterable[str]) -> None:
        """Take other lines; the cursor goes to the first of ``keys`` that exists, or stays near its old place."""
        self.rows = rows
        self._numbers = {row.key: number for number, row in enumerate(rows)}
        self.move_to(next((self._numbers[key] for key in keys if key in self._numbers), self._cursor))

    def move_to(self, number: int) -> None:
        """Move the cursor to a line, or to the nearest one that exists."""
        self._cursor = max(0, min(number, len(self.rows) - 1))
