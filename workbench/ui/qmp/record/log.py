"""The log of a monitor's messages: scrolls without end, folds repeats, stays fast under load.

A widget on Textual's line API rather than a RichLog: lines are rewrapped when the width changes, a reply of megabytes
costs only its visible lines, the last line is updated in place, text can be selected, and a reader who has scrolled up
keeps their place. It holds a section of the record, and asks for the next one at its edges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from workbench.ui.qmp.record.drawing import LogLines
from workbench.ui.qmp.record.entries import MAX_ITEMS, Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.binding import BindingType
    from textual.events import Click

    from workbench.ui.qmp.record.lines import Item


class TrafficLog(LogLines):
    """A log with a cursor; new items are added at the end, the oldest are dropped."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor(-1)", "Up", id="qmp.up", tooltip="Previous message", show=False),
        Binding("down", "cursor(1)", "Down", id="qmp.down", tooltip="Next message", show=False),
        Binding("enter", "toggle_chosen", "Open", id="qmp.open", tooltip="Expand or collapse the message", show=False),
        Binding("home", "edge(False)", "Oldest", id="qmp.oldest", tooltip="Oldest message", show=False),
        Binding("end", "edge(True)", "Newest", id="qmp.newest", tooltip="Newest message", show=False),
    ]

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
        entry = self._held.lines[bottom - 1].entry if bottom else None
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

    # Long replies.

    def action_toggle_chosen(self) -> None:
        if self._chosen is not None and self._chosen.openable:
            self._toggle(self._chosen)

    def toggle_whole(self, index: int | None = None) -> bool:
        """Show a shortened item in full, or shorten it again; False if there is none.

        :param index: a line of it; None for the last such item that is visible or above.
        """
        entry = self._shortened_at(index) if index is not None else self._shortened_above()
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

    def _shortened_at(self, index: int) -> Entry | None:
        lines = self._held.lines
        entry = lines[index].entry if 0 <= index < len(lines) else None
        return entry if entry is not None and entry.openable else None

    def _shortened_above(self) -> Entry | None:
        bottom = min(self.scroll_offset.y + self.size.height, len(self._held.lines))
        for index in range(bottom - 1, -1, -1):
            if entry := self._shortened_at(index):
                return entry
        return None

    def on_click(self, event: Click) -> None:
        index = self.scroll_offset.y + event.y
        lines = self._held.lines
        entry = lines[index].entry if 0 <= index < len(lines) else None
        if entry is None:
            return
        last = index + 1 == len(lines) or lines[index + 1].entry is not entry
        if last and (entry.layout.shortened or entry.earlier):
            self._toggle(entry)
        else:
            self._set_chosen(entry)
