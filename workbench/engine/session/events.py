"""A guest's events as they come, over a connection of their own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from workbench.engine.base import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.engine.session.protocols import Monitor


class EventStream:
    """The events from now on, until the connection ends. A wait for the next one may be cancelled and repeated.

    They are queued here and handled by the caller: nothing that it does holds up the connection.
    """

    def __init__(self, monitor: Monitor) -> None:
        self._came: asyncio.Queue[Event | None] = asyncio.Queue()
        monitor.on_event(self._add)
        monitor.on_closed(self._end)
        if monitor.closed:
            self._end()

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Event:
        event = await self._came.get()
        if event is None:
            self._end()  # the next wait ends, too
            raise StopAsyncIteration
        return event

    def _add(self, name: str, data: Mapping[str, object], when: float) -> None:
        self._came.put_nowait(Event(name, data, when))

    def _end(self) -> None:
        self._came.put_nowait(None)
