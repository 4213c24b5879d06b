"""The sizes of a terminal that the main screen knows, and its message in one that is too small."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.geometry import Size

WIDTHS = [(0, "-tiny"), (60, "-narrow"), (100, "-wide"), (170, "-vast")]
HEIGHTS = [(0, "-flat"), (20, "-low"), (27, "-high"), (29, "-thirty"), (32, "-tall")]


class TooSmall(Static):
    """Shown instead of the panes where none fits."""

    def __init__(self) -> None:
        super().__init__(id="too-small", markup=False)

    def show(self, size: Size) -> None:
        """Show the size that is needed, and the one there is."""
        words = f"workbench needs 60 by 20 characters.\nThis terminal has {size.width} by {size.height}.\n\n"
        self.update(Content(words + "Guests keep running."))
