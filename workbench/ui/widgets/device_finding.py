"""The line in which one types what to find in the devices, and what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from workbench.domain.finding import find
from workbench.ui.widgets.device_row import Row, clean
from workbench.ui.widgets.node_rows import brief
from workbench.ui.widgets.text_block import TextBlock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from workbench.domain.finding import Spot

LISTED = 500
"""Matches that are listed: more are found by typing on."""


class FindBar(Widget):
    """Stands at the foot of the pane while something is looked for. It keeps what was found for ``n`` and ``N``."""

    DEFAULT_CSS = """
    FindBar {
        display: none; dock: bottom; height: 1; layout: horizontal; background: $surface;
        &.-open { display: block; }
        & > .find-slash { width: 2; color: $accent; }
        & > Input { width: 1fr; }
        & > #find-count { width: 12; color: $text-muted; text-align: right; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="devices.find-leave", tooltip="Back to where you were"),
        Binding("up", "step(-1)", "Up", id="devices.find-up", tooltip="The match above", show=False),
        Binding("down", "step(1)", "Down", id="devices.find-down", tooltip="The match below", show=False),
    ]

    class Changed(Message):
        """Other matches are to be shown."""

    class Stepped(Message):
        """The cursor is to move among the matches."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    class Closed(Message):
        """Nothing is looked for any more."""

        def __init__(self, *, go: bool) -> None:
            super().__init__()
            self.go = go
            """Whether to go to the match under the cursor."""

    def __init__(self) -> None:
        super().__init__()
        self._input = Input(compact=True, disabled=True, placeholder="name, type, id, property or value")
        self._count = TextBlock(id="find-count")
        self._spots: Sequence[Spot] = ()
        self.matches: list[Spot] = []
        self.number = -1
        """Which match one is at; -1 before the first."""

    def compose(self) -> ComposeResult:
        slash = TextBlock()
        slash.add_class("find-slash")
        slash.show(Content("/"))
        yield slash
        yield self._input
        yield self._count

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

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

    def open(self, spots: Sequence[Spot]) -> None:
        """Begin to look, with what was looked for last."""
        self.add_class("-open")
        self._input.disabled = False
        self._input.focus()
        self._input.action_select_all()
        self.fill(spots)

    def fill(self, spots: Sequence[Spot]) -> None:
        """More, or other, places to look in."""
        self._spots = spots
        self._find(self._input.value)

    def next(self, by: int) -> Spot | None:
        """The match after or before the one that one is at, round the end; None when nothing was found."""
        if not self.matches:
            return None
        self.number = (self.number + by) % len(self.matches)
        return self.matches[self.number]

    def _find(self, query: str) -> None:
        self.matches, self.number = find(self._spots, query, LISTED), -1
        count = len(self.matches)
        self._count.show(Content(f"{count}{'+' if count == LISTED else ''} found" if query.strip() else ""))
        self.post_message(self.Changed())

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.is_open:
            self._find(event.value)

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self._close(go=True)

    def action_leave(self) -> None:
        self._close(go=False)

    def action_step(self, by: int) -> None:
        self.post_message(self.Stepped(by))

    def _close(self, *, go: bool) -> None:
        self.remove_class("-open")
        self._input.disabled = True
        self.post_message(self.Closed(go=go))
