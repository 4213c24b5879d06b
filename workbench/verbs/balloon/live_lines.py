"""Lines on a terminal that are updated in place, without taking the whole screen."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, TextIO

from workbench.verbs.balloon.watch_words import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UP, HOME, CLEAR_LINE, CLEAR_BELOW = "\x1b[{}A", "\x1b[H", "\x1b[2K", "\x1b[J"
"""CUU, CUP, EL and ED (ECMA-48): every terminal has them."""


def terminal_size() -> tuple[int, int]:
    """Columns and lines now."""
    size = shutil.get_terminal_size()
    return size.columns, size.lines


class InPlace:
    """Shows lines, and later others in the same place."""

    def __init__(self, stream: TextIO, size: Callable[[], tuple[int, int]] = terminal_size) -> None:
        self._stream = stream
        self._size = size
        self._lines: Sequence[str] = ()
        self._shown = 0
        """Lines on the terminal now."""
        self._shown_in: tuple[int, int] | None = None
        """The size of the terminal when they were written."""

    def again(self) -> None:
        """Show the same lines again, for the terminal's present size."""
        if self._shown_in is not None:
            self.show(self._lines)

    def show(self, lines: Sequence[str]) -> None:
        """Show as many of the lines as fit."""
        columns, rows = size = self._size()
        fit = [cut(line, columns) for line in lines]
        if len(fit) >= rows > 1:
            left = len(fit) - (rows - 2)
            fit = [*fit[: rows - 2], cut(f"… and {left} more", columns)]
        before = ""
        if self._shown_in not in (None, size):
            # The terminal may have wrapped or scrolled lines: the place of the old ones is not known.
            before = HOME + CLEAR_BELOW
        elif self._shown:
            before = UP.format(min(self._shown, max(1, rows - 1))) + "\r"
        text = "".join(f"{CLEAR_LINE}{line}\n" for line in fit)
        self._stream.write(f"{before}{text}{CLEAR_BELOW}")
        self._stream.flush()
        self._lines, self._shown, self._shown_in = lines, len(fit), size
