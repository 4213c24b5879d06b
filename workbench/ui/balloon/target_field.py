"""The field for a typed target, below the staged one while it is open, and what is wrong with what was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Input

from workbench.ui.common.text import TextBlock

if TYPE_CHECKING:
    from textual.widget import Widget

    from workbench.domain.units import SizeError

OPEN, MISTAKE = "-typing", "-mistake"
"""Classes of the panel."""


class TargetField:
    """Two widgets of a panel, shown by its classes."""

    def __init__(self, panel: Widget) -> None:
        self._panel = panel
        self.input = Input(placeholder="256M, 50%, +64M or max", id="balloon-typed", compact=True)
        self.mistake = TextBlock(id="balloon-error")

    @property
    def is_open(self) -> bool:
        return self._panel.has_class(OPEN)

    @property
    def rows(self) -> int:
        """Rows that the two take now."""
        return self._panel.has_class(OPEN) + self._panel.has_class(MISTAKE)

    def open(self) -> None:
        """Show the field, empty and with the focus."""
        self._panel.add_class(OPEN)
        self.input.value = ""
        self.input.focus()

    def close(self) -> None:
        self._panel.remove_class(OPEN, MISTAKE)

    def show_mistake(self, error: SizeError) -> None:
        """Show what is wrong until the text is changed."""
        self.mistake.show(Content(str(error)))
        self._panel.add_class(MISTAKE)

    def forget_mistake(self) -> None:
        self._panel.remove_class(MISTAKE)
