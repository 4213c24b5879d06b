"""Which pane is the current one: the one with the focus, and the only one shown in a small terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from workbench.ui.keys.names import key_name

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.widget import Widget

PANES = {
    "guests": "Guests",
    "balloon": "Balloon",
    "qmp": "QMP",
    "console": "Console",
    "devices": "Devices",
    "host": "Host",
}
PANE_KEYS = {"guests": "g", "balloon": "b", "qmp": ":", "console": "c", "devices": "d", "host": "h"}


class PaneNames(Static):
    """The row of names from which a small terminal chooses the pane that it shows."""

    def __init__(self) -> None:
        super().__init__(id="names", markup=False)
        self.auto_links = False  # each name has its own colours

    def show(self, current: str) -> None:
        """Show the names of all panes, with the current one marked."""
        self.update(Content("  ").join(_name(pane, title, pane == current) for pane, title in PANES.items()))


def _name(pane: str, title: str, current: bool) -> Content:
    style = "bold $primary" if current else "$foreground-muted"
    return Content.from_markup(
        f"[@click=screen.pane('{pane}')][$accent]$key[/] [{style}]{title}[/][/]",
        key=key_name(f"pane.{pane}", PANE_KEYS[pane]),
    )


class PaneSwitch:
    """Goes to a pane of a screen, and shows it."""

    def __init__(self, screen: Screen[None], names: PaneNames) -> None:
        self._screen = screen
        self._names = names

    def go_to(self, name: str) -> None:
        """Show a pane and give it the focus."""
        self.show(name)
        pane = self._screen.query_one(f"#{name}")
        if pane.can_focus:
            self._screen.set_focus(pane)
            return
        # A console's field comes before its output.
        for widget in (*pane.query("Input"), *pane.query("*")):
            if widget.focusable:
                self._screen.set_focus(widget)
                return

    def follow(self, focused: Widget) -> None:
        """Show the pane of the widget that got the focus."""
        for widget in focused.ancestors_with_self:
            if widget.id in PANES:
                self.show(str(widget.id))

    def show(self, name: str) -> None:
        """Make a pane the visible one where only one fits."""
        screen = self._screen
        if screen.maximized is not None and screen.maximized.id != name:
            screen.minimize()
        if name in ("qmp", "console"):
            screen.set_class(name == "console", "-console")
        around = set(screen.query_one(f"#{name}").ancestors_with_self)
        for widget in screen.query("#top, #left, #bottom, .pane"):
            widget.set_class(widget in around, "-current")
        self._names.show(name)
