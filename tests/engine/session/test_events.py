"""A guest's events as they come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from workbench.engine.local.engine import LocalEngine

if TYPE_CHECKING:
    from tests.commandline import CommandLine


async def test_a_cancelled_wait_loses_no_event_and_the_end_is_final(workbench: CommandLine) -> None:
    workbench.profile("fw", 'memory.size = "64M"\naccelerator = "tcg"\n')
    workbench.start("fw")
    guest = LocalEngine(workbench.settings, driven=False).guest("fw")
    async with guest.events() as events:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(events)
        await guest.pause()
        assert (await anext(events)).name == "STOP"
        await guest.stop(0, kill=True)
        assert [event.name async for event in events] == []
        with pytest.raises(StopAsyncIteration):
            await anext(events)
