"""Fit a line of the device tree into the width of the pane."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct
from rich.cells import cell_len

from workbench.ui.common.plain_text import cut

if TYPE_CHECKING:
    from workbench.ui.devices.row import Row

HINTS_FROM = 60
"""Columns of the pane from which hints are shown."""
DIFFERS = "≠"
"""Replaces a flag that does not fit."""
PENDING = "…"
"""The same for a device whose unplug is pending."""


class Fitted(NamedTuple):
    """The pieces of a line, from the left; together at most as wide as the pane. The value is right-aligned."""

    guide: str
    text: str
    note: str
    value: str
    flag: str


class Layout(Struct, frozen=True):
    """The columns, shared by all lines so that they align."""

    width: int = 0
    short: bool = False
    """Whether driver states use their short form, because the word does not fit in some line."""
    note_column: int = 0
    """Column of the notes; 0 = hidden, because they do not all fit."""
    hint_column: int = 0
    """Column of the hints; 0 = hidden."""

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
        """The pieces of a line: the hint and the note are cut first, then the value, the text last."""
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
        """The hint at its column, or after a longer text; empty when too little of it would fit."""
        gap = max(2, self.hint_column - cell_len(row.guide) - cell_len(text))
        return " " * gap + cut(row.hint, left - gap - 1) if left - gap > 6 else ""
