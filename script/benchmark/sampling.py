"""The cost of reading a guest ten times a second while its balloon moves: the engine alone, without a screen."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.domain.guest.lifecycle import Phase
from workbench.domain.qmp.record.record import Kind
from workbench.engine.local.engine import LocalEngine
from workbench.engine.session.guest import SessionGuest
from workbench.settings import Settings

from .figures import Figure
from .guest import NAME

if TYPE_CHECKING:
    from .guest import Bench

SECONDS = 20.0
LIMIT = 3.0
"""Percent of one core."""
MIB = 1 << 20
ENDS = (192 * MIB, 512 * MIB)
"""The two targets that the guest is sent alternately, to keep its balloon moving."""


def measure(bench: Bench) -> list[Figure]:
    return asyncio.run(_measure(bench))


async def _measure(bench: Bench) -> list[Figure]:
    engine = LocalEngine(Settings(profiles_option=bench.root / "profiles", state_option=bench.root / "state"))
    await engine.open()
    try:
        guest = engine.guest(NAME)
        assert isinstance(guest, SessionGuest)
        guest.watched = True
        await _until_read(guest)
        return await _watch(engine, guest)
    finally:
        await engine.close()


async def _until_read(guest: SessionGuest) -> None:
    async with asyncio.timeout(30):
        while guest.snapshot.phase is not Phase.RUNNING or guest.snapshot.balloon is None:
            await asyncio.sleep(0.05)


async def _watch(engine: LocalEngine, guest: SessionGuest) -> list[Figure]:
    turns, goal = 0, ENDS[0]
    news = asyncio.Event()
    # Notified, not polled: waking up twenty times a second costs half a percent of a core by itself.
    engine.watch(lambda _: news.set())
    await guest.set_target(goal)
    begun, spent, first = time.monotonic(), time.process_time(), _serial(guest)
    while (left := begun + SECONDS - time.monotonic()) > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(news.wait(), left)
        news.clear()
        balloon = guest.snapshot.balloon
        if balloon is not None and balloon.reading is not None and balloon.reading.actual == goal:
            turns += 1
            goal = ENDS[turns % 2]
            await guest.set_target(goal)
    elapsed = time.monotonic() - begun
    share = 100 * (time.process_time() - spent) / elapsed
    commands = [message for message in guest.record if message.kind is Kind.COMMAND and message.serial > first]
    readings = sum("xp /2wx" in str(message.payload) for message in commands)
    await guest.set_target(ENDS[1])
    polling = sum(message.is_polling for message in commands)
    detail = f"{readings / elapsed:.1f} readings a second, {polling / max(readings, 1):.2f} round trips each, {turns} changes"
    return [Figure("sampling, one core", share, LIMIT, "%", detail)]


def _serial(guest: SessionGuest) -> int:
    return max(message.serial for message in guest.record)
