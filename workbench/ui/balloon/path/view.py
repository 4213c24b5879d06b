"""The view of a target's path: the functions of QEMU and the guest that it passes, marked as they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message

from workbench.domain.balloon.path.timeline import PathView
from workbench.ui.balloon.path import text as path_text
from workbench.ui.common.text import TextBlock

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    Source = Callable[[Callable[[PathView], None]], Callable[[], None]]
    """A guest's :meth:`workbench.engine.base.Guest.path`."""

BRIEF = 20
"""Rows below which the short form is shown."""


class PathPane(Vertical):
    """Shows the path of one guest's last change. Watches the guest only while open."""

    DEFAULT_CSS = """
    PathPane {
        height: 1fr;
        & > #path-head { height: 3; margin-bottom: 1; }
        & > #path-way { height: 1fr; }
        & #path-stages, & #path-reads, & #path-whole, & #path-questions { height: auto; }
    }
    """

    class Seen(Message):
        """Something new was seen; posted from the engine's task and shown in the screen's turn."""

        def __init__(self, view: PathView, guest: str) -> None:
            super().__init__()
            self.view = view
            self.guest = guest

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, PathPane.Seen)

    def __init__(self) -> None:
        super().__init__()
        self._guest = ""
        self._source: Source | None = None
        self._forget: Callable[[], None] | None = None
        self._view = PathView("")
        self._ram = 0
        self._hugepages = False

    def compose(self) -> ComposeResult:
        yield TextBlock(id="path-head")
        with VerticalScroll(id="path-way"):
            yield TextBlock(id="path-stages")
            yield TextBlock(id="path-reads")
            yield TextBlock(id="path-whole")
            yield TextBlock(id="path-questions")

    @property
    def is_open(self) -> bool:
        return self._forget is not None

    def show_path_of(self, guest: str, source: Source) -> None:
        """Switch to another guest, or to another run of the same one."""
        self._guest, self._source = guest, source
        self._view = PathView("")
        if self.is_open:
            self.close()
            self.open()

    def know_guest(self, ram: int, *, hugepages: bool) -> None:
        """Set what the numbers are based on: the guest's RAM in bytes, and its backing."""
        if (ram, hugepages) != (self._ram, self._hugepages):
            self._ram, self._hugepages = ram, hugepages
            self._show()

    def open(self) -> None:
        """Start watching."""
        guest = self._guest
        if self._source is not None and self._forget is None:
            self._forget = self._source(lambda view: self._take(view, guest))
        self._show()

    def close(self) -> None:
        """Stop watching: the trace events are turned off when there is no other watcher."""
        if self._forget is not None:
            self._forget()
            self._forget = None

    def on_unmount(self) -> None:
        self.close()

    def on_resize(self) -> None:
        self._show()

    def _take(self, view: PathView, guest: str) -> None:
        self.post_message(self.Seen(view, guest))

    def on_path_pane_seen(self, message: Seen) -> None:
        message.stop()
        if message.guest == self._guest:
            self._view = message.view
            self._show()

    def _show(self) -> None:
        if not self.is_mounted or not self.is_open:
            return
        # One column is reserved for the scroll bar, so that nothing moves when it appears.
        width = max(20, self.content_region.width - 1)
        brief = self.content_region.height < BRIEF
        self.query_one("#path-head", TextBlock).show(path_text.head(self._view, self._ram, width))
        stages = path_text.stage_list(self._view, width, hugepages=self._hugepages, brief=brief)
        self.query_one("#path-stages", TextBlock).show(stages)
        self.query_one("#path-reads", TextBlock).show(path_text.reads(self._view))
        whole = path_text.whole(self._view, width, hugepages=self._hugepages) if brief else Content("")
        self.query_one("#path-whole", TextBlock).show(whole)
        self.query_one("#path-questions", TextBlock).show(
            path_text.questions(self._view, self._ram, hugepages=self._hugepages)
        )
