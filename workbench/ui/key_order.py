"""Keys in the order in which they were pressed, however fast they come.

Textual hands a key to the widget that has the focus, and a key that is bound goes on up to the app before its action
runs. The next key is handed out meanwhile: of ``ctrl+u``, ``q`` in one burst (somebody typed ahead, a script types, the
screen was busy) the letter comes first and is deleted, and of ``query-status``, enter, ``cont`` the line that is sent is
``query-statuscont``. Here each key waits until the one before it has gone all the way, unless that is a letter of a
field: letters wait for nothing but a key that is bound.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from textual import events
from textual.app import App

if TYPE_CHECKING:
    from textual.message_pump import MessagePump

FRAME = 1 / 60
"""Seconds that a key which came already waits behind one that is bound."""
PATIENCE = 0.1
"""Seconds that a key waits at most: the one before it may be lost, with a widget that was removed, or slow in a storm."""


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

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._under_way is None:
            await self._hand_out(event)
        else:
            if not self._ahead:
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
        self._follow(target, key)

    def _on_key(self, _event: events.Key) -> None:  # type: ignore[override]  # Textual calls that of each class
        self._came_up = True

    def _follow(self, node: MessagePump, key: object) -> None:
        """Go the way of a key, behind it: from widget to widget, up to the app."""
        if node is self or not node.call_later(self._follow, node._parent or self, key):
            self.call_later(self._arrived, key)

    async def _arrived(self, key: object) -> None:
        if self._came_up:  # an action may move the focus, itself or by a message that climbs to a pane
            self.set_timer(FRAME, partial(self._next, key))
        else:
            await self._next(key)

    async def _next(self, key: object) -> None:
        if self._under_way is not key:
            return  # somebody lost patience with it
        self._under_way = None
        while self._ahead and self._under_way is None:
            await self._hand_out(self._ahead.popleft())
        if self._ahead:
            self.set_timer(PATIENCE, partial(self._next, self._under_way))
