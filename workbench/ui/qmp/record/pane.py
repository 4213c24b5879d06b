"""The pane with the messages of one guest's monitor: follow, filter, search, copy, save.

The log holds a section of the record: its end while the reader follows, another one while they read older messages.
The screen's own commands, up to ten a second, are counted in one line at the end; a key shows them with the rest.
Repeated events are folded, and counted by name.
"""

from __future__ import annotations

from collections import Counter, deque
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.message import Message as TextualMessage
from textual.reactive import reactive

from workbench.domain.qmp.record.record import Kind, Message, Origin
from workbench.domain.qmp.record.search import Show
from workbench.domain.qmp.record.transcript import copied, device_of
from workbench.domain.text import visible
from workbench.ui.common.text import TextBlock
from workbench.ui.qmp.record.counts import polling_words, state_words
from workbench.ui.qmp.record.entries import MAX_ITEMS
from workbench.ui.qmp.record.event_list import EventList
from workbench.ui.qmp.record.lines import Item, Note
from workbench.ui.qmp.record.log import TrafficLog
from workbench.ui.qmp.record.search import FindingPane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.timer import Timer

    from workbench.domain.qmp.record.record import Record
    from workbench.domain.qmp.record.search import Filter

FLUSH = 0.05
"""Seconds between flushes: messages that arrive in that time are drawn together."""
COUNT = 2.0
"""Seconds between updates of the count of the screen's own commands."""
EVENTS = 0.5
"""Seconds between updates of the counts of events."""
BURST = 100
"""New messages drawn by one flush at most; repeated events count as one."""
PAGE = MAX_ITEMS // 2
"""Messages loaded before and after the one to go to."""
ROOMY = 8
"""Height from which one line shows the path of the user's own monitor."""
NOTES = 100
"""Lines of the console's own that are kept."""


