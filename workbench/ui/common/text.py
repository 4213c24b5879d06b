"""Text that may change many times a second but is redrawn only when it differs."""

from __future__ import annotations

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
