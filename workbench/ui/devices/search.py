"""The search of the device pane: what can be found, the matches, and the current one. Independent of Textual."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from workbench.domain.devices.search import find
from workbench.ui.common.plain_text import clean
from workbench.ui.devices.layout import HINTS_FROM
from workbench.ui.devices.row import Row
from workbench.ui.devices.views.node import brief

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.devices.search import Spot

LISTED = 500
"""Matches that are listed at most."""


class Known(Enum):
    """How much of what can be searched has been read."""

    READING = "reading"
    PART = "part"
    """The rest could not be read."""
    ALL = "all"


class Search:
    """Keeps the matches, to go from one to the next when the search line is closed."""

    def __init__(self) -> None:
        self.text = ""
        self.known = Known.READING
        self.matches: list[Spot] = []
        self.awaits = False
        """Whether to go to the first match once everything has been read."""
        self.place_words = ""
        """The number of the match under the cursor and their count; empty when the cursor is elsewhere."""
        self._spots: Sequence[Spot] = ()
        self._number = -1
        """Index of the current match; -1 before the first."""

    def fill(self, spots: Sequence[Spot], known: Known) -> bool:
        """Replace the places to search; return whether to go to the first match now.

        :param known: whether these are all.
        """
        self._spots, self.known = spots, known
        self.seek(self.text)
        awaited = self.awaits and known is not Known.READING
        self.awaits = self.awaits and not awaited
        return awaited

    def seek(self, text: str) -> None:
        """Find the matches of a text; the next one is the first."""
        self.text = text
        self.matches, self._number = find(self._spots, text, LISTED), -1

    def enter(self, number: int) -> bool:
        """End typing; return whether to go to a match now, or to report that there is none.

        :param number: index of the match to go to.
        """
        if not self.text.strip():
            return False
        if self.matches:
            self._number = number - 1
        self.awaits = not self.matches and self.known is Known.READING
        return not self.awaits

    def next(self, by: int) -> Spot | None:
        """The match after or before the current one, wrapping around; None without matches."""
        if not self.matches:
            return None
        self._number = (self._number + by) % len(self.matches)
        return self.matches[self._number]

    def arrive(self) -> None:
        """The cursor is on the current match, or goes there as soon as its line exists."""
        self.place_words = f"/ {self._number + 1} of {len(self.matches)}"

    def leave(self) -> None:
        """The user moved the cursor elsewhere."""
        self.place_words, self.awaits = "", False

    def rows(self, width: int) -> list[Row]:
        """The matches as lines of this width: a property with its object, since many objects have one of the same name."""
        return [
            Row(
                str(number), "", clean(spot.title if width >= HINTS_FROM else with_owner(spot)), clean(brief(spot.value)),
                tone="muted", hint=clean(spot.path), path=spot.path if spot.path.startswith("/") else "", source=spot,
            )
            for number, spot in enumerate(self.matches)
        ]  # fmt: skip

    @property
    def count_words(self) -> str:
        """The number of matches, and whether there may be more; empty without a text."""
        count = len(self.matches)
        if not self.text.strip():
            return ""
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
