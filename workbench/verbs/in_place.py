"""Lines on a terminal that are written anew in their place, without taking the whole screen."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, TextIO

from rich.cells import cell_len

from workbench.verbs.watch_words import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UP, CLEAR_LINE, CLEAR_BELOW = "\x1b[{}A", "\x1b[2K", "\x1b[J"
"""CUU, EL and ED (ECMA-48): every terminal has them."""


def terminal_size() -> tuple[int, int]:
    """Columns and lines now."""
    size = shutil.get_terminal_size()
    return size.columns, size.lines


class InPlace:
    """Shows some lines, and then others in the same place."""

    def __init__(self, stream: TextIO, size: Callable[[], tuple[int, int]] = terminal_size) -> None:
        self._stream = stream
        self._size = size
        self._shown: list[str] = []

    def show(self, lines: Sequence[str]) -> None:
        """As much of the lines as the terminal has room for."""
        columns, rows = self._size()
        fit = [cut(line, columns) for line in lines]
        if len(fit) >= rows > 1:
            left = len(fit) - (rows - 2)
            fit = [*fit[: rows - 2], cut(f"… and {left} more", columns)]
        text = []
        # A terminal that became narrower has broken the old lines into more.
        above = sum(max(1, -(-cell_len(line) // columns)) for line in self._shown)
        if above:
            text.append(UP.format(min(above, max(1, rows - 1))) + "\r")
        text += [f"{CLEAR_LINE}{line}\n" for line in fit]
        self._stream.write("".join(text) + CLEAR_BELOW)
        self._stream.flush()
        self._shown = fit
