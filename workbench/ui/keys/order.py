"""Keys in the order in which they were pressed, however fast they come.

Textual hands a key to the widget that has the focus, and a key that is bound goes on up to the app before its action
runs. The next key is handed out meanwhile: of ``ctrl+u``, ``q`` in one burst (somebody typed ahead, a script types, the
screen was busy) the letter comes first and is deleted, and of ``query-status``, enter, ``cont`` the line that is sent is
``query-statuscont``. Here each key waits until the one before it has gone all the way, unless that is a letter of a
field: letters wait for nothing but a key that is bound.

A key may also open a screen or a question that takes a while to make: a profile is read, QEMU is asked for its version.
What is typed meanwhile is meant for what opens, and the list below it would take letters for keys of its own. So keys wait
for that too.
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
"""Seconds that a key which came already waits behind one that is bound."""
PATIENCE = 0.1
"""Seconds that a key waits at most: the one before it may be lost, with a widget that was removed, or slow in a storm."""


OPENING = 2.0
"""Seconds that keys wait at most for what is opening."""
LAPS = 3
"""How often the way of a bound key is gone again behind its action: a list's message becomes one of its pane, and that
becomes a question of the screen's."""


def opening(app: App[object]) -> AbstractContextManager[None]:
    """While a screen or a question is being made, keys wait for it."""
    return app.opening() if isinstance(app, KeyOrder) else nullcontext()


class KeyOrder(App[None]):
    """An app whose keys never overtake each other."""

    _under_way: object | None = None
    """Stands for the key that is on its way."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead: deque[events.Key | events.Paste] = deque()
        """Keys, and pasted text, that came meanwhile."""
        self._came_up = False
        """Whether the key came up to the app: no widget took it, and it may be bound."""
        self._way: list[MessagePump] = []
        """Where the key's way begins, once for each time that it is still to be gone."""
        self._below: object | None = None
        """The screen above which something is opening."""
        self._since = 0.0
        """When the first of the keys came that wait."""

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Keys wait while this lasts and no other screen is above the one of now."""
        below = self._below = self.screen
        try:
            yield
        finally:
            if self._below is below:
                self._below = None

    @property
    def _opens(self) -> bool:
        """Whether something is opening, or has opened and has not got the focus yet; not for ever."""
        if monotonic() - self._since > OPENING:
            return False
        return self._below is self.screen or (self.focused is None and len(self.screen_stack) > 1)

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, events.Key | events.Paste):
            await super().on_event(event)
        elif not self.screen_stack:
            return  # the app has ended; Textual would look for a binding of a screen that is gone
        elif event.is_forwarded:
            await super().on_event(event)
        elif self._under_way is None and self._below is not self.screen:
            await self._hand_out(event)
        else:
            if not self._ahead:
                self._since = monotonic()
                self.set_timer(PATIENCE, partial(self._next, self._under_way))
            self._ahead.append(event)

    async def _hand_out(self, event: events.Key | events.Paste) -> None:
        target = self.focused or self.screen
        if isinstance(event, events.Paste) or target.check_consume_key(event.key, event.character):
            await super().on_event(event)  # a letter of a field goes no further: the next key is right behind it
            return
        key = object()
        self._under_way, self._came_up = key, False
        await super().on_event(event)
        self._way = [target] * LAPS
        self._follow(target, key)

    def _on_key(self, _event: events.Key) -> None:  # type: ignore[override]  # Textual calls that of each class
        self._came_up = True

    def _follow(self, node: MessagePump, key: object) -> None:
        """Go the way of a key, behind it: from widget to widget, up to the app."""
        if node is self or not node.call_later(self._follow, node._parent or self, key):
            self.call_later(self._arrived, key)

    async def _arrived(self, key: object) -> None:
        if not self._came_up:
            await self._next(key)
        elif self._way:  # an action may move the focus or ask, itself or by a message that climbs to a pane
            self._follow(self._way.pop(), key)
        else:
            self.set_timer(FRAME, partial(self._next, key))

    async def _next(self, key: object) -> None:
        if self._under_way is not key:
            return  # somebody lost patience with it
        if not self.screen_stack:
            self._ahead.clear()  # the app has ended meanwhile
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
            self.set_timer(PATIENCE, partial(self._next, self._under_way))
