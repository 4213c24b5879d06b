"""The main screen on an engine that records its requests."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from textual.widgets import Static

from tests.ui.fake_engine import RAM, FakeEngine, running
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.ui.app import WorkbenchApp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from textual.pilot import Pilot

    from workbench.domain.preferences import Preferences

STOPPED = GuestSnapshot("alpine", memory=RAM, profile_path="/profiles/alpine.toml")


@asynccontextmanager
async def opened(
    *snapshots: GuestSnapshot,
    size: tuple[int, int] = (140, 44),
    history: Path | None = None,
    preferences: Preferences | None = None,
) -> AsyncIterator[tuple[Pilot[None], FakeEngine]]:
    """The screen, with its first worker done."""
    engine = FakeEngine(*(snapshots or (running(), STOPPED)), history_file=history)
    app = WorkbenchApp(engine, preferences=preferences)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        yield pilot, engine


def text_of(pilot: Pilot[None], selector: str) -> str:
    """What a text of the screen says now."""
    return str(pilot.app.screen.query_one(selector, Static).render())


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


def asked(engine: FakeEngine, name: str = "demo") -> list[object]:
    return engine.guest(name).asked
