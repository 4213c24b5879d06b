"""Listeners of a guest's path get the current state, even one added while the last one leaves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.commandline import DEADLINE
from tests.engine.balloon.path.traced import enabled, started
from workbench.domain.balloon.path.trace_log import EVENTS
from workbench.engine.balloon.path.watch import PathWatch

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.domain.balloon.path.timeline import PathView


async def test_a_listener_added_while_the_last_one_leaves_sees_the_events_enabled(tmp_path: Path) -> None:
    async with started(tmp_path) as (monitor, place):
        before = await enabled(monitor)
        watch = PathWatch(place, monitor.record)
        await watch.connected(monitor)
        for turns in range(0, 24, 4):
            forget = watch.listen(lambda _view: None)
            async with asyncio.timeout(DEADLINE):
                await watch.ready.wait()
            forget()
            for _ in range(turns):  # until the events are being switched off, or are off
                await asyncio.sleep(0)
            views: list[PathView] = []
            forget = watch.listen(views.append)
            async with asyncio.timeout(DEADLINE):
                while not views[-1].traced:
                    await asyncio.sleep(0.01)
            assert set(EVENTS) <= await enabled(monitor)
            forget()
        await watch.close()
        assert await enabled(monitor) == before
