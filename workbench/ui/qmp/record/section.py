"""The section of a record that the log shows, and which messages are in it. Independent of Textual.

::

    ─── cleared ───┬──────────────── record ────────────────┐
                   │      ┌── the log ──┐  later            │ end
"""

from __future__ import annotations

from collections import Counter, deque
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING

from workbench.domain.qmp.record.record import Kind
from workbench.domain.qmp.record.search import Filter, Show
from workbench.ui.qmp.record.entries import MAX_ITEMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from workbench.domain.qmp.record.record import Message, Record
    from workbench.ui.qmp.record.lines import Item, Note

PAGE = MAX_ITEMS // 2
"""Messages loaded before and after the one to go to."""
NOTES = 100
"""Lines of the console's own that are kept."""


class Section:
    """Its end is the end of the record, unless earlier messages were loaded."""

    def __init__(self) -> None:
        self.record: Record | None = None
        self.filter = Filter()
        self.later = 0
        """Number of messages after those in the log; 0 if the log has the newest."""
        self.polled: Counter[str] = Counter()
        """The screen's own commands by name, since the log began."""
        self._notes: deque[tuple[int, Note]] = deque(maxlen=NOTES)
        """The console's own lines, each with the serial of the message before it."""
        self._floor = 0
        """The serial of the last message before the log was cleared."""

    def show(self, record: Record | None) -> None:
        """Take another record."""
        self.record = record
        self._notes.clear()
        self._floor = 0

    def clear(self) -> None:
        """Leave out everything up to now; the record keeps it."""
        self._floor = self._last
        self._notes.clear()

    def add_note(self, note: Note) -> None:
        """Add a line of the console's own at the end."""
        self._notes.append((self._last, note))

    def count(self, message: Message) -> None:
        """Count a new message if it is one of the screen's own commands."""
        if message.is_polling and message.kind is Kind.COMMAND:
            self.polled[message.name] += 1

    def taken(self, messages: Iterable[Message]) -> list[Message]:
        """Those of some messages that are shown."""
        return [message for message in messages if self.filter.takes(message)]

    # What to load.

    def newest(self) -> Iterator[Item]:
        """The newest messages and notes, oldest first."""
        self.later = 0
        self.polled.clear()
        if self.record is None:
            return iter(())
        for message in self.record.polling.after(self._floor):
            self.count(message)
        return self._after(self._before(self.record.end, MAX_ITEMS) - 1)

    def around(self, serial: int) -> list[Item]:
        """A message with those before and after it."""
        items = self._after(self._before(serial, PAGE) - 1)
        shown = list(islice(items, 2 * PAGE))
        self.later = sum(1 for _ in items)
        return shown

    def has_before(self, serial: int) -> bool:
        """Whether there are messages before one."""
        return self._before(serial, 1) < serial

    @property
    def oldest(self) -> int:
        """The serial of the first message; 0 if there is none."""
        if self.record is None:
            return 0
        found = self.filter.choose(self.record.after(self._floor, polling=self.filter.polling))
        return next((message.serial for message in found), 0)

    @property
    def _last(self) -> int:
        """The serial of the newest message of the record."""
        return self.record.end - 1 if self.record is not None else 0

    def _after(self, after: int) -> Iterator[Item]:
        """The messages and notes after a message, oldest first."""
        if self.record is None:
            return iter(())
        found = self.filter.choose(self.record.after(max(after, self._floor), polling=self.filter.polling))
        if not self._notes or self.filter.show not in (Show.ALL, Show.MINE):
            return found
        messages: Iterator[tuple[int, Item]] = ((message.serial, message) for message in found)
        notes: Iterator[tuple[int, Item]] = ((serial, note) for serial, note in self._notes if serial >= after)
        return (item for _, item in merge(messages, notes, key=itemgetter(0)))

    def _before(self, serial: int, count: int) -> int:
        """The serial of the message ``count`` before another one, or of the first one if there are fewer."""
        if self.record is None:
            return serial
        last = serial
        for message in islice(self.filter.choose(self.record.before(serial, polling=self.filter.polling)), count):
            if message.serial <= self._floor:
                break
            last = message.serial
        return last
