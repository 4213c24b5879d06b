"""The pane with the messages of one guest's monitor: follow, filter, search, copy, save.

The log holds a section of the record: its end while the reader follows, another one while they read older messages.
The screen's own commands, up to ten a second, are counted in one line at the end; a key shows them with the rest.
Repeated events are folded, and counted by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.message import Message as TextualMessage
from textual.reactive import reactive
from textual.widget import Widget

from workbench.domain.qmp.record.record import Kind, Message, Origin
from workbench.domain.qmp.record.search import Show, pattern
from workbench.domain.qmp.record.transcript import copied, device_of
from workbench.domain.text import visible
from workbench.ui.common.text import TextBlock
from workbench.ui.qmp.record.counts import polling_words, state_words
from workbench.ui.qmp.record.event_list import EventList
from workbench.ui.qmp.record.find_line import RecordFind
from workbench.ui.qmp.record.lines import Note
from workbench.ui.qmp.record.log import TrafficLog
from workbench.ui.qmp.record.search import RecordSearch
from workbench.ui.qmp.record.section import Section

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.timer import Timer

    from workbench.domain.qmp.record.record import Record
    from workbench.domain.qmp.record.search import Filter
    from workbench.ui.qmp.record.search import Match

FLUSH = 0.05
"""Seconds between flushes: messages that arrive in that time are drawn together."""
COUNT = 2.0
"""Seconds between updates of the count of the screen's own commands."""
EVENTS = 0.5
"""Seconds between updates of the counts of events."""
BURST = 100
"""New messages drawn by one flush at most; repeated events count as one."""
ROOMY = 8
"""Height from which one line shows the path of the user's own monitor."""


