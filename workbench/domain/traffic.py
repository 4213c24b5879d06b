"""What passed between the workbench and one QEMU: every command, reply and event, in order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from heapq import merge
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that passed."""

    serial: int
    """Counts from 1 within a session; never reused."""
    time: float
    """Unix time in seconds."""
    kind: Kind
    origin: Origin
    """Whose command it was; a reply has the origin of its command; events and notes are ``SCREEN``."""
    name: str
    """The command's or the event's name; for a note, empty."""
    payload: object
    """A command's arguments, a reply's return value, an error's ``{"class", "desc"}``, an event's data, a note's text."""
    latency: float | None = None
    """Seconds from command to reply, for replies and errors."""

    @property
    def is_polling(self) -> bool:
        """Whether it passed only because the screen keeps its panes true: its own command, or the answer to one."""
        return self.origin is Origin.SCREEN and self.kind in (Kind.COMMAND, Kind.REPLY, Kind.ERROR)


class Record:
    """The last ``limit`` messages, and as many of the screen's polling; and whoever wants to hear of new ones.

    The two are kept apart: polling at ten times a second would push out within minutes what the user typed.
    """

    def __init__(self, limit: int = 5000) -> None:
        self._messages: deque[Message] = deque(maxlen=limit)
        self._polling: deque[Message] = deque(maxlen=limit)
        self._listeners: list[Callable[[Message], None]] = []
        self._serial = 0

    def __iter__(self) -> Iterator[Message]:
        """All that is kept, in the order in which it passed."""
        return iter(tuple(merge(self._messages, self._polling, key=attrgetter("serial"))))

    def __len__(self) -> int:
        return len(self._messages) + len(self._polling)

    def add(
        self,
        time: float,
        kind: Kind,
        origin: Origin,
        name: str,
        payload: object,
        latency: float | None = None,
    ) -> None:
        self._serial += 1
        message = Message(self._serial, time, kind, origin, name, payload, latency)
        (self._polling if message.is_polling else self._messages).append(message)
        for listener in tuple(self._listeners):
            listener(message)

    def listen(self, listener: Callable[[Message], None]) -> Callable[[], None]:
        """Call ``listener`` for each message from now on; call what this returns to end that."""
        self._listeners.append(listener)

        def forget() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return forget
