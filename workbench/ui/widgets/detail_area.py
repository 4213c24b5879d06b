"""The area that shows what is known of the line under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from workbench.ui.widgets.device_layout import hanging
from workbench.ui.widgets.device_row import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

LABEL = 9
"""Columns of a label."""


class DetailArea(Static):
    """Labels and texts, broken into lines when they are drawn: only then is it certain how much room there is."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._parts: list[tuple[str, str]] = []

    def show(self, parts: Iterable[tuple[str, str]]) -> None:
        """Its height does not depend on them, so nothing is laid out anew."""
        parts = list(parts)
        if parts != self._parts:
            self._parts = parts
            self.refresh()

    def render(self) -> Content:
        room = max(self.content_size.width - LABEL, 8)
        return Content("\n").join(
            Content.assemble((f"{label if not number else '':<{LABEL - 1}} ", "$foreground 60%"), piece)
            for label, text in self._parts
            for number, piece in enumerate(hanging(clean(text), room))
        )
