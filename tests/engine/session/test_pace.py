"""The clock of one guest's driver."""

from __future__ import annotations

import asyncio

from workbench.engine.session.pace import Pace


async def test_a_wait_is_over_when_something_happens() -> None:
    for happens in (Pace.hurry, Pace.note_event, Pace.interrupt):
        pace = Pace()
        waiting = asyncio.ensure_future(pace.wait(600))
        while not pace.waiting:
            await asyncio.sleep(0)
        happens(pace)
        async with asyncio.timeout(30):
            await waiting


async def test_a_connection_that_ended_does_not_shorten_the_wait_before_the_next() -> None:
    """A peer that closes each connection at once would be asked again without a pause."""
    pace = Pace()
    pace.interrupt()
    waiting = asyncio.ensure_future(pace.sleep(600))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not waiting.done()
    pace.hurry()
    async with asyncio.timeout(30):
        await waiting


async def test_what_happened_before_the_wait_counts() -> None:
    pace = Pace()
    pace.hurry()
    async with asyncio.timeout(30):
        await pace.sleep(600)


async def test_a_wait_has_its_end() -> None:
    pace = Pace()
    async with asyncio.timeout(30):
        await pace.sleep(0.01)
        await pace.wait(0.01)
