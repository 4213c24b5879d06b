"""A guest's events as they come, over a connection of their own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from workbench.engine.base import Event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from workbench.engine.session.protocols import Monitor


def stream(monitor: Monitor) -> AsyncIterator[Event]:
    """The events from now on, until the connection ends.

    They are queued here and handled by the caller: nothing that it does holds up the connection.
    """
    came: asyncio.Queue[Event | None] = asyncio.Queue()
    monitor.on_event(lambda name, data, when: came.put_nowait(Event(name, data, when)))
    monitor.on_closed(lambda: came.put_nowait(None))
    if monitor.closed:
        came.put_nowait(None)
    return _until_closed(came)


async def _until_closed(came: asyncio.Queue[Event | None]) -> AsyncIterator[Event]:
    while (event := await came.get()) is not None:
        yield event
