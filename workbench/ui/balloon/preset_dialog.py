"""The dialog that chooses a preset: a digit or a click for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from workbench.ui.common.dialogs import Dialog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.events import Key


class PresetDialog(Dialog):
    """A digit chooses; the result is the preset's name, or empty for none."""

    DEFAULT_CSS = """
    PresetDialog > Vertical { width: 44; }
    PresetDialog Static { link-style: none; link-color: $foreground; link-background-hover: $foreground 10%; }
    """

    def __init__(self, presets: Sequence[tuple[str, str]]) -> None:
        """:param presets: names and targets, at most nine."""
        width = max(len(name) for name, _ in presets)
        lines = [
            Content.from_markup(
                f"[@click=screen.choose({digit})][bold $accent]{digit}[/]  $name  [bold $target]$text[/][/]",
                name=f"{name:<{width}}",
                text=text,
            )
            for digit, (name, text) in enumerate(presets, 1)
        ]
        keys = Content.styled("a digit stages a preset, esc closes", "$foreground-muted")
        super().__init__("Presets", Content("\n").join([*lines, Content(""), keys]), [])
        self._presets = presets

    def on_key(self, event: Key) -> None:
        if event.key.isdecimal() and 1 <= int(event.key) <= len(self._presets):
            event.stop()
            self.action_choose(int(event.key))

    def action_choose(self, digit: int) -> None:
        self.dismiss(self._presets[digit - 1][0])
