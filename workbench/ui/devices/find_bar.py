"""The search line of the device pane."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.message import Message

from workbench.ui.common.find_line import FindLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import BindingType

    from workbench.domain.devices.search import Spot
    from workbench.ui.devices.search import Known, Search


class FindBar(FindLine):
    """The search line, at the foot of the pane. Searches as the user types, and shows how many matches there are."""

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

    def __init__(self, search: Search) -> None:
        super().__init__("name, type, id, property or value", "find-count")
        self._search = search

    @property
    def wants_all(self) -> bool:
        """Whether everything should be read for the search."""
        return self.is_open or self._search.awaits

    def fill(self, spots: Sequence[Spot], known: Known) -> None:
        """Replace the places to search.

        :param known: whether these are all.
        """
        awaited = self._search.fill(spots, known)
        self._show_matches()
        if awaited:
            self.post_message(self.Awaited())

    def sought(self, text: str) -> None:
        self._search.seek(text)
        self._show_matches()

    def _show_matches(self) -> None:
        self.show_words(self._search.count_words)
        super().sought(self.text)