class RecordPane(Widget):
    """The record of one guest. :class:`Section` decides which messages are shown, :class:`RecordSearch` finds them."""

    DEFAULT_CSS = """
    RecordPane {
        layout: vertical; height: 1fr;
        & > TrafficLog { height: 1fr; background: $background; }
        & > #record-state {
            dock: bottom; height: 1; display: none;
            color: $foreground-muted; text-wrap: nowrap; text-overflow: ellipsis;
        }
        & > #record-state.-open { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "Find", id="qmp.find", tooltip="Search all messages", show=False),
        Binding("n", "next(1)", "Next", id="qmp.next", tooltip="Next match", show=False),
        Binding("N", "next(-1)", "Previous", id="qmp.previous", tooltip="Previous match", show=False),
        Binding("f", "filter", "Filter", id="qmp.filter", tooltip="Filter: mine, events, commands, …", show=False),
        Binding("y", "copy", "Copy", id="qmp.copy", tooltip="Copy the command, reply or event", show=False),
        Binding("o", "device", "Device", id="qmp.device", tooltip="Go to the device named in the event", show=False),
    ]

    polling: reactive[bool] = reactive(False, init=False)
    """Whether the screen's own commands are shown one by one."""

    monitor: reactive[str] = reactive("", init=False)
    """Path of the QMP socket that is free for the user's own tools; empty if there is none."""

    class DeviceWanted(TextualMessage):
        """The reader wants to go to the device of an event, by its id or QOM path."""

        def __init__(self, device: str) -> None:
            super().__init__()
            self.device = device

    class SaveWanted(TextualMessage):
        """The reader wants the record saved."""

    def __init__(self) -> None:
        super().__init__()
        self._section = Section()
        self._log = TrafficLog()
        self._search = RecordSearch(self._section, lambda: self._log.chosen_serial)
        self._find = RecordFind(self._search)
        self._events = EventList()
        self._state = TextBlock(id="record-state")
        self._forget: Callable[[], None] | None = None
        self._new: list[Message] = []
        """Messages received since the last flush."""
        self._flushing: Timer | None = None
        """Runs while there is something to draw."""

    def compose(self) -> ComposeResult:
        yield self._state
        yield self._find
        yield self._events
        yield self._log

    def on_mount(self) -> None:
        self._flushing = self.set_interval(FLUSH, self._flush)
        self.set_interval(COUNT, self._show_polling)
        self.set_interval(EVENTS, self._show_state)

    def on_unmount(self) -> None:
        self._stop_listening()

    # Messages.

    @property
    def record(self) -> Record | None:
        return self._section.record

    def show(self, record: Record | None) -> None:
        """Show another guest's record, or another run's."""
        self._stop_listening()
        self._section.show(record)
        if record is not None:
            self._forget = record.listen(self._received)
        self._fill()

    def say(self, note: Note) -> None:
        """Add a line of the console's own at the end."""
        self._flush()
        self._section.add_note(note)
        if self._section.later:
            self._fill()
        else:
            self._log.add([note])

    def follow(self) -> None:
        """Go to the newest message and follow: the user sent a command and wants to see the reply."""
        if self._section.later:
            self._fill()
        elif not self._log.following:
            self._log.go_to_end(end=True)

    def _stop_listening(self) -> None:
        if self._forget is not None:
            self._forget()
            self._forget = None

    def _received(self, message: Message) -> None:
        self._new.append(message)
        self._section.count(message)
        # Only resume a timer: this runs in the engine's task, where Textual must not be called.
        if self._flushing is not None:
            self._flushing.resume()

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.pause()
        new = self._section.taken(self._new)
        self._new.clear()
        if not new:
            return
        # A reader at older messages keeps them: adding the new ones would drop them.
        if self._section.later or (not self._log.following and self._log.near_start):
            self._section.later += len(new)
        else:
            self._log.add(new, BURST, lambda lost: _left_out(new[-1].time, lost))
        if self.record is not None:
            self._log.forget_before(self.record.first)
        self._show_polling()

    def _show_polling(self) -> None:
        counted = self._section.polled
        if self.polling or not counted or self._section.filter.show is not Show.ALL:
            self._log.set_tail([])
            return
        self._log.set_tail([(polling_words(counted, self._log.scrollable_content_region.width), "muted")])

    def _show_state(self) -> None:
        """Update the line with the counts of events and of what is hidden."""
        record = self.record
        words = state_words(self._section.filter, self._section.later, record.events if record is not None else {})
        if record is not None and record.events:
            self._events.count(record.events)
        if self.monitor and (words or self.size.height >= ROOMY):
            words.append(Content(f"yours: {visible(self.monitor)}"))
        self._state.set_class(bool(words), "-open")
        self._state.show(Content("  \N{MIDDLE DOT}  ").join(words))

    # The section shown.

    def _fill(self) -> None:
        """Show the newest messages."""
        self._new.clear()
        self._log.fill(self._section.newest())
        self._show_polling()
        if self.is_mounted:
            self._show_state()

    def _fill_around(self, serial: int, *, above: bool = True) -> None:
        """Show a message with those before and after it."""
        self._new.clear()
        self._log.fill(self._section.around(serial), serial, above=above)
        self._show_state()

    def _go_to(self, serial: int) -> None:
        """Move the cursor to a message, loading it if needed."""
        if not self._log.choose(serial):
            self._fill_around(serial)
            self._log.choose(serial)
        self._show_state()

    @on(TrafficLog.EdgeReached)
    def _show_more(self, message: TrafficLog.EdgeReached) -> None:
        message.stop()
        first, last = self._log.span
        if not first:
            return
        later, earlier = self._section.later, self._section.has_before(first)
        if message.far and (later if message.end else earlier):
            if message.end:
                self._fill()
            else:
                self._fill_around(self._section.oldest)
        elif message.end and later:
            self._fill_around(last, above=False)
        elif not message.end and earlier:
            self._fill_around(first)
        if message.far:
            self._log.go_to_end(end=message.end)

    # Search.

    def action_find(self) -> None:
        if self.record is not None:
            self._find.open()

    @on(RecordFind.Changed)
    def _sought(self, message: RecordFind.Changed) -> None:
        message.stop()
        self._log.mark(pattern(message.text))
        match = self._search.seek(message.text)
        if match is None:
            self._find.show_count(0, 0)
        else:
            self._go_to_match(match)

    @on(RecordFind.Stepped)
    def _stepped(self, message: RecordFind.Stepped) -> None:
        message.stop()
        self.action_next(message.by)

    def action_next(self, by: int) -> None:
        """Go to the next or previous match, wrapping around."""
        match = self._search.step(by)
        if match is not None:
            self._go_to_match(match)
        elif self._search.text.strip():
            self.notify(f"Not found: {self._search.text}", timeout=2, markup=False)

    def _go_to_match(self, match: Match) -> None:
        self._go_to(match.serial)
        self._find.show_count(match.number, match.count)

    @on(RecordFind.Closed)
    def _leave_find(self, message: RecordFind.Closed) -> None:
        message.stop()
        if not message.keep:
            self._log.mark(None)
            self._search.forget()
        self._log.focus()

    # The reader's choices.

    def _set_filter(self, filter_: Filter) -> None:
        self._section.filter = filter_
        self._fill()

    def watch_polling(self) -> None:
        self._set_filter(replace(self._section.filter, polling=self.polling))

    def watch_monitor(self) -> None:
        self._show_state()

    def action_filter(self) -> None:
        shows = list(Show)
        self._set_filter(
            replace(self._section.filter, show=shows[(shows.index(self._section.filter.show) + 1) % len(shows)])
        )

    def action_events(self) -> None:
        if self._events.is_open:
            self._events.action_leave()
        elif self.record is None or not self.record.events:
            self.notify("No events yet", timeout=2)
        else:
            self._events.open(self.record.events)

    @on(EventList.Changed)
    def _hide_events(self, message: EventList.Changed) -> None:
        message.stop()
        self._set_filter(replace(self._section.filter, hidden=message.hidden))

    @on(EventList.Closed)
    def _events_closed(self, message: EventList.Closed) -> None:
        message.stop()
        self._log.focus()

    def toggle_whole(self) -> bool:
        """Show the last shortened item in full, or shorten it again; False if there is none."""
        return self._log.toggle_whole()

    def clear(self) -> None:
        """Clear the log; the record keeps everything."""
        self._section.clear()
        self._fill()

    def action_copy(self) -> None:
        item = self._log.chosen
        if item is None:
            return
        text = item.typed or item.message if isinstance(item, Note) else copied(item)
        self.app.copy_to_clipboard(text)
        words = text if len(text) <= 40 and "\n" not in text else f"{len(text):,} characters"
        self.notify(visible(words), title="Copied", timeout=2, markup=False)

    def action_device(self) -> None:
        item = self._log.chosen
        device = device_of(item) if isinstance(item, Message) and item.kind is Kind.EVENT else ""
        if device:
            self.post_message(self.DeviceWanted(device))
        else:
            self.notify("Choose an event that names a device", timeout=2)


def _left_out(when: float, count: int) -> Message:
    """The note in place of messages that arrived faster than they can be laid out. They are in the record."""
    return Message.of(0, when, Kind.NOTE, Origin.SCREEN, "", f"{count:,} messages not shown: too many at once")
