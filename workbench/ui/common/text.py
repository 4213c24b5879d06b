"""Text that changes many times a second and costs nothing while it does not."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class TextBlock(Static):
    """A static text whose :meth:`show` draws only what has changed.

    ``Static.update`` lays the whole screen out anew each time, which takes longer than everything else that a new
    reading costs. Here that happens only when the number of lines changes.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._shown = Content("")

    @property
    def shown(self) -> Content:
        """What stands there now."""
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
    """Lines that the text takes at this width; exact where no line wraps, and never equal by mistake where one does."""
    lines = content.plain.split("\n")
    return len(lines) if all(len(line) <= width for line in lines) else -len(content.plain) - 1
