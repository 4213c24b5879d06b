"""Keys in the order in which they were pressed, however fast they come.

Textual hands a key to the widget that has the focus, and a key that is bound goes on up to the app before its action
runs. The next key is handed out meanwhile: of ``ctrl+u``, ``q`` in one burst (somebody typed ahead, a script types, the
screen was busy) the letter comes first and is deleted, and of ``query-status``, enter, ``cont`` the line that is sent is
``query-statuscont``. Here each key waits until the one before it has gone all the way.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from textual import events
from textual.app import App

if TYPE_CHECKING:
    from textual.message_pump import MessagePump

PATIENCE = 0.5
"""Seconds until a key is handed out although the one before it was lost on its way, with a widget that was removed."""
TURNS = 2
"""Turns of the app's own queue behind an action: ``Widget.focus()`` moves the focus in the first of them."""


class KeyOrder(App[None]):
    """An app whose keys never overtake each other."""

    _under_way: object | None = None
    """Stands for the key that is on its way."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead: deque[events.Key | events.Paste] = deque()
        """Keys, and pasted text, that came meanwhile."""

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
        self._under_way = key = object()
        target = self.focused or self.screen
        await super().on_event(event)
        self._follow(target, key)

    def _follow(self, node: MessagePump, key: object) -> None:
        """Go the way of a key, behind it: from widget to widget, up to the app."""
        if node is self or not node.call_later(self._follow, node._parent or self, key):
            self._wait(TURNS, key)

    def _wait(self, turns: int, key: object) -> None:
        if turns:
            self.call_later(self._wait, turns - 1, key)
        else:
            self.call_later(self._next, key)

    async def _next(self, key: object) -> None:
        if self._under_way is not key:
            return  # somebody lost patience with it
        self._under_way = None
        if self._ahead:
            await self._hand_out(self._ahead.popleft())
            if self._ahead:
                self.set_timer(PATIENCE, partial(self._next, self._under_way))
