"""The editor on a profile that a test holds in memory."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from textual.widgets import Static

from tests.ui.fake_engine import FakeEngine, running
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.ui.app import WorkbenchApp
from workbench.ui.editor.command_pane import CommandPane
from workbench.ui.editor.screen import EditorScreen
from workbench.ui.editor.text_area import ProfileArea
from workbench.ui.main.screen import MainScreen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from textual.pilot import Pilot

TEXT = """\
# mine
[memory]
size = "1G"  # enough

[[net]]
mac = "52:54:00:12:34:56"
"""


@asynccontextmanager
async def opened(
    text: str = TEXT, *, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[Pilot[None], FakeEngine, EditorScreen]]:
    """The editor, as its key opens it."""
    engine = FakeEngine(running())
    engine.profiles.write("demo", text)
    app = WorkbenchApp(engine)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await press(pilot, "g", "e")
        await wait_until(lambda: isinstance(app.screen, EditorScreen))
        screen = app.screen
        assert isinstance(screen, EditorScreen)
        await pilot.pause()
        yield pilot, engine, screen


async def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


def head(screen: EditorScreen) -> str:
    return str(screen.query_one("#editor-head", Static).render())


def command(screen: EditorScreen) -> str:
    return str(screen.query_one(CommandPane).query_one(Static).render())


def area(screen: EditorScreen) -> ProfileArea:
    return screen.query_one(ProfileArea)


def dialog(pilot: Pilot[None]) -> bool:
    return not isinstance(pilot.app.screen, EditorScreen | MainScreen)


async def answer(pilot: Pilot[None], button: str) -> None:
    await wait_until(lambda: dialog(pilot))
    await pilot.pause()
    await pilot.click(f"#{button}")
    await pilot.pause()


@asynccontextmanager
async def listed(**texts: str) -> AsyncIterator[tuple[Pilot[None], FakeEngine]]:
    """The list of guests, none of which runs."""
    engine = FakeEngine(*(GuestSnapshot(name) for name in texts))
    for name, text in texts.items():
        engine.profiles.write(name, text)
    async with WorkbenchApp(engine).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await press(pilot, "g")
        yield pilot, engine
