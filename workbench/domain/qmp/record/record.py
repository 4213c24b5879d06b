"""The record of one QEMU's monitor: every command, reply and event, in order.

Memory is bounded: messages are kept as compact JSON, the oldest are dropped when their number or size exceeds a limit,
and only the beginning of a very large reply is kept.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from enum import StrEnum
from heapq import merge
from operator import attrgetter
from typing import TYPE_CHECKING, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LIMIT = 100_000
"""Messages that a record keeps."""
POLLING_LIMIT = 5_000
"""The same for the screen's own queries."""
ROOM = 64 << 20
"""Bytes of JSON that a record keeps."""
POLLING_ROOM = 16 << 20
LARGEST = 8 << 20
"""Bytes of JSON up to which a message is kept whole."""
BEGINNING = 256 << 10
"""Bytes kept of a larger message."""
BLOCK = 512
"""Messages that are dropped, and indexed for a search, together."""
NAMES = 1_000
"""Event names that are counted separately; QEMU has about 60, but a peer may send anything."""
HMP = "human-monitor-command"


class Kind(StrEnum):
    COMMAND = "command"
    REPLY = "reply"
    ERROR = "error"
    EVENT = "event"
    NOTE = "note"
    """A note by the workbench itself: connected, closed, no reply in time."""


class Origin(StrEnum):
    USER = "user"
    """Typed by the user."""
    ACTION = "action"
    """Sent by a key or a button: a new target, pause, reset."""
    SCREEN = "screen"
    """Sent by the screen to keep its panes up to date."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message on the monitor.

    Not tracked by the garbage collector, since it cannot be part of a cycle: with 100,000 messages each full collection
    would block the keyboard for 50 ms or more.
    """

    serial: int
    """Counts from 1; never reused within a session."""
    time: float
    """Unix time in seconds."""
    kind: Kind
    origin: Origin
    """Who sent the command. A reply has the origin of its command; events and notes are ``SCREEN``."""
    name: str
    """The command or event; empty for a note."""
    body: bytes
    """The payload as compact JSON; only its beginning when :attr:`cut`."""
    latency: float | None = None
    """Seconds from command to reply, for replies and errors."""
    cut: int = 0
    """Full size of the JSON in bytes if it was too large to be kept whole; otherwise 0."""
    oob: bool = False
    """For a command: whether it was sent out of band, as ``exec-oob``."""

    @classmethod
    def of(
        cls,
        serial: int,
        time: float,
        kind: Kind,
        origin: Origin,
        name: str,
        payload: object,
        latency: float | None = None,
        oob: bool = False,
    ) -> Message:
        """:param payload: a command's arguments, a reply's return value, an error's ``{"class", "desc"}``, an event's data,
        a note's text."""
        body = encoded(payload)
        if len(body) <= LARGEST:
            return cls(serial, time, kind, origin, name, body, latency, 0, oob)
        return cls(serial, time, kind, origin, name, body[:BEGINNING], latency, len(body), oob)

    @property
    def payload(self) -> object:
        """The payload, decoded on each access; the beginning of its JSON as text when it is cut."""
        if self.cut:
            return self.body.decode(errors="ignore")
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, ValueError):  # lone surrogates
            return json.loads(self.body)

    @property
    def is_polling(self) -> bool:
        """Whether it is one of the screen's own queries, or a reply to one."""
        return self.origin is Origin.SCREEN and self.kind in (Kind.COMMAND, Kind.REPLY, Kind.ERROR)


def encoded(payload: object) -> bytes:
    """A payload as compact JSON in UTF-8, without a newline; what UTF-8 cannot encode is escaped."""
    if payload == {}:
        return _EMPTY
    try:
        return msgspec.json.encode(payload)
    except (msgspec.MsgspecError, ValueError, OverflowError, TypeError):
        return json.dumps(payload, separators=(",", ":")).encode()
    except RecursionError:
        return b'"nested too deeply to be kept"'


_EMPTY = b"{}"


class Block:
    """Consecutive messages, with their index during a search."""

    __slots__ = ("index", "messages", "size")

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.size = 0
        """Total bytes of their bodies."""
        self.index: bytes | None = None
        """See :mod:`workbench.domain.qmp.record.search`."""


