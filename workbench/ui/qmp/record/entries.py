"""The items of a log as entries and lines: repeats folded, laid out for one width, the oldest dropped.

::

    14:02:11 ⚡ RTC_CHANGE  offset=3  1,204 times       one folded entry: shows the newest

Expanded, it shows the newest ones one by one. Independent of widgets.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from msgspec import Struct, field

from workbench.domain.qmp.record.record import Kind, Message
from workbench.ui.qmp.record.lines import Item, Layout, lay_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from workbench.ui.qmp.record.json_lines import Pieces

MAX_ITEMS = 1000
MAX_LINES = 20_000
OPENED = 200
"""Repeated events that an expanded entry shows: the newest."""


class Entry(Struct, eq=False):
    """One item, or several equal ones in a row."""

    item: Item
    """The newest."""
    whole: bool = False
    """Whether all of it is shown."""
    layout: Layout = field(default_factory=Layout)
    repeats: int = 1
    earlier: deque[Message] | None = None
    """Events before the newest one, if any; notes are not kept."""
    first: int = 0
    """The serial of the oldest; 0 if it is not a message of the record."""

    @property
    def last(self) -> int:
        """The serial of the newest."""
        return self.item.serial if isinstance(self.item, Message) else 0

    @property
    def openable(self) -> bool:
        """Whether it can be expanded, or is expanded."""
        return self.layout.shortened or self.whole or bool(self.earlier)

    def repeat(self, item: Message) -> None:
        """Add one more."""
        if item.kind is Kind.EVENT and isinstance(self.item, Message):
            if self.earlier is None:
                self.earlier = deque(maxlen=OPENED - 1)
            self.earlier.append(self.item)
        self.item = item
        self.repeats += 1


class Line(Struct, eq=False):
    """One line of an entry; without an entry, the line below all of them."""

    entry: Entry | None
    pieces: Pieces

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)


class Entries:
    """Entries and their lines."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.lines: list[Line] = []
        self.tail = Line(None, [])
        """The line below the entries, updated in place; hidden while it is empty."""
        self.width = 0
        """In cells; nothing is laid out while it is 0."""

    def add(self, items: Iterable[Item], most: int, left_out: Callable[[int], Item] | None) -> int:
        """Add items at the end; return the number of lines dropped at the beginning.

        :param most: new entries that are laid out at most, to bound the cost of a burst.
        :param left_out: makes an item from the number of those that were skipped.
        """
        last = self.entries[-1] if self.entries else None
        older, repeats = last, last.repeats if last else 0
        new: list[Entry] = []
        for item in items:
            if last is not None and repeats_last(last.item, item):
                assert isinstance(item, Message)
                last.repeat(item)
            else:
                last = Entry(item, first=item.serial if isinstance(item, Message) else 0)
                new.append(last)
        if older is not None and older.repeats != repeats:
            self.replace(older)
        lost = sum(entry.repeats for entry in new[:-most])
        if lost and left_out is not None:
            new = [Entry(left_out(lost)), *new[-most:]]
        for entry in new[-MAX_ITEMS:]:
            self.entries.append(entry)
            self.lines += self._laid_out(entry)
        return self._forget_oldest()

    def replace(self, entry: Entry) -> None:
        """Lay out one entry again, in its place."""
        height = len(entry.layout.lines)
        first = self.line_of(entry)
        self.lines[first : first + height] = self._laid_out(entry)

    def lay_out_all(self, width: int) -> None:
        self.width = width
        self.lines = [line for entry in self.entries for line in self._laid_out(entry)]

    def clear(self) -> None:
        self.entries.clear()
        self.lines.clear()

    @property
    def shown(self) -> list[Line]:
        """All lines, the tail included."""
        return [*self.lines, self.tail] if self.tail.pieces else self.lines

    def line_at(self, index: int) -> Line | None:
        """A line by its number, the tail included; None past the end."""
        if index < len(self.lines):
            return self.lines[index]
        return self.tail if index == len(self.lines) and self.tail.pieces else None

    def entry_at(self, index: int) -> Entry | None:
        """The entry that a line belongs to; None if there is no such line."""
        return self.lines[index].entry if 0 <= index < len(self.lines) else None

    def openable_above(self, end: int) -> Entry | None:
        """The last entry that can be expanded and has a line before this one; None if there is none."""
        entries = (self.entry_at(index) for index in range(end - 1, -1, -1))
        return next((entry for entry in entries if entry is not None and entry.openable), None)

    def line_of(self, entry: Entry) -> int:
        """Its first line; past the last line if it is not here."""
        if self.lines and self.lines[-1].entry is entry:  # usually the newest one
            return len(self.lines) - len(entry.layout.lines)
        return next((at for at, line in enumerate(self.lines) if line.entry is entry), len(self.lines))

    def holding(self, serial: int) -> Entry | None:
        """The entry of a message of the record; None if it is not here."""
        return next((entry for entry in self.entries if entry.first <= serial <= entry.last and entry.first), None)

    def neighbour(self, entry: Entry | None, step: int) -> Entry | None:
        """The entry some steps after or before another one; None past the ends."""
        entries = list(self.entries)
        at = next((at for at, each in enumerate(entries) if each is entry), None)
        if at is None:
            return entries[-1] if entries else None
        return entries[at + step] if 0 <= at + step < len(entries) else None

    @property
    def span(self) -> tuple[int, int]:
        """The serials of the first and the last message of the record that are here; zeros if there is none."""
        first = next((entry.first for entry in self.entries if entry.first), 0)
        return first, next((entry.last for entry in reversed(self.entries) if entry.first), 0)

    @property
    def nearly_full(self) -> bool:
        """Whether more entries would drop the oldest ones."""
        return len(self.entries) > MAX_ITEMS * 0.9 or len(self.lines) > MAX_LINES * 0.9

    def forget_before(self, serial: int) -> int:
        """Drop what the record has dropped; return the number of lines."""
        forgotten = 0
        while self.entries and 0 < self.entries[0].last < serial:
            forgotten += len(self.entries.popleft().layout.lines)
        del self.lines[:forgotten]
        return forgotten

    def _forget_oldest(self) -> int:
        forgotten = 0
        while len(self.entries) > MAX_ITEMS or len(self.lines) - forgotten > MAX_LINES:
            forgotten += len(self.entries.popleft().layout.lines)
        del self.lines[:forgotten]
        return forgotten

    def _laid_out(self, entry: Entry) -> list[Line]:
        if not self.width:
            return []  # not on the screen yet: its size comes with the first layout
        entry.layout = _layout(entry, self.width)
        return [Line(entry, pieces) for pieces in entry.layout.lines]


def _layout(entry: Entry, width: int) -> Layout:
    if entry.whole and entry.earlier:
        layout = Layout()
        hidden = entry.repeats - len(entry.earlier) - 1
        if hidden:
            layout.lines.append([(f"            … {hidden:,} earlier", "muted")])
        for item in (*entry.earlier, entry.item):
            layout.lines += lay_out(item, width).lines
        return layout
    layout = lay_out(entry.item, width, whole=entry.whole)
    if entry.repeats > 1:
        layout.lines[-1] = [*layout.lines[-1], (f"  {entry.repeats:,} times", "label")]
    return layout


def repeats_last(last: Item, item: Item) -> bool:
    """Whether an item repeats the last one: an event of the same name, or a note with the same text.

    Every poll of a frozen QEMU adds such a note.
    """
    if not (isinstance(last, Message) and isinstance(item, Message)) or last.kind is not item.kind:
        return False
    if item.kind is Kind.EVENT:
        return last.name == item.name
    return item.kind is Kind.NOTE and last.body == item.body
