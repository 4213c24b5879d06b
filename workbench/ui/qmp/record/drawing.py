"""The widget that draws the lines of a log: scrolling, rewrapping, selection, marked matches."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message as TextualMessage
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from workbench.ui.qmp.record.entries import Entries, Entry, Line
from workbench.ui.qmp.record.lines import ROLES

if TYPE_CHECKING:
    import re

    from textual.events import Resize
    from textual.selection import Selection

    from workbench.ui.qmp.record.json_lines import Pieces


DRAWN = 128
"""Drawn lines that are cached: more than a screen shows. Each takes about 80 objects with its own caches; caching all
lines would add 30 ms to each garbage collection."""


class LogLines(ScrollView, can_focus=True):
    """Entries, and below them one muted line that is updated in place."""

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"traffic--{role}" for role in (*ROLES, "cursor", "match")}
    DEFAULT_CSS = """
    LogLines {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        & > .traffic--plain, & > .traffic--text { color: $foreground; }
        & > .traffic--time, & > .traffic--label, & > .traffic--muted { color: $text-muted; }
        & > .traffic--sent { color: $primary; }
        & > .traffic--received { color: $text-success; }
        & > .traffic--event { color: $text-warning; }
        & > .traffic--error { color: $text-error; }
        & > .traffic--mistake { color: $text-error; text-style: underline; }
        & > .traffic--name { color: $foreground; text-style: bold; }
        & > .traffic--key { color: $text-primary; }
        & > .traffic--string { color: $text-success; }
        & > .traffic--number { color: $text-warning; }
        & > .traffic--literal { color: $text-accent; }
        & > .traffic--cursor { background: $boost; }
        & > .traffic--match { background: $warning; color: $background; }
    }
    """

    class EdgeReached(TextualMessage):
        """The reader wants the messages before or after those that are loaded."""

        def __init__(self, *, end: bool, far: bool) -> None:
            super().__init__()
            self.end = end
            self.far = far
            """Whether to go to the very first or last message."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._held = Entries()
        self._tail = Line(None, [])
        self.drawn: LRUCache[Line, Strip] = LRUCache(DRAWN)
        """The last lines that were drawn, as drawn; see :data:`DRAWN`."""
        self._pattern: re.Pattern[str] | None = None
        self._chosen: Entry | None = None
        """The entry that the cursor is on."""
        self._filling = False
        """Whether other messages are being loaded: scrolling is then not by the reader."""
        self.following = True
        """Whether the log follows its end."""

    def set_tail(self, pieces: Pieces) -> None:
        """Set the line below the items; an empty one is hidden."""
        if pieces == self._tail.pieces:
            return
        grown = bool(pieces) != bool(self._tail.pieces)
        self._tail = Line(None, pieces)
        if grown:
            self._lines_changed()
        else:
            self.refresh_line(len(self._held.lines))

    @property
    def text(self) -> str:
        """The visible and scrolled lines as plain text."""
        return "\n".join(line.text for line in self._all_lines())

    def mark(self, pattern: re.Pattern[str] | None) -> None:
        """Mark the matches of a pattern."""
        self._pattern = pattern
        self.refresh()

    # Lines.

    def _lines_changed(self, forgotten: int = 0) -> None:
        height = len(self._held.lines) + bool(self._tail.pieces)
        # Set without a layout of the whole screen, which takes longer than everything else for a message; the scrollbar
        # is always shown, so nothing else moves.
        self.set_reactive(Widget.virtual_size, Size(self._held.width, height))
        self._scroll_update(self.virtual_size)
        if self.following:
            # Forced: scrolling is only allowed after the next layout.
            self.scroll_end(animate=False, immediate=True, x_axis=False, force=True)
        elif forgotten:
            self.scroll_to(y=max(0, self.scroll_y - forgotten), animate=False, immediate=True)
        self.refresh()

    def on_resize(self, event: Resize) -> None:
        width = self.scrollable_content_region.width
        if not width or width == self._held.width:
            self._lines_changed()
            return
        top = self.scroll_offset.y
        anchor = self._held.lines[top].entry if top < len(self._held.lines) else None
        self._held.lay_out_all(width)
        self._lines_changed()
        if not self.following and anchor is not None:
            self._show_entry(anchor)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._filling:
            return
        before, self.following = self.following, self.is_vertical_scroll_end
        at_top = round(new_value) == 0 and not self.following
        if self._held.lines and (at_top or (self.following and not before)):
            self.post_message(self.EdgeReached(end=not at_top, far=False))

    def _show_entry(self, entry: Entry) -> None:
        self.scroll_to(y=self._held.line_of(entry), animate=False, immediate=True, force=True)

    # Drawing.

    def _all_lines(self) -> list[Line]:
        return [*self._held.lines, self._tail] if self._tail.pieces else self._held.lines

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.drawn.clear()

    def render_line(self, y: int) -> Strip:
        index = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        lines = self._held.lines
        if index < len(lines):
            line = lines[index]
        elif index == len(lines) and self._tail.pieces:
            line = self._tail
        else:
            return Strip.blank(width, self.rich_style)
        strip, base = self._drawing(line), self.rich_style
        if line.entry is not None and line.entry is self._chosen and self.has_focus:
            base = base + Style(bgcolor=self.get_component_rich_style("traffic--cursor").bgcolor)
            strip = Strip([Segment(s.text, (s.style or base) + Style(bgcolor=base.bgcolor)) for s in strip])
        if self._pattern is not None:
            style = self.get_component_rich_style("traffic--match")
            for match in self._pattern.finditer(line.text):
                strip = _marked(strip, line.text, match.span(), style)
        strip = self._selected(strip, line, index).crop_extend(0, width, base)
        return strip.apply_offsets(0, index)

    def _drawing(self, line: Line) -> Strip:
        """The line in its colours, until the theme changes."""
        strip = self.drawn.get(line)
        if strip is None:
            strip = self.drawn[line] = Strip(
                Segment(text, self.get_component_rich_style(f"traffic--{role}")) for text, role in line.pieces
            )
        return strip

    def _selected(self, strip: Strip, line: Line, index: int) -> Strip:
        """The strip with the mouse selection highlighted."""
        selection = self.text_selection
        span = selection.get_span(index) if selection is not None else None
        if span is None:
            return strip
        return _marked(strip, line.text, span, self.screen.get_component_rich_style("screen--selection"))

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selection.extract(self.text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()


def _marked(strip: Strip, text: str, span: tuple[int, int], style: Style) -> Strip:
    """The strip with a span of its text in another style; an end of -1 is the end of the text."""
    start = cell_len(text[: span[0]])
    end = strip.cell_length if span[1] == -1 else cell_len(text[: span[1]])
    if start >= end:
        return strip
    before, marked, after = strip.crop(0, start), strip.crop(start, end), strip.crop(end)
    return Strip.join([before, Strip([Segment(s.text, (s.style or style) + style) for s in marked]), after])