class Kept:
    """The newest messages within a limit on number and size, in blocks; at least one block, however large."""

    def __init__(self, limit: int, room: int) -> None:
        self.blocks: deque[Block] = deque()
        self._limit = limit
        self._room = room
        self._block = max(1, min(BLOCK, limit // 100))
        self.count = 0
        self.size = 0

    def append(self, message: Message) -> None:
        blocks = self.blocks
        if not blocks or len(blocks[-1].messages) >= self._block:
            blocks.append(Block())
        block = blocks[-1]
        size = len(message.body)
        block.messages.append(message)
        block.size += size
        block.index = None
        self.count += 1
        self.size += size
        while (self.count > self._limit or self.size > self._room) and len(blocks) > 1:
            oldest = blocks.popleft()
            self.count -= len(oldest.messages)
            self.size -= oldest.size

    def after(self, serial: int) -> Iterator[Message]:
        """Messages with a greater serial, oldest first."""
        for block in tuple(self.blocks):
            if block.messages[-1].serial > serial:
                yield from (message for message in tuple(block.messages) if message.serial > serial)

    def before(self, serial: int) -> Iterator[Message]:
        """Messages with a smaller serial, newest first."""
        for block in reversed(tuple(self.blocks)):
            if block.messages[0].serial < serial:
                yield from (message for message in reversed(tuple(block.messages)) if message.serial < serial)


class Record:
    """The latest messages and, kept apart from them, the latest of the screen's polling; with listeners for new ones.

    Polling ten times a second would otherwise displace what the user typed within minutes.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.messages = Kept(limit, ROOM)
        self.polling = Kept(min(limit, POLLING_LIMIT), POLLING_ROOM)
        self.events: Counter[str] = Counter()
        """Number of each event, including dropped ones; beyond NAMES different names they count as ``…``."""
        self._listeners: list[Callable[[Message], None]] = []
        self._serial = 0

    def __iter__(self) -> Iterator[Message]:
        """All messages kept, in order."""
        return iter(tuple(self.after(0, polling=True)))

    def __len__(self) -> int:
        return self.messages.count + self.polling.count

    def after(self, serial: int, *, polling: bool) -> Iterator[Message]:
        """Messages after a serial, oldest first.

        :param polling: whether to include the screen's own queries.
        """
        found = self.messages.after(serial)
        return merge(found, self.polling.after(serial), key=_SERIAL) if polling else found

    def before(self, serial: int, *, polling: bool) -> Iterator[Message]:
        """Messages before a serial, newest first."""
        found = self.messages.before(serial)
        return merge(found, self.polling.before(serial), key=_SERIAL, reverse=True) if polling else found

    @property
    def end(self) -> int:
        """The serial of the next message."""
        return self._serial + 1

    @property
    def first(self) -> int:
        """The serial of the oldest message kept, other than polling; ``end`` when there is none."""
        return self.messages.blocks[0].messages[0].serial if self.messages.blocks else self.end

    def add(
        self,
        time: float,
        kind: Kind,
        origin: Origin,
        name: str,
        payload: object,
        latency: float | None = None,
        *,
        oob: bool = False,
    ) -> None:
        self._serial += 1
        message = Message.of(self._serial, time, kind, origin, name, payload, latency, oob)
        (self.polling if message.is_polling else self.messages).append(message)
        if kind is Kind.EVENT:
            self.events[name if name in self.events or len(self.events) < NAMES else "…"] += 1
        for listener in tuple(self._listeners):
            listener(message)

    def listen(self, listener: Callable[[Message], None]) -> Callable[[], None]:
        """Call ``listener`` for each new message. Returns a function that removes it."""
        self._listeners.append(listener)

        def forget() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return forget


_SERIAL = attrgetter("serial")


def arguments_of(message: Message) -> Mapping[str, object]:
    """A command's arguments or an event's data; empty when they are missing or not an object."""
    payload = message.payload
    return cast("Mapping[str, object]", payload) if isinstance(payload, dict) else {}


def hmp_line(message: Message) -> str | None:
    """The line of a command for the human monitor; None for any other message."""
    if message.kind is not Kind.COMMAND or message.name != HMP:
        return None
    arguments = arguments_of(message)
    return str(arguments["command-line"]) if arguments.keys() == {"command-line"} else None
