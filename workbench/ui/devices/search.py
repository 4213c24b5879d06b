"""The search line of the device pane, and its matches."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.message import Message

from workbench.domain.devices.search import find
from workbench.ui.common.find_line import FindLine
from workbench.ui.common.text import clean
from workbench.ui.devices.layout import HINTS_FROM
from workbench.ui.devices.row import Row
from workbench.ui.devices.views.node import brief

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import BindingType

    from workbench.domain.devices.search import Spot

LISTED = 500
"""Matches that are listed at most."""


class Known(Enum):
    """How much of what can be searched has been read."""

    READING = "reading"
    PART = "part"
    """The rest could not be read."""
    ALL = "all"


class FindBar(FindLine):
    """The search line, at the foot of the pane. Keeps its matches for ``n`` and ``N``."""

    DEFAULT_CSS = """
    FindBar > #find-count { width: 12; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="devices.find-leave", tooltip="Cancel the search"),
        Binding("up", "step(-1)", "Up", id="devices.find-up", tooltip="Previous match", show=False),
        Binding("down", "step(1)", "Down", id="devices.find-down", tooltip="Next match", show=False),
    ]

    class Awaited(Message):
        """Everything was read after enter was pressed: go to the first match, or report that there is none."""

    def __init__(self) -> None:
        super().__init__("name, type, id, property or value", "find-count")
        self._spots: Sequence[Spot] = ()
        self.known = Known.READING
        self.matches: list[Spot] = []
        self.number = -1
        """Index of the current match; -1 before the first."""
        self.awaits = False
        """Whether to go to the first match once everything has been read."""

    @property
    def wants_all(self) -> bool:
        """Whether everything should be read for the search."""
        return self.is_open or self.awaits

    def rows(self, width: int) -> list[Row]:
        """The matches as lines of this width: a property with its object, since many objects have one of the same name."""
        return [
            Row(
                str(number), "", clean(spot.title if width >= HINTS_FROM else with_owner(spot)), clean(brief(spot.value)),
                tone="muted", hint=clean(spot.path), path=spot.path if spot.path.startswith("/") else "", source=spot,
            )
            for number, spot in enumerate(self.matches)
        ]  # fmt: skip

    def fill(self, spots: Sequence[Spot], known: Known) -> None:
        """Replace the places to search.

        :param known: whether these are all.
        """
        self._spots, self.known = spots, known
        self.sought(self.text)
        if self.awaits and known is not Known.READING:
            self.awaits = False
            self.post_message(self.Awaited())

    def next(self, by: int) -> Spot | None:
        """The match after or before the current one, wrapping around; None without matches."""
        if not self.matches:
            return None
        self.number = (self.number + by) % len(self.matches)
        return self.matches[self.number]

    def sought(self, text: str) -> None:
        self.matches, self.number = find(self._spots, text, LISTED), -1
        self.show_words(self._words() if text.strip() else "")
        super().sought(text)

    def _words(self) -> str:
        """The number of matches, and whether there may be more."""
        count = len(self.matches)
        if self.known is Known.READING:
            return f"{count} so far" if count else "reading \u2026"
        if self.known is Known.PART:
            return f"{count}, partial"
        return f"{count}{'+' if count == LISTED else ''} found"


def with_owner(spot: Spot) -> str:
    """The match with its object, for where the path does not fit: ``guest_tso4 \u00b7 net0``."""
    owner = spot.path if spot.name else spot.path.rpartition("/")[0]
    owner = owner.removeprefix("/machine/").removeprefix("peripheral/")
    return f"{spot.title} \u00b7 {owner}" if owner.strip("/") else spot.title
