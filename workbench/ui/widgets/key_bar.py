"""The keys that work here and now, on one line; a click on one presses it.

Textual's own Footer makes a widget for each key whenever the focus moves, which takes longer than drawing the screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.screen import Screen


class KeyBar(Static):
    """Follows the bindings of the focused pane."""

    DEFAULT_CSS = """
    KeyBar {
        dock: bottom; height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis;
        link-style: none; link-style-hover: bold; link-color: $foreground; link-background-hover: $foreground 10%;
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._keys: list[tuple[str, str, str]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)
        self._bindings_changed(self.screen)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        keys: dict[str, tuple[str, str, str]] = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.show and active.enabled:
                keys.setdefault(binding.action, (binding.key, self.app.get_key_display(binding), binding.description))
        if list(keys.values()) != self._keys:
            self._keys = list(keys.values())
            parts = [
                Content.from_markup(
                    f"[@click=app.simulate_key('{key}')][$accent]$shown[/] $words[/]", shown=shown, words=words
                )
                for key, shown, words in self._keys
            ]
            self.update(Content("  ").join(parts), layout=False)
