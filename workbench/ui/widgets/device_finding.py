"""The line in which one types what to find in the devices, and what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from workbench.domain.finding import find
from workbench.ui.widgets.device_row import Row, clean
from workbench.ui.widgets.find_line import FindLine
from workbench.ui.widgets.node_rows import brief

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import BindingType

    from workbench.domain.finding import Spot

LISTED = 500
"""Matches that are listed: more are found by typing on."""


class FindBar(FindLine):
    """Stands at the foot of the pane while something is looked for. It keeps what was found for ``n`` and ``N``."""

    DEFAULT_CSS = """
    FindBar > #find-count { width: 12; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="devices.find-leave", tooltip="Back to where you were"),
        Binding("up", "step(-1)", "Up", id="devices.find-up", tooltip="The match above", show=False),
        Binding("down", "step(1)", "Down", id="devices.find-down", tooltip="The match below", show=False),
    ]

    def __init__(self) -> None:
        super().__init__("name, type, id, property or value", "find-count")
        self._spots: Sequence[Spot] = ()
        self.matches: list[Spot] = []
        self.number = -1
        """Which match one is at; -1 before the first."""

    @property
    def rows(self) -> list[Row]:
        """The matches as lines: a property with the object that it belongs to."""
        return [
            Row(
                str(number), "", clean(spot.title), clean(brief(spot.value)), tone="muted",
                hint=clean(spot.path), path=spot.path if spot.path.startswith("/") else "", source=spot,
            )
            for number, spot in enumerate(self.matches)
        ]  # fmt: skip

    def fill(self, spots: Sequence[Spot]) -> None:
        """More, or other, places to look in."""
        self._spots = spots
        self.sought(self.text)

    def next(self, by: int) -> Spot | None:
        """The match after or before the one that one is at, round the end; None when nothing was found."""
        if not self.matches:
            return None
        self.number = (self.number + by) % len(self.matches)
        return self.matches[self.number]

    def sought(self, text: str) -> None:
        self.matches, self.number = find(self._spots, text, LISTED), -1
        count = len(self.matches)
        self.show_words(f"{count}{'+' if count == LISTED else ''} found" if text.strip() else "")
        super().sought(text)
