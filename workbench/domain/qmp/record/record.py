"""What passed between the workbench and one QEMU: every command, reply and event, in order.

Memory is bounded: each message keeps what it said as compact JSON and not as objects, the oldest go when there are too
many or they are too large, and of a reply that is larger than the record is good for only the beginning stays.
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
"""The same for what the screen asks by itself."""
ROOM = 64 << 20
"""Bytes of JSON that they may have together."""
POLLING_ROOM = 16 << 20
LARGEST = 8 << 20
"""Bytes of JSON of the largest message that is kept whole."""
BEGINNING = 256 << 10
"""Bytes that are kept of a larger one."""
BLOCK = 512
"""Messages that are forgotten, and indexed for a search, together."""
NAMES = 1_000
"""Different events that are counted by name; QEMU has about 60, but a peer may say anything."""
HMP = "human-monitor-command"


class Kind(StrEnum):
    COMMAND = "command"
    REPLY = "reply"
    ERROR = "error"
    EVENT = "event"
    NOTE = "note"
    """Said by the workbench itself: connected, closed, no answer in time."""


class Origin(StrEnum):
    USER = "user"
    """Typed by the user."""
    ACTION = "action"
    """Sent because of a key or a button: a new target, pause, reset."""
    SCREEN = "screen"
    """Sent by the screen itself to keep its panes true."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """One thing that passed.

    The garbage collector does not look at it (nothing in it can be a part of a cycle): with 100,000 of them each full
    collection would hold up the keys for 50 ms and more.
    """

    serial: int
    """Counts from 1 within a session; never reused."""
    time: float
    """Unix time in seconds."""
    kind: Kind
    origin: Origin
    """Whose command it was; a reply has the origin of its command; events and notes are ``SCREEN``."""
    name: str
    """The command's or the event's name; for a note, empty."""
    body: bytes
    """What it said, as compact JSON; the beginning of it when it is :attr:`cut`."""
    latency: float | None = None
    """Seconds from command to reply, for replies and errors."""
    cut: int = 0
    """Bytes that the JSON had when it was too large to be kept whole; 0 for all others."""
    oob: bool = False
    """Of a command: whether it was sent out of band, as ``exec-oob``."""

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
        """What it said, decoded anew at each call; the beginning of its JSON as a text when it is cut."""
        if self.cut:
            return self.body.decode(errors="ignore")
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, ValueError):  # halves of surrogate pairs
            return json.loads(self.body)

    @property
    def is_polling(self) -> bool:
        """Whether it passed only because the screen keeps its panes true: its own command, or the answer to one."""
        return self.origin is Origin.SCREEN and self.kind in (Kind.COMMAND, Kind.REPLY, Kind.ERROR)


def encoded(payload: object) -> bytes:
    """A payload as compact JSON in UTF-8, without a newline; what UTF-8 cannot carry is escaped."""
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
    """Messages that came one after another, and an index of them while somebody searches."""

    __slots__ = ("index", "messages", "size")

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.size = 0
        """Bytes of their bodies."""
        self.index: bytes | None = None
        """See :mod:`workbench.domain.qmp.record.search`."""


class Kept:
    """Messages in blocks: the newest whose number and size have room; at least one, however large."""

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
        """Those with a greater serial, oldest first."""
        for block in tuple(self.blocks):
            if block.messages[-1].serial > serial:
                yield from (message for message in tuple(block.messages) if message.serial > serial)

    def before(self, serial: int) -> Iterator[Message]:
        """Those with a smaller serial, newest first."""
        for block in reversed(tuple(self.blocks)):
            if block.messages[0].serial < serial:
                yield from (message for message in reversed(tuple(block.messages)) if message.serial < serial)


class Record:
    """The last messages, and a part of the screen's polling; and whoever wants to hear of new ones.

    The two are kept apart: polling at ten times a second would push out within minutes what the user typed.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self.messages = Kept(limit, ROOM)
        self.polling = Kept(min(limit, POLLING_LIMIT), POLLING_ROOM)
        self.events: Counter[str] = Counter()
        """How often each event came, also those that are forgotten; beyond NAMES different ones they count as ``…``."""
        self._listeners: list[Callable[[Message], None]] = []
        self._serial = 0

    def __iter__(self) -> Iterator[Message]:
        """All that is kept, in the order in which it passed."""
        return iter(tuple(self.after(0, polling=True)))

    def __len__(self) -> int:
        return self.messages.count + self.polling.count

    def after(self, serial: int, *, polling: bool) -> Iterator[Message]:
        """What passed after a message, oldest first.

        :param polling: whether with what the screen asked by itself.
        """
        found = self.messages.after(serial)
        return merge(found, self.polling.after(serial), key=_SERIAL) if polling else found

    def before(self, serial: int, *, polling: bool) -> Iterator[Message]:
        """What passed before a message, newest first."""
        found = self.messages.before(serial)
        return merge(found, self.polling.before(serial), key=_SERIAL, reverse=True) if polling else found

    @property
    def end(self) -> int:
        """A serial behind every message."""
        return self._serial + 1

    @property
    def first(self) -> int:
        """The serial of the oldest message that is kept, of those that are no polling; ``end`` when there is none."""
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
        """Call ``listener`` for each message from now on; call what this returns to end that."""
        self._listeners.append(listener)

        def forget() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return forget


_SERIAL = attrgetter("serial")


def arguments_of(message: Message) -> Mapping[str, object]:
    """A command's arguments or an event's data; empty when it has none that are an object."""
    payload = message.payload
    return cast("Mapping[str, object]", payload) if isinstance(payload, dict) else {}


def hmp_line(message: Message) -> str | None:
    """The line of a command for the human monitor; None for any other message."""
    if message.kind is not Kind.COMMAND or message.name != HMP:
        return None
    arguments = arguments_of(message)
    return str(arguments["command-line"]) if arguments.keys() == {"command-line"} else None
