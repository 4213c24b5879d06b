"""Text that may change many times a second but is redrawn only when it differs; cutting and cleaning of text."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.widgets import Static


class TextBlock(Static):
    """A static text whose :meth:`show` redraws only what has changed.

    ``Static.update`` lays out the whole screen each time, which takes longer than all other work for a new reading. Here
    that happens only when the number of lines changes.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._shown = Content("")

    @property
    def shown(self) -> Content:
        """The current text."""
        return self._shown

    def show(self, content: Content) -> None:
        before = self._shown
        if content.plain == before.plain and content.spans == before.spans:
            return
        self._shown = content
        width = self.content_region.width
        same_height = bool(width) and _height(content, width) == _height(before, width)
        self.update(content, layout=not same_height)


def _height(content: Content, width: int) -> int:
    """Lines of the text at this width; exact where no line wraps, and never equal by accident where one does."""
    lines = content.plain.split("\n")
    return len(lines) if all(len(line) <= width for line in lines) else -len(content.plain) - 1


def cut(text: str, width: int) -> str:
    """At most ``width`` cells, with an ellipsis if something was cut."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)) + "…" if width > 0 else ""


def hanging(text: str, width: int) -> list[str]:
    """A text in lines of at most ``width`` cells, broken after a space, slash or comma if possible."""
    lines = []
    while cell_len(text) > width:
        end = len(set_cell_size(text, width).rstrip()) or 1
        good = max(text.rfind(mark, 0, end) for mark in " /,") + 1
        end = good if good > end // 3 else end
        lines.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*lines, text]


_CONTROL = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)


def clean(text: str) -> str:
    """Text of a guest or of QEMU with its control characters made visible, so that they cannot move the cursor."""
    return text if text.isascii() and text.isprintable() else text.translate(_CONTROL)
