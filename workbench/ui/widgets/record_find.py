"""The line in which one types what to find in the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from workbench.ui.widgets.text_block import TextBlock

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class RecordFind(Widget):
    """Stands at the foot of the log while something is looked for."""

    DEFAULT_CSS = """
    RecordFind {
        display: none; dock: bottom; height: 1; layout: horizontal; background: $surface;
        &.-open { display: block; }
        & > .find-slash { width: 2; color: $accent; }
        & > Input { width: 1fr; }
        & > #record-count { width: 20; color: $text-muted; text-align: right; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="qmp.find-leave", tooltip="Look for nothing any more", show=False),
        Binding("up", "step(-1)", "Up", id="qmp.find-up", tooltip="The match before", show=False),
        Binding("down", "step(1)", "Down", id="qmp.find-down", tooltip="The match after", show=False),
    ]

    class Changed(Message):
        """Something else is sought."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Stepped(Message):
        """The next match is wanted, or the one before."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    class Closed(Message):
        """The line is left."""

        def __init__(self, *, keep: bool) -> None:
            super().__init__()
            self.keep = keep
            """Whether the matches stay, for ``n`` and ``N``."""

    def __init__(self) -> None:
        super().__init__()
        self._input = Input(compact=True, disabled=True, placeholder="any part of a command, a reply or an event")
        self._count = TextBlock(id="record-count")

    def compose(self) -> ComposeResult:
        slash = TextBlock()
        slash.add_class("find-slash")
        slash.show(Content("/"))
        yield slash
        yield self._input
        yield self._count

    @property
    def text(self) -> str:
        return self._input.value

    def open(self) -> None:
        self.add_class("-open")
        self._input.disabled = False
        self._input.focus()
        self._input.action_select_all()

    def close(self) -> None:
        self.remove_class("-open")
        self._input.disabled = True

    def show_count(self, number: int, count: int) -> None:
        """:param number: the match that one is at, from 1; 0 for none."""
        words = f"{number:,} of {count:,}" if count else "nothing found" if self.text.strip() else ""
        self._count.show(Content(words))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Closed(keep=True))

    def action_leave(self) -> None:
        self.post_message(self.Closed(keep=False))

    def action_step(self, by: int) -> None:
        self.post_message(self.Stepped(by))
