"""A log of what passed on a monitor: endless, folded, and quick whatever comes.

A line-API widget of its own and not a RichLog: lines are laid out anew when the width changes, a reply of megabytes
costs the lines that are shown of it, one line at the end changes in place, text can be selected, and a reader who has
scrolled up stays where they are.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from workbench.domain.traffic import Kind, Message
from workbench.ui.widgets.traffic_lines import ROLES, Item, Layout, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.events import Click, Resize
    from textual.selection import Selection

    from workbench.ui.widgets.json_lines import Pieces

MAX_ITEMS = 1000
MAX_LINES = 20_000


@dataclass(slots=True, eq=False)
class _Entry:
    item: Item
    whole: bool = False
    """Whether all of it is shown."""
    layout: Layout = field(default_factory=Layout)
    repeats: int = 1


@dataclass(slots=True, eq=False)
class _Line:
    entry: _Entry | None
    pieces: Pieces
    strip: Strip | None = None
    """Its rendering, until the theme changes."""


class TrafficLog(ScrollView, can_focus=True):
    """Items at the end, the oldest forgotten; below them one muted line that changes in place."""

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"traffic--{role}" for role in ROLES}
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
        & > .traffic--name { color: $foreground; text-style: bold; }
        & > .traffic--key { color: $text-primary; }
        & > .traffic--string { color: $text-success; }
        & > .traffic--number { color: $text-warning; }
        & > .traffic--literal { color: $text-accent; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._entries: deque[_Entry] = deque()
        self._lines: list[_Line] = []
        self._tail = _Line(None, [])
        self._laid_out_width = 0
        self._following = True
        """Whether the reader is at the end, and wants to stay there."""

    # What the console says.

    def add(self, items: Iterable[Item]) -> None:
        """Add items at the end; a reader at the end stays there, one who scrolled up keeps their place."""
        last = self._entries[-1] if self._entries else None
        new: list[_Entry] = []
        repeats_before = last.repeats if last is not None else 0
        older = last
        for item in items:
            if last is not None and _repeats(last.item, item):
                last.repeats += 1
            else:
                last = _Entry(item)
                new.append(last)
        if older is not None and older.repeats != repeats_before:
            self._replace(older)
        # Laid out only now: a burst costs what the log can hold of it.
        for entry in new[-MAX_ITEMS:]:
            self._entries.append(entry)
            self._lines += self._laid_out(entry)
        self._lines_changed(forgotten=self._forget_oldest())

    def set_tail(self, pieces: Pieces) -> None:
        """Change the line below the items; an empty one is not shown."""
        if pieces == self._tail.pieces:
            return
        grown = bool(pieces) != bool(self._tail.pieces)
        self._tail = _Line(None, pieces)
        if grown:
            self._lines_changed()
        else:
            self.refresh_line(len(self._lines))

    def clear(self) -> None:
        """Forget everything that is shown."""
        self._entries.clear()
        self._lines.clear()
        self._tail = _Line(None, [])
        self._following = True
        self._lines_changed()

    @property
    def text(self) -> str:
        """What is shown, as plain text."""
        return "\n".join(_plain(line) for line in self._all_lines())

    # Long replies.

    def toggle_whole(self, index: int | None = None) -> bool:
        """Show all of a shortened item, or its beginning again; False when there is none.

        :param index: a line of it; None for the last one that is on the screen or above.
        """
        entry = self._shortened_at(index) if index is not None else self._shortened_above()
        if entry is None:
            return False
        entry.whole = not entry.whole
        self._replace(entry)
        self._following = self._following and not entry.whole
        self._lines_changed()
        if entry.whole:
            self._show_entry(entry)
        return True

    def _shortened_at(self, index: int) -> _Entry | None:
        entry = self._lines[index].entry if 0 <= index < len(self._lines) else None
        return entry if entry is not None and (entry.layout.shortened or entry.whole) else None

    def _shortened_above(self) -> _Entry | None:
        bottom = min(self.scroll_offset.y + self.size.height, len(self._lines))
        for index in range(bottom - 1, -1, -1):
            if entry := self._shortened_at(index):
                return entry
        return None

    def on_click(self, event: Click) -> None:
        index = self.scroll_offset.y + event.y
        line = self._lines[index] if 0 <= index < len(self._lines) else None
        if line is not None and line.entry is not None and line.entry.layout.shortened:
            last = index + 1 == len(self._lines) or self._lines[index + 1].entry is not line.entry
            if last:
                self.toggle_whole(index)

    # Lines.

    def _laid_out(self, entry: _Entry) -> list[_Line]:
        width = self._laid_out_width
        if not width:
            return []  # not on the screen yet: on_resize lays everything out
        entry.layout = lay_out(entry.item, width, whole=entry.whole)
        lines = entry.layout.lines
        if entry.repeats > 1:
            lines[-1] = [*lines[-1], (f"  {entry.repeats:,} times", "label")]
        return [_Line(entry, pieces) for pieces in lines]

    def _replace(self, entry: _Entry) -> None:
        """Lay one entry out anew in its place."""
        height = len(entry.layout.lines)
        first = len(self._lines) - height  # the newest one, as a rule
        if not height or first < 0 or self._lines[first].entry is not entry:
            first = next((at for at, line in enumerate(self._lines) if line.entry is entry), len(self._lines))
        self._lines[first : first + height] = self._laid_out(entry)

    def _forget_oldest(self) -> int:
        """Give the number of lines that went."""
        forgotten = 0
        while len(self._entries) > MAX_ITEMS or len(self._lines) - forgotten > MAX_LINES:
            forgotten += len(self._entries.popleft().layout.lines)
        del self._lines[:forgotten]
        return forgotten

    def _lines_changed(self, forgotten: int = 0) -> None:
        height = len(self._lines) + bool(self._tail.pieces)
        # Set without a layout of the whole screen, which takes longer than everything else that a message costs; the
        # scrollbar is always there, so nothing else changes its place.
        self.set_reactive(Widget.virtual_size, Size(self._laid_out_width, height))
        self._scroll_update(self.virtual_size)
        if self._following:
            # Forced: the scrollbar that allows scrolling appears only with the next layout.
            self.scroll_end(animate=False, immediate=True, x_axis=False, force=True)
        elif forgotten:
            self.scroll_to(y=max(0, self.scroll_y - forgotten), animate=False, immediate=True)
        self.refresh()

    def on_resize(self, event: Resize) -> None:
        width = self.scrollable_content_region.width
        if not width or width == self._laid_out_width:
            self._lines_changed()
            return
        top = self.scroll_offset.y
        anchor = self._lines[top].entry if top < len(self._lines) else None
        self._laid_out_width = width
        self._lines = [line for entry in self._entries for line in self._laid_out(entry)]
        self._lines_changed()
        if not self._following and anchor is not None:
            self._show_entry(anchor)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._following = self.is_vertical_scroll_end

    def _show_entry(self, entry: _Entry) -> None:
        first = next((at for at, line in enumerate(self._lines) if line.entry is entry), 0)
        self.scroll_to(y=first, animate=False, immediate=True, force=True)

    # Drawing.

    def _all_lines(self) -> list[_Line]:
        return [*self._lines, self._tail] if self._tail.pieces else self._lines

    def notify_style_update(self) -> None:
        super().notify_style_update()
        for line in (*self._lines, self._tail):
            line.strip = None

    def render_line(self, y: int) -> Strip:
        index = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if index < len(self._lines):
            line = self._lines[index]
        elif index == len(self._lines) and self._tail.pieces:
            line = self._tail
        else:
            return Strip.blank(width, self.rich_style)
        if line.strip is None:
            line.strip = Strip(
                Segment(text, self.get_component_rich_style(f"traffic--{role}")) for text, role in line.pieces
            )
        strip = self._selected(line.strip, line, index).crop_extend(0, width, self.rich_style)
        return strip.apply_offsets(0, index)

    def _selected(self, strip: Strip, line: _Line, index: int) -> Strip:
        """The strip with the part that the mouse selected marked as such."""
        selection = self.text_selection
        span = selection.get_span(index) if selection is not None else None
        if span is None:
            return strip
        text = _plain(line)
        start = cell_len(text[: span[0]])
        end = strip.cell_length if span[1] == -1 else cell_len(text[: span[1]])
        if start >= end:
            return strip
        style = self.screen.get_component_rich_style("screen--selection")
        before, marked, after = strip.crop(0, start), strip.crop(start, end), strip.crop(end)
        return Strip.join([before, Strip([Segment(s.text, (s.style or style) + style) for s in marked]), after])

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selection.extract(self.text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()


def _plain(line: _Line) -> str:
    return "".join(text for text, _ in line.pieces)


def _repeats(last: Item, item: Item) -> bool:
    """Whether a note or an event says again what the last line says, as every poll of a frozen QEMU does."""
    return (
        isinstance(last, Message)
        and isinstance(item, Message)
        and item.kind in (Kind.NOTE, Kind.EVENT)
        and (last.kind, last.name, last.payload) == (item.kind, item.name, item.payload)
    )
