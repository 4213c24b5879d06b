"""The area with the details of the line under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from workbench.ui.common.plain_text import clean, hanging

if TYPE_CHECKING:
    from collections.abc import Iterable

LABEL = 9
"""Columns of a label."""


class DetailArea(Static):
    """Labels and texts, wrapped when drawn: the size is known only then. Where they do not fit, the last row counts the
    lines above and below, and :meth:`turn` scrolls to them.
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self.parts: list[tuple[str, str]] = []
        """The labels and texts, not wrapped."""
        self._about = ""
        self._first = 0
        """Number of the line at the top."""

    def show(self, parts: Iterable[tuple[str, str]], about: str = "") -> None:
        """Show labels and texts. The height does not depend on them, so the layout is kept.

        :param about: what they describe; when it changes, the area scrolls back to the top.
        """
        parts = list(parts)
        if about != self._about:
            self._about, self._first = about, 0
        if parts != self.parts:
            self.parts = parts
            self.refresh()

    def turn(self, by: int) -> None:
        """Scroll to the lines below, or to those above.

        :param by: pages: 1 or -1.
        """
        height, count = self.content_size.height, len(self.lines)
        if count > height > 1:
            self._first = max(0, min(self._first + by * (height - 1), count - (height - 1)))
            self.refresh()

    def render(self) -> Content:
        lines, height = self.lines, self.content_size.height
        if len(lines) <= height or height < 2:
            return Content("\n").join(lines)
        first = max(0, min(self._first, len(lines) - (height - 1)))
        shown = lines[first : first + height - 1]
        below = len(lines) - first - len(shown)
        words = [f"↑ {first} more [" if first else "", f"↓ {below} more ]" if below else ""]
        return Content("\n").join([*shown, Content.styled("   ".join(filter(None, words)), "$foreground-muted")])

    @property
    def lines(self) -> list[Content]:
        """All lines, wrapped to the width; those that do not fit too."""
        room = max(self.content_size.width - LABEL, 8)
        return [
            Content.assemble((f"{label if not number else '':<{LABEL - 1}} ", "$foreground 60%"), piece)
            for label, text in self.parts
            for number, piece in enumerate(hanging(clean(text), room))
        ]
