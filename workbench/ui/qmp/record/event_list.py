"""The list of received events by name, with their counts, to show or hide each."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from workbench.domain.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.binding import BindingType

COUNT_WIDTH = 11
"""Cells of a count, fixed so that it does not move when it grows."""


class EventList(OptionList):
    """Opens beside the log; choosing a name hides its events, or shows them again."""

    DEFAULT_CSS = """
    EventList {
        display: none; dock: right; width: 42; max-width: 60%; height: 1fr; max-height: 100%;
        background: $surface; border: none; padding: 0 1;
        &.-open { display: block; }
        & > .option-list--option-highlighted { background: $boost; text-style: none; }
        &:focus { border: none; }
        &:focus > .option-list--option-highlighted { background: $primary-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "select", "Show", id="events.show", tooltip="Show or hide this event", show=False),
        Binding("a", "show_all", "All", id="events.all", tooltip="Show all events", show=False),
        Binding("escape,f3", "leave", "Leave", id="events.leave", tooltip="Back to the log", show=False),
    ]

    class Changed(Message):
        """The set of hidden events has changed."""

        def __init__(self, hidden: frozenset[str]) -> None:
            super().__init__()
            self.hidden = hidden

    class Closed(Message):
        """The list was closed."""

    def __init__(self) -> None:
        super().__init__(id="qmp-events", markup=False)
        self._counts: dict[str, int] = {}
        self.hidden: frozenset[str] = frozenset()

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def open(self, counts: Mapping[str, int]) -> None:
        self.add_class("-open")
        self.count(counts)
        self.focus()

    def close(self) -> None:
        self.remove_class("-open")

    def count(self, counts: Mapping[str, int]) -> None:
        """Show these counts; only changed lines are redrawn."""
        if not self.is_open or counts == self._counts:
            return
        names = sorted(counts)
        if names != sorted(self._counts):
            at = self.highlighted
            chosen = self.get_option_at_index(at).id if at is not None and self.option_count else None
            self._counts = dict(counts)
            self.clear_options()
            self.add_options(Option(self._line(name), id=_id(name)) for name in names)
            if names:
                self.highlighted = next((i for i, name in enumerate(names) if _id(name) == chosen), 0)
            return
        for name in names:
            if counts[name] != self._counts[name]:
                self._counts[name] = counts[name]
                self.replace_option_prompt(_id(name), self._line(name))

    def _line(self, name: str) -> Content:
        hidden = name in self.hidden
        mark = ("\N{MIDDLE DOT} ", "$foreground-muted") if hidden else ("\N{BULLET} ", "$success")
        count = (f"{self._counts[name]:>{COUNT_WIDTH},}  ", "$foreground-muted")
        return Content.assemble(mark, count, (visible(name), "$foreground-muted" if hidden else "$foreground"))

    @on(OptionList.OptionSelected)
    def _toggle(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        name = sorted(self._counts)[event.option_index]
        self._hide(self.hidden ^ {name})

    def action_show_all(self) -> None:
        self._hide(frozenset())

    def _hide(self, hidden: frozenset[str]) -> None:
        changed, self.hidden = self.hidden ^ hidden, hidden
        for name in changed & self._counts.keys():
            self.replace_option_prompt(_id(name), self._line(name))
        self.post_message(self.Changed(hidden))

    def action_leave(self) -> None:
        self.close()
        self.post_message(self.Closed())


def _id(name: str) -> str:
    """An option's id, which must not be empty."""
    return f"event:{name}"
