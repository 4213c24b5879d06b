"""Handles keys in the order in which they were pressed, however fast they arrive.

Textual passes a key to the focused widget, and a bound key climbs to the app before its action runs. The next key is
dispatched before that: of ``ctrl+u``, ``q`` in one burst (typed ahead, sent by a script, or while the screen was busy)
the letter is inserted first and then deleted, and of ``query-status``, enter, ``cont`` the line sent is
``query-statuscont``. Here each key waits until the one before it has been handled. A letter typed into a field is handled
at once, so letters wait only for bound keys.

A key may also open a screen or a question that takes a while: a profile is read, QEMU is asked for its version. Keys
typed until then are meant for what opens, and the list below would take letters for its own keys. So keys wait for that
too.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager, nullcontext
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from textual import events
from textual.app import App

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from textual.message_pump import MessagePump

FRAME = 1 / 60
"""Seconds that a queued key waits after a bound one."""
PATIENCE = 0.1
"""Seconds after which queued keys check whether the one before them was lost with a removed widget."""
HANDLING = 3.0
"""Seconds that keys wait at most for one that a widget is still handling: a busy host is slow, a widget may hang."""
OPENING = 2.0
"""Seconds that keys wait at most for a screen that is opening."""
LAPS = 3
"""How often the route of a bound key is followed again after its action: a list may post a message to its pane, which
then posts one to the screen, which opens a question."""


def opening(app: App[object]) -> AbstractContextManager[None]:
    """Make keys wait while a screen or a question is being built."""
    return app.opening() if isinstance(app, KeyOrder) else nullcontext()


class KeyOrder(App[None]):
    """An app in which keys never overtake each other."""

    _under_way: object | None = None
    """Identifies the key that is being handled."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead: deque[events.Key | events.Paste] = deque()
        """Queued keys and pasted text."""
        self._reached_app = False
        """Whether the key climbed to the app: no widget consumed it, and it may be bound."""
        self._holder: MessagePump = self
        """The widget on the route of the key under way that has not handled it yet."""
        self._handed_out = 0.0
        """When that key was handed out."""
        self._laps: list[MessagePump] = []
        """The start of the key's route, once for each lap left."""
        self._below: object | None = None
        """The screen over which something is opening."""
        self._since = 0.0
        """When the first queued key arrived."""

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Make keys wait while this lasts and no other screen is on top of the current one."""
        below = self._below = self.screen
        try:
            yield
        finally:
            if self._below is below:
                self._below = None

    @property
    def _opens(self) -> bool:
        """Whether something is opening, or is open without a focus yet; false after ``OPENING`` seconds."""
        if monotonic() - self._since > OPENING:
            return False
        return self._below is self.screen or (self.focused is None and len(self.screen_stack) > 1)

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, events.Key | events.Paste):
            await super().on_event(event)
        elif not self.screen_stack:
            return  # the app has ended; Textual would look up bindings of a removed screen
        elif event.is_forwarded:
            await super().on_event(event)
        elif self._under_way is None and self._below is not self.screen:
            await self._hand_out(event)
        else:
            if not self._ahead:
                self._since = monotonic()
                self._check_later(self._under_way)
            self._ahead.append(event)

    async def _hand_out(self, event: events.Key | events.Paste) -> None:
        target = self.focused or self.screen
        if isinstance(event, events.Paste) or target.check_consume_key(event.key, event.character):
            await super().on_event(event)  # the field consumes it: the next key need not wait
            return
        key = object()
        self._under_way, self._reached_app, self._handed_out = key, False, monotonic()
        await super().on_event(event)
        self._laps = [target] * LAPS
        self._follow(target, key)

    def _on_key(self, _event: events.Key) -> None:  # type: ignore[override]  # Textual calls that of each class
        self._reached_app = True

    def _follow(self, node: MessagePump, key: object) -> None:
        """Follow a key from widget to widget up to the app."""
        self._holder = node
        if node is self or not node.call_later(self._follow, node._parent or self, key):
            self.call_later(self._arrived, key)

    def _check_later(self, key: object | None) -> None:
        self.set_timer(PATIENCE, partial(self._check, key))

    async def _check(self, key: object | None) -> None:
        """Hand out the next key, unless the one before it is still being handled."""
        held = key is not None and key is self._under_way and self._holder.is_running and self._holder.is_attached
        if held and monotonic() - self._handed_out < HANDLING:
            self._check_later(key)
        else:
            await self._next(key)

    async def _arrived(self, key: object) -> None:
        self._holder = self
        if not self._reached_app:
            await self._next(key)
        elif self._laps:  # the action may move the focus or ask, directly or by a message to its pane
            self._follow(self._laps.pop(), key)
        else:
            self.set_timer(FRAME, partial(self._next, key))

    async def _next(self, key: object | None) -> None:
        if self._under_way is not key:
            return  # timed out before
        if not self.screen_stack:
            self._ahead.clear()  # the app has ended
            return
        if self._ahead and self._opens:
            self.set_timer(FRAME, partial(self._next, key))
            return
        if self._ahead and self._below is self.screen:
            self._below = None  # it takes too long
        self._under_way = None
        while self._ahead and self._under_way is None and self._below is not self.screen:
            await self._hand_out(self._ahead.popleft())
        if self._ahead:
            self._check_later(self._under_way)
