"""A bare Textual app with the same kinds of widgets in the same places as the workbench's screen, for comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Input, OptionList, RichLog, Static, Tree

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

MARKERS = ("bare list", "bare host", "bare head", "bare tree", "bare log")
"""Texts that are on the screen when its first frame is complete."""


class BareApp(App[None]):
    """A screen on which only the cursor moves."""

    BINDINGS: ClassVar[list[BindingType]] = [("ctrl+q", "quit", "Leave")]
    CSS = """
    #top { height: 1fr; }
    #left { width: 30; }
    #guests { height: 1fr; }
    #middle { width: 1fr; }
    #plot { height: 1fr; }
    #devices { width: 34%; }
    #bottom { height: 34%; }
    #log { height: 1fr; }
    .pane { border: round $panel-lighten-2; }
    """

    def compose(self) -> ComposeResult:
        with Horizontal(id="top"):
            with Vertical(id="left"):
                yield OptionList(*(f"bare list {number}" for number in range(5)), id="guests", classes="pane")
                yield Static("bare host\n" * 6, id="host", classes="pane")
            with Vertical(id="middle", classes="pane"):
                yield Static("bare head\n" * 3, id="head")
                yield Static("plot\n" * 8, id="plot")
                yield Static("ledger\n" * 4, id="ledger")
            tree: Tree[None] = Tree("bare tree", id="devices", classes="pane")
            tree.root.expand()
            for number in range(20):
                tree.root.add_leaf(f"leaf {number}")
            yield tree
        with Vertical(id="bottom", classes="pane"):
            yield RichLog(id="log")
            yield Input(placeholder="input", compact=True)
        yield Footer()

    def on_mount(self) -> None:
        log = self.query_one(RichLog)
        for number in range(20):
            log.write(f"bare log {number}")


if __name__ == "__main__":
    BareApp().run()