class RecordPane(FindingPane):
    """The record of one guest."""

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
        self._events = EventList()
        self._state = TextBlock(id="record-state")
        self._forget: Callable[[], None] | None = None
        self._new: list[Message] = []
        """Messages received since the last flush."""
        self._counted: Counter[str] = Counter()
        """The screen's own commands by name, since the log began."""
        self._notes: deque[tuple[int, Note]] = deque(maxlen=NOTES)
        """The console's own lines, each with the serial of the message before it."""
        self._floor = 0
        """The serial of the last message before the log was cleared."""
        self._later = 0
        """Number of messages after those in the log; 0 if the log has the newest."""
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
        return self._record

    def show(self, record: Record | None) -> None:
        """Show another guest's record, or another run's."""
        self._stop_listening()
        self._record = record
        self._notes.clear()
        self._floor = 0
        if record is not None:
            self._forget = record.listen(self._received)
        self._fill()

    def say(self, note: Note) -> None:
        """Add a line of the console's own at the end."""
        self._flush()
        self._notes.append((self._record.end - 1 if self._record else 0, note))
        if self._later:
            self._fill()
        else:
            self._log.add([note])

    def follow(self) -> None:
        """Go to the newest message and follow: the user sent a command and wants to see the reply."""
        if self._later:
            self._fill()
        elif not self._log.following:
            self._log.go_to_end(end=True)

    def _stop_listening(self) -> None:
        if self._forget is not None:
            self._forget()
            self._forget = None

    def _received(self, message: Message) -> None:
        self._new.append(message)
        if message.is_polling and message.kind is Kind.COMMAND:
            self._counted[message.name] += 1
        # Only resume a timer: this runs in the engine's task, where Textual must not be called.
        if self._flushing is not None:
            self._flushing.resume()

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.pause()
        new = [message for message in self._new if self._filter.takes(message)]
        self._new.clear()
        if not new:
            return
        # A reader at older messages keeps them: adding the new ones would drop them.
        if self._later or (not self._log.following and self._log.near_start):
            self._later += len(new)
        else:
            self._log.add(new, BURST, lambda lost: _left_out(new[-1].time, lost))
        if self._record is not None:
            self._log.forget_before(self._record.first)
        self._show_polling()

    def _show_polling(self) -> None:
        if self.polling or not self._counted or self._filter.show is not Show.ALL:
            self._log.set_tail([])
            return
        self._log.set_tail([(polling_words(self._counted, self._log.scrollable_content_region.width), "muted")])

    def _show_state(self) -> None:
        """Update the line with the counts of events and of what is hidden."""
        record = self._record
        words = state_words(self._filter, self._later, record.events if record is not None else {})
        if record is not None and record.events:
            self._events.count(record.events)
        if self.monitor and (words or self.size.height >= ROOMY):
            words.append(Content(f"yours: {visible(self.monitor)}"))
        self._state.set_class(bool(words), "-open")
        self._state.show(Content("  \N{MIDDLE DOT}  ").join(words))

    # The section shown.

    def _messages(self, after: int) -> Iterator[Item]:
        """The messages and console lines after a message, filtered, oldest first."""
        if self._record is None:
            return iter(())
        found = self._filter.choose(self._record.after(max(after, self._floor), polling=self._filter.polling))
        if not self._notes or self._filter.show not in (Show.ALL, Show.MINE):
            return found
        messages: Iterator[tuple[int, Item]] = ((message.serial, message) for message in found)
        notes: Iterator[tuple[int, Item]] = ((serial, note) for serial, note in self._notes if serial >= after)
        return (item for _, item in merge(messages, notes, key=itemgetter(0)))

    def _before(self, serial: int, count: int) -> int:
        """The serial of the message ``count`` before another one, or of the first one if there are fewer."""
        assert self._record is not None
        found = self._filter.choose(self._record.before(serial, polling=self._filter.polling))
        last = serial
        for message in islice(found, count):
            if message.serial <= self._floor:
                break
            last = message.serial
        return last

    def _fill(self) -> None:
        """Show the newest messages."""
        self._new.clear()
        self._later = 0
        record = self._record
        self._counted.clear()
        if record is None:
            self._log.fill(())
        else:
            commands = (m.name for m in record.polling.after(self._floor) if m.kind is Kind.COMMAND)
            self._counted.update(commands)
            self._log.fill(self._messages(self._before(record.end, MAX_ITEMS) - 1))
        self._show_polling()
        if self.is_mounted:
            self._show_state()

    def _fill_around(self, serial: int, *, above: bool = True) -> None:
        """Show a message with those before and after it."""
        assert self._record is not None
        items = self._messages(self._before(serial, PAGE) - 1)
        shown = list(islice(items, 2 * PAGE))
        self._new.clear()
        self._later = sum(1 for _ in items)
        self._log.fill(shown, serial, above=above)
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
        record, (first, last) = self._record, self._log.span
        if record is None or not first:
            return
        earlier = self._before(first, 1) < first
        if message.far and (self._later if message.end else earlier):
            if message.end:
                self._fill()
            else:
                self._fill_around(next(self._filter.choose(record.after(self._floor, polling=self.polling))).serial)
        elif message.end and self._later:
            self._fill_around(last, above=False)
        elif not message.end and earlier:
            self._fill_around(first)
        if message.far:
            self._log.go_to_end(end=message.end)

    # The reader's choices.

    def _set_filter(self, filter_: Filter) -> None:
        self._filter = filter_
        self._fill()

    def watch_polling(self) -> None:
        self._set_filter(replace(self._filter, polling=self.polling))

    def watch_monitor(self) -> None:
        self._show_state()

    def action_filter(self) -> None:
        shows = list(Show)
        self._set_filter(replace(self._filter, show=shows[(shows.index(self._filter.show) + 1) % len(shows)]))

    def action_events(self) -> None:
        if self._events.is_open:
            self._events.action_leave()
        elif self._record is None or not self._record.events:
            self.notify("No events yet", timeout=2)
        else:
            self._events.open(self._record.events)

    @on(EventList.Changed)
    def _hide_events(self, message: EventList.Changed) -> None:
        message.stop()
        self._set_filter(replace(self._filter, hidden=message.hidden))

    @on(EventList.Closed)
    def _events_closed(self, message: EventList.Closed) -> None:
        message.stop()
        self._log.focus()

    def toggle_whole(self) -> bool:
        """Show the last shortened item in full, or shorten it again; False if there is none."""
        return self._log.toggle_whole()

    def clear(self) -> None:
        """Clear the log; the record keeps everything."""
        self._floor = self._record.end - 1 if self._record else 0
        self._notes.clear()
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
