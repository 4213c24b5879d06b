"""Fitting a line of the device tree into the pane's width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from workbench.ui.widgets.device_rows import Row


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns stand, the same for every line, so that nothing is ragged."""

    width: int = 0
    short: bool = False
    """Whether driver states are in their short form, because one of the lines has no room for the word."""
    note_column: int = 0
    """Column of the notes; 0 = no room for all of them, so none is shown."""

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
        return cls(width, short, column if fits else 0)

    def fit(self, row: Row) -> tuple[str, str, str, str]:
        """Guide, text, note and value of a line, together at most ``width`` cells: the value gives way first."""
        room = self.width - cell_len(row.guide)
        taken = cell_len(row.text)
        note = ""
        if row.note and self.note_column:
            note = " " * (self.note_column - cell_len(row.guide) - taken) + row.note
        value = row.short_value if self.short and row.short_value else row.value
        if value and taken + cell_len(note) + 1 + cell_len(value) > room:
            value = cut(value, max(room - taken - 1, room // 3))
        return row.guide, cut(row.text, room - (cell_len(value) + 1 if value else 0)), note, value


def cut(text: str, width: int) -> str:
    """At most ``width`` cells, with an ellipsis where something is missing."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)) + "…" if width > 0 else ""


def hanging(text: str, width: int) -> list[str]:
    """A text in lines of at most ``width`` cells; breaks after a space, a slash or a comma where there is one."""
    lines = []
    while cell_len(text) > width:
        end = len(set_cell_size(text, width).rstrip()) or 1
        good = max(text.rfind(mark, 0, end) for mark in " /,") + 1
        end = good if good > end // 3 else end
        lines.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*lines, text]
