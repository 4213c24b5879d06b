"""The list of completions for an input field, shown over the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.geometry import Offset
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from workbench.domain.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.geometry import Region

    from workbench.domain.qmp.completion.candidates import Completion

HIGHEST = 10
"""Maximum number of lines."""


class CompletionList(OptionList, can_focus=False):
    """Completions, shown over the screen. The field keeps the focus and moves the highlight."""

    DEFAULT_CSS = """
    CompletionList {
        overlay: screen;
        constrain: inside inside;
        width: auto;
        min-width: 20;
        max-width: 100%;
        height: auto;
        max-height: 10;
        border: none;
        padding: 0 1;
        background: $panel;
        scrollbar-size-vertical: 1;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    def fill(self, completions: Sequence[Completion]) -> None:
        """Show completions, with labels and details in two columns."""
        width = max(len(completion.label) for completion in completions)
        self.clear_options()
        self.add_options(
            Option(Content.assemble(visible(c.label).ljust(width + 2), (visible(c.detail), "$foreground 60%")))
            for c in completions
        )
        self.highlighted = 0

    def place(self, field: Region, column: int) -> None:
        """Move above a field, or below if there is no room, to a column of the screen."""
        above = field.y - min(self.option_count, HIGHEST)
        self.absolute_offset = Offset(max(0, column), above if above >= 0 else field.y + 1)

    def move(self, by: int) -> None:
        """Move the highlight; it wraps at the ends."""
        if self.option_count:
            self.highlighted = ((self.highlighted or 0) + by) % self.option_count
