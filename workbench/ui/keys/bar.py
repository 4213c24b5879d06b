"""The key bar: the keys that work now, on one line; a click on a key presses it.

Textual's Footer creates a widget for each key whenever the focus moves, which takes longer than drawing the screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.screen import Screen

GAP = "  "
Key = tuple[str, str, str]
"""The key to press, its label, and what it does."""


class KeyBar(Static):
    """Follows the bindings of the focused pane."""

    DEFAULT_CSS = """
    KeyBar {
        dock: bottom; height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    # Links have a single colour; here the key has its own.
    auto_links = False

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._pane: list[Key] = []
        """The keys of the focused widget."""
        self._always: list[Key] = []
        """The keys of the screen and the app, which stay when there is no room for all."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)
        self._bindings_changed(self.screen)

    def on_resize(self) -> None:
        self._show()

    def _bindings_changed(self, screen: Screen[object]) -> None:
        pane: dict[str, Key] = {}
        always: dict[str, Key] = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.show and active.enabled:
                keys = always if active.node in (screen, self.app) else pane
                keys.setdefault(binding.action, (binding.key, self.app.get_key_display(binding), binding.description))
        if (list(pane.values()), list(always.values())) != (self._pane, self._always):
            self._pane, self._always = list(pane.values()), list(always.values())
            self._show()

    def _show(self) -> None:
        """Show as many whole keys as fit; keys of the pane are dropped first, from the end."""
        pane = list(self._pane)
        room = (self.size.width or self.app.size.width) - 2
        while pane and _width([*pane, *self._always]) > room:
            pane.pop()
        parts = [
            Content.from_markup(
                f"[@click=app.simulate_key('{key}')][$accent]$shown[/] $words[/]", shown=shown, words=words
            )
            for key, shown, words in (*pane, *self._always)
        ]
        self.update(Content(GAP).join(parts), layout=False)


def _width(keys: Sequence[Key]) -> int:
    """Columns of these keys."""
    return sum(cell_len(f"{shown} {words}") for _, shown, words in keys) + len(GAP) * (len(keys) - 1)
