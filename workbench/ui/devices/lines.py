"""The widget with the lines of the device tree and the cursor."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from workbench.ui.devices.layout import Layout

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.events import Click, MouseMove

    from workbench.ui.devices.outline.listing import Listing
    from workbench.ui.devices.row import Row


class DeviceLines(ScrollView, can_focus=True):
    """Shows a listing and moves its cursor. Knows rows, not devices."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "devices--text",
        "devices--muted",
        "devices--ok",
        "devices--warning",
        "devices--error",
        "devices--guide",
        "devices--cursor",
    }
    DEFAULT_CSS = """
    DeviceLines {
        background: $background;
        overflow-x: hidden;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        & > .devices--text { color: $foreground; }
        & > .devices--muted { color: $text-muted; }
        & > .devices--ok { color: $success; }
        & > .devices--warning { color: $warning; }
        & > .devices--error { color: $error; }
        & > .devices--guide { color: $foreground 35%; }
        & > .devices--cursor { background: $panel; }
        &:focus > .devices--cursor { background: $primary 30%; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "open", "Open", id="devices.open", tooltip="Expand or collapse; on a property: set it"),
        Binding("up,k", "move(-1)", "Up", id="devices.up", tooltip="Previous line", show=False),
        Binding("down,j", "move(1)", "Down", id="devices.down", tooltip="Next line", show=False),
        Binding("pageup", "page(-1)", "Page up", id="devices.page_up", tooltip="Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="devices.page_down", tooltip="Page down", show=False),
        Binding("home", "edge(0)", "First", id="devices.first", tooltip="First line", show=False),
        Binding("end", "edge(-1)", "Last", id="devices.last", tooltip="Last line", show=False),
        Binding(
            "right",
            "expand",
            "Expand",
            id="devices.expand",
            tooltip="Expand, or go to the first line inside",
            show=False,
        ),
        Binding(
            "left",
            "collapse",
            "Collapse",
            id="devices.collapse",
            tooltip="Collapse, or go to the parent line",
            show=False,
        ),
    ]

    class Toggled(Message):
        """A line is to be expanded or collapsed."""

        def __init__(self, control: DeviceLines, row: Row, expand: bool) -> None:
            super().__init__()
            self._control = control
            self.row = row
            self.expand = expand

        @property
        def control(self) -> DeviceLines:
            return self._control

    class Moved(Message):
        """The cursor is on another line, or its line has changed."""

        def __init__(self, control: DeviceLines, row: Row | None) -> None:
            super().__init__()
            self._control = control
            self.row = row

        @property
        def control(self) -> DeviceLines:
            return self._control

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, DeviceLines.Moved)

    class Entered(Message):
        """Enter was pressed on a line that cannot be expanded."""

        def __init__(self, control: DeviceLines, row: Row) -> None:
            super().__init__()
            self._control = control
            self.row = row

        @property
        def control(self) -> DeviceLines:
            return self._control

    class Scrolled(Message):
        """The visible lines have changed."""

        def __init__(self, control: DeviceLines) -> None:
            super().__init__()
            self._control = control

        @property
        def control(self) -> DeviceLines:
            return self._control

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, DeviceLines.Scrolled)

    dimmed: reactive[bool] = reactive(False)
    """Whether the lines are stale."""

    def __init__(self, listing: Listing) -> None:
        """
        :param listing: the lines to show; after each change of them, call :meth:`update`.
        """
        super().__init__()
        self._listing = listing
        self._drawn: list[Row] = []
        """The lines at the last update."""
        self._drawn_cursor = 0
        self._layout = Layout()

    @property
    def rows(self) -> list[Row]:
        return self._listing.rows

    @property
    def row(self) -> Row | None:
        """The line under the cursor."""
        return self._listing.row

    @property
    def cursor(self) -> int:
        """Number of the line under the cursor. Setting it scrolls to the line."""
        return self._listing.cursor

    @cursor.setter
    def cursor(self, number: int) -> None:
        old = self._listing.cursor
        self._listing.move_to(number)
        new = self._drawn_cursor = self._listing.cursor
        if new != old:
            self._repaint(old)
            self._repaint(new)
            self._scroll_to_cursor()
            self.post_message(self.Moved(self, self.row))

    @property
    def on_screen(self) -> list[Row]:
        """The visible lines."""
        top = round(self.scroll_offset.y)
        return self.rows[top : top + self.scrollable_content_region.height]

    def update(self) -> None:
        """Show the listing as it is now, with the same line at the top. Only changed lines are redrawn."""
        before, before_cursor, top = self._drawn, self._drawn_cursor, round(self.scroll_offset.y)
        top_key = before[top].key if top < len(before) else ""
        lines = self._drawn = self.rows
        self._drawn_cursor = self.cursor
        moved = self._arrange()
        if len(lines) == len(before) and not moved:
            for number, (old, new) in enumerate(zip(before, lines, strict=True)):
                if old != new:
                    self._repaint(number)
            for number in {before_cursor, self.cursor} if self.cursor != before_cursor else ():
                self._repaint(number)
        else:
            new_top = self.number_of(top_key)
            if new_top is not None and new_top != top:
                self.scroll_to(y=new_top, animate=False, force=True, immediate=True)
            self.refresh()
        if self.cursor != before_cursor or len(lines) != len(before):
            self._scroll_to_cursor()
        self.post_message(self.Moved(self, self.row))

    def show_below(self, key: str) -> None:
        """Scroll so that as many of the lines inside one as fit are visible."""
        start = self.number_of(key)
        if start is None:
            return
        depth = cell_len(self.rows[start].guide)
        inside = takewhile(lambda row: cell_len(row.guide) > depth, self.rows[start + 1 :])
        height = min(1 + sum(1 for _ in inside), self.scrollable_content_region.height)
        self.scroll_to_region(Region(0, start, 1, height), animate=False, force=True, immediate=True, x_axis=False)

    def number_of(self, key: str) -> int | None:
        return self._listing.number_of(key)

    def _scroll_to_cursor(self) -> None:
        region = Region(0, self.cursor, 1, 1)
        self.scroll_to_region(region, animate=False, force=True, immediate=True, x_axis=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.Scrolled(self))

    def _repaint(self, number: int) -> None:
        self.refresh(Region(0, number - round(self.scroll_offset.y), self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        number = y + round(self.scroll_offset.y)
        width = self._layout.width
        if number >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        return self._line(self.rows[number], width, cursor=number == self.cursor)

    def _line(self, row: Row, width: int, *, cursor: bool) -> Strip:
        """Guide, text and note from the left, the value right-aligned."""
        back = Style(bgcolor=self.get_component_rich_style("devices--cursor" if cursor else "devices--text").bgcolor)
        guide, text, note, value, flag = self._layout.fit(row)
        muted = row.muted or self.dimmed
        tone = "muted" if self.dimmed or (row.muted and not row.tone) else row.tone or "text"
        gap = max(0, width - cell_len(guide) - cell_len(text) - cell_len(note) - cell_len(value) - cell_len(flag))
        segments = [
            Segment(guide, self._style("guide") + back),
            Segment(text, self._style("muted" if muted else "text") + back),
            Segment(note, self._style("muted") + back),
            Segment(flag, self._style("muted" if self.dimmed else "warning") + back),
            Segment(" " * gap, back),
            Segment(value, self._style(tone) + back),
        ]
        return Strip(segments).adjust_cell_length(width, back)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"devices--{name}")

    def on_resize(self) -> None:
        self._arrange()
        self._scroll_to_cursor()
        self.refresh()

    def _arrange(self) -> bool:
        """Lay out the columns for this width and these lines; return whether they changed."""
        width = self.scrollable_content_region.width
        self.virtual_size = Size(width, len(self.rows))
        before, self._layout = self._layout, Layout.of(self.rows, width)
        return before != self._layout

    def action_move(self, by: int) -> None:
        self.cursor += by

    def action_page(self, direction: int) -> None:
        self.cursor += direction * max(1, self.scrollable_content_region.height - 1)

    def action_edge(self, number: int) -> None:
        self.cursor = number if number >= 0 else len(self.rows) + number

    def action_open(self) -> None:
        row = self.row
        if row is None:
            return
        if row.expandable:
            self.post_message(self.Toggled(self, row, not row.expanded))
        else:
            self.post_message(self.Entered(self, row))

    def action_expand(self) -> None:
        row = self.row
        if row is None or not row.expandable:
            return
        if row.expanded:
            self.cursor += 1
        else:
            self.post_message(self.Toggled(self, row, True))

    def action_collapse(self) -> None:
        row = self.row
        if row is None:
            return
        if row.expanded:
            self.post_message(self.Toggled(self, row, False))
        elif (parent := self.number_of(row.parent)) is not None:
            self.cursor = parent

    def on_click(self, event: Click) -> None:
        number = event.y + round(self.scroll_offset.y)
        if number < len(self.rows):
            self.cursor = number
            if self.rows[number].expandable:
                self.action_open()

    def on_mouse_move(self, event: MouseMove) -> None:
        """Show the full value of a line where it was cut."""
        number = event.y + round(self.scroll_offset.y)
        tip = None
        if number < len(self.rows):
            row = self.rows[number]
            if row.value and self._layout.fit(row).value != row.value:
                tip = Content(f"{row.text}: {row.value[:400]}")
        if tip != self.tooltip:
            self.tooltip = tip
