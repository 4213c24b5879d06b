"""The log of a monitor's messages: scrolls without end, folds repeats, stays fast under load.

A widget on Textual's line API rather than a RichLog: lines are rewrapped when the width changes, a reply of megabytes
costs only its visible lines, the last line is updated in place, text can be selected, and a reader who has scrolled up
keeps their place. It holds a section of the record, and asks for the next one at its edges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message as TextualMessage
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from workbench.ui.qmp.record.drawing import Drawing
from workbench.ui.qmp.record.entries import MAX_ITEMS, Entries, Entry, Line
from workbench.ui.qmp.record.lines import ROLES

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable

    from textual.binding import BindingType
    from textual.cache import LRUCache
    from textual.events import Click, Resize
    from textual.selection import Selection

    from workbench.ui.qmp.record.json_lines import Pieces
    from workbench.ui.qmp.record.lines import Item


class TrafficLog(ScrollView, can_focus=True):
    """Entries with a cursor, and below them one muted line; new items are added at the end, the oldest are dropped."""

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"traffic--{role}" for role in (*ROLES, "cursor", "match")}
    DEFAULT_CSS = """
    TrafficLog {
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

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor(-1)", "Up", id="qmp.up", tooltip="Previous message", show=False),
        Binding("down", "cursor(1)", "Down", id="qmp.down", tooltip="Next message", show=False),
        Binding("enter", "toggle_chosen", "Open", id="qmp.open", tooltip="Expand or collapse the message", show=False),
        Binding("home", "edge(False)", "Oldest", id="qmp.oldest", tooltip="Oldest message", show=False),
        Binding("end", "edge(True)", "Newest", id="qmp.newest", tooltip="Newest message", show=False),
    ]

    class EdgeReached(TextualMessage):
        """The reader wants the messages before or after those that are loaded."""

        def __init__(self, *, end: bool, far: bool) -> None:
            super().__init__()
            self.end = end
            self.far = far
            """Whether to go to the very first or last message."""

    def __init__(self) -> None:
        super().__init__()
        self._held = Entries()
        self._drawing = Drawing(lambda role: self.get_component_rich_style(f"traffic--{role}"))
        self._chosen: Entry | None = None
        """The entry that the cursor is on."""
        self._filling = False
        """Whether other messages are being loaded: scrolling is then not by the reader."""
        self.following = True
        """Whether the log follows its end."""

    # Items.

    def add(self, items: Iterable[Item], most: int = MAX_ITEMS, left_out: Callable[[int], Item] | None = None) -> None:
        """Add items at the end; a reader at the end stays there, one who scrolled up keeps their place.

        :param most: new entries that are shown at most; ``left_out`` makes an item from the number of skipped ones.
        """
        self._lines_changed(forgotten=self._held.add(items, most, left_out))

    def fill(self, items: Iterable[Item], anchor: int = 0, *, above: bool = True) -> None:
        """Replace the items, and go to their end.

        :param anchor: the serial of a message to go to instead.
        :param above: whether the anchor is at the top of the log or at its foot.
        """
        self._filling = True
        self._held.clear()
        self._chosen = None
        self._held.add(items, MAX_ITEMS, None)
        entry = self._held.holding(anchor) if anchor else None
        self.following = entry is None
        self._lines_changed()
        if entry is not None:
            line = self._held.line_of(entry)
            foot = line + len(entry.layout.lines) - self.size.height
            self.scroll_to(y=max(0, line if above else foot), animate=False, immediate=True, force=True)
        self._filling = False

    def forget_before(self, serial: int) -> None:
        """Drop what the record has dropped."""
        forgotten = self._held.forget_before(serial)
        if forgotten:
            self._lines_changed(forgotten=forgotten)

    def clear(self) -> None:
        """Remove all items."""
        self.set_tail([])
        self.fill(())

    def set_tail(self, pieces: Pieces) -> None:
        """Set the line below the items; an empty one is hidden."""
        before = self._held.tail.pieces
        if pieces == before:
            return
        self._held.tail = Line(None, pieces)
        if bool(pieces) != bool(before):
            self._lines_changed()
        else:
            self.refresh_line(len(self._held.lines))

    @property
    def text(self) -> str:
        """The visible and scrolled lines as plain text."""
        return "\n".join(line.text for line in self._held.shown)

    @property
    def span(self) -> tuple[int, int]:
        """The serials of the first and the last message that are here; zeros if there is none."""
        return self._held.span

    # One message.

    @property
    def chosen(self) -> Item | None:
        """The message under the cursor; without a cursor, the last visible one."""
        if self._chosen is not None:
            return self._chosen.item
        bottom = min(self.scroll_offset.y + self.size.height, len(self._held.lines))
        entry = self._held.entry_at(bottom - 1)
        return entry.item if entry is not None else None

    @property
    def chosen_serial(self) -> int:
        """The serial of the message under the cursor; 0 without a cursor."""
        return self._chosen.last if self._chosen is not None else 0

    @property
    def near_start(self) -> bool:
        """Whether the reader is at messages that would be dropped next."""
        return self._held.nearly_full and self.scroll_offset.y < self.size.height

    def choose(self, serial: int) -> bool:
        """Move the cursor to a message of the record; False if it is not here."""
        entry = self._held.holding(serial)
        if entry is not None:
            self._set_chosen(entry)
        return entry is not None

    def _set_chosen(self, entry: Entry) -> None:
        self._chosen = entry
        first = self._held.line_of(entry)
        height = len(entry.layout.lines)
        top, room = self.scroll_offset.y, self.size.height
        if first < top or height >= room:
            self.scroll_to(y=first, animate=False, immediate=True, force=True)
        elif first + height > top + room:
            self.scroll_to(y=first + height - room, animate=False, immediate=True, force=True)
        self.following = self.is_vertical_scroll_end
        self.refresh()

    def action_cursor(self, step: int) -> None:
        visible = self._visible(self._chosen) if self._chosen is not None else False
        if not visible:
            lines = self._held.lines[self.scroll_offset.y : self.scroll_offset.y + self.size.height]
            entry = next((line.entry for line in (lines if step > 0 else reversed(lines)) if line.entry), None)
        else:
            entry = self._held.neighbour(self._chosen, step)
        if entry is not None:
            self._set_chosen(entry)
        elif self._held.lines:
            self.post_message(self.EdgeReached(end=step > 0, far=False))

    def _visible(self, entry: Entry) -> bool:
        first = self._held.line_of(entry)
        top = self.scroll_offset.y
        return first < top + self.size.height and first + len(entry.layout.lines) > top

    def action_edge(self, end: bool) -> None:
        self.post_message(self.EdgeReached(end=end, far=True))

    def go_to_end(self, *, end: bool) -> None:
        """Scroll to the end or the beginning of the log."""
        self._chosen = None
        if end:
            self.scroll_end(animate=False, immediate=True, x_axis=False, force=True)
        else:
            self.scroll_to(y=0, animate=False, immediate=True, force=True)
        self.following = end
        self.refresh()

    # Lines.

    def _lines_changed(self, forgotten: int = 0) -> None:
        height = len(self._held.lines) + bool(self._held.tail.pieces)
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
        anchor = self._held.entry_at(top)
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

    # Long replies.

    def action_toggle_chosen(self) -> None:
        if self._chosen is not None and self._chosen.openable:
            self._toggle(self._chosen)

    def toggle_whole(self) -> bool:
        """Show the last shortened item that is visible or above in full, or shorten it again; False if there is none."""
        entry = self._held.openable_above(min(self.scroll_offset.y + self.size.height, len(self._held.lines)))
        if entry is None:
            return False
        self._toggle(entry)
        return True

    def _toggle(self, entry: Entry) -> None:
        entry.whole = not entry.whole
        self._held.replace(entry)
        self.following = self.following and not entry.whole
        self._lines_changed()
        if entry.whole:
            self._show_entry(entry)

    def on_click(self, event: Click) -> None:
        index = self.scroll_offset.y + event.y
        entry = self._held.entry_at(index)
        if entry is None:
            return
        last = self._held.entry_at(index + 1) is not entry
        if last and (entry.layout.shortened or entry.earlier):
            self._toggle(entry)
        else:
            self._set_chosen(entry)

    # Drawing.

    def mark(self, pattern: re.Pattern[str] | None) -> None:
        """Mark the matches of a pattern."""
        self._drawing.pattern = pattern
        self.refresh()

    @property
    def drawn(self) -> LRUCache[Line, Strip]:
        """The lines that were drawn last, as drawn."""
        return self._drawing.drawn

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawing.drawn.clear()

    def render_line(self, y: int) -> Strip:
        index = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        base, cursor, line = self.rich_style, None, self._held.line_at(index)
        if line is None:
            return Strip.blank(width, base)
        if line.entry is not None and line.entry is self._chosen and self.has_focus:
            base = cursor = base + Style(bgcolor=self.get_component_rich_style("traffic--cursor").bgcolor)
        strip = self._drawing.draw(line, cursor, self._selected(index))
        return strip.crop_extend(0, width, base).apply_offsets(0, index)

    def _selected(self, index: int) -> tuple[tuple[int, int], Style] | None:
        """What the mouse has selected in a line, and its style."""
        selection = self.text_selection
        span = selection.get_span(index) if selection is not None else None
        return (span, self.screen.get_component_rich_style("screen--selection")) if span is not None else None

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selection.extract(self.text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()
