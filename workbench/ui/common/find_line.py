"""A search line at the foot of a pane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from workbench.ui.common.text import TextBlock

if TYPE_CHECKING:
    from textual.app import ComposeResult


class FindLine(Widget):
    """The base of the search lines; each subclass has its own keys, which a user can change."""

    DEFAULT_CSS = """
    FindLine {
        display: none; dock: bottom; height: 1; layout: horizontal; background: $surface;
        &.-open { display: block; }
        & > .find-slash { width: 2; color: $accent; }
        & > Input { width: 1fr; }
        & > .find-count { width: 20; color: $text-muted; text-align: right; }
    }
    """

    class Changed(Message):
        """The search text changed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Stepped(Message):
        """The next or previous match was requested."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    class Closed(Message):
        """The search line was closed."""

        def __init__(self, *, keep: bool) -> None:
            super().__init__()
            self.keep = keep
            """Whether to keep the match: false when the search was cancelled."""

    def __init__(self, placeholder: str, count_id: str) -> None:
        """
        :param placeholder: what can be found.
        :param count_id: the id of the text that shows the number of matches.
        """
        super().__init__()
        self._input = Input(compact=True, disabled=True, placeholder=placeholder)
        self._count = TextBlock(id=count_id)
        self._count.add_class("find-count")

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
    def text(self) -> str:
        return self._input.value

    def open(self) -> None:
        """Open with the last search text selected: typing replaces it."""
        self.add_class("-open")
        self._input.disabled = False
        self._input.focus()
        self._input.action_select_all()

    def show_words(self, words: str) -> None:
        """Show the number of matches."""
        self._count.show(Content(words))

    def sought(self, text: str) -> None:
        """Handle a changed search text."""
        self.post_message(self.Changed(text))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self.is_open:
            self.sought(event.value)

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self._close(keep=True)

    def action_leave(self) -> None:
        self._close(keep=False)

    def action_step(self, by: int) -> None:
        self.post_message(self.Stepped(by))

    def _close(self, *, keep: bool) -> None:
        self.remove_class("-open")
        self._input.disabled = True
        self.post_message(self.Closed(keep=keep))
