"""Fitting a line of the device tree into the pane's width."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct
from rich.cells import cell_len

from workbench.ui.common.text import cut

if TYPE_CHECKING:
    from workbench.ui.devices.row import Row

HINTS_FROM = 60
"""Columns of the pane from which hints have room."""
DIFFERS = "≠"
"""Stands for a flag that has no room."""
PENDING = "…"
"""The same where the device was asked to go, and it is not known yet whether it does."""


class Fitted(NamedTuple):
    """The pieces of a line, from the left; together at most as wide as the pane. The value goes to the right edge."""

    guide: str
    text: str
    note: str
    value: str
    flag: str


class Layout(Struct, frozen=True):
    """Where the columns stand, the same for every line, so that nothing is ragged."""

    width: int = 0
    short: bool = False
    """Whether driver states are in their short form, because one of the lines has no room for the word."""
    note_column: int = 0
    """Column of the notes; 0 = no room for all of them, so none is shown."""
    hint_column: int = 0
    """Column of the hints; 0 = no room for any."""

    @classmethod
    def of(cls, lines: list[Row], width: int) -> Layout:
        """The layout for these lines at this width."""
        devices = [row for row in lines if row.note or row.short_value]
        lengths = [cell_len(row.guide) + cell_len(row.text) for row in devices]
        short = any(
            length + 1 + cell_len(row.value) > width for length, row in zip(lengths, devices, strict=True) if row.value
        )
        column = max(lengths, default=0) + 2
        fits = not short and all(column + cell_len(row.note) + 2 + cell_len(row.value) <= width for row in devices)
        hints = 0
        if width >= HINTS_FROM:
            hinted = (cell_len(row.guide) + cell_len(row.text) for row in lines if row.hint)
            hints = min(max(hinted, default=-2) + 2, width // 2)
        return cls(width, short, column if fits else 0, hints)

    def fit(self, row: Row) -> Fitted:
        """The pieces of a line: hint and note give way first, then the value, the text last."""
        room = self.width - cell_len(row.guide)
        taken = cell_len(row.text)
        value = row.short_value if self.short and row.short_value else row.value
        mark = PENDING if row.flag and row.flag.leaving else DIFFERS
        flag = f" {mark}" if row.flag else ""
        note = ""
        if row.note and self.note_column:
            note = " " * (self.note_column - cell_len(row.guide) - taken) + row.note
        if value and taken + cell_len(note) + cell_len(flag) + 1 + cell_len(value) > room:
            note = ""
            value = cut(value, max(room - taken - cell_len(flag) - 1, room // 3))
        text = cut(row.text, room - cell_len(flag) - (cell_len(value) + 1 if value else 0))
        left = room - cell_len(text) - cell_len(note) - cell_len(value) - 1
        if row.flag and cell_len(row.flag.words) + 4 <= left:
            flag = f" {mark} {row.flag.words}"
        if row.hint and self.hint_column and not note:
            note = self._hint(row, text, left - cell_len(flag))
        return Fitted(row.guide, text, note, value, flag)

    def _hint(self, row: Row, text: str, left: int) -> str:
        """The hint at its column, or after a text that reaches beyond it; empty when there is no room worth having."""
        gap = max(2, self.hint_column - cell_len(row.guide) - cell_len(text))
        return " " * gap + cut(row.hint, left - gap - 1) if left - gap > 6 else ""
