"""Keys typed while a screen or a question is being built reach it."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.ui.bursts import burst
from tests.ui.editor.opened import area, listed, opened, press, wait_until
from workbench.ui.editor.form import FormList, ProfileForm
from workbench.ui.editor.text_area import ProfileArea
from workbench.ui.keys import order as key_order
from workbench.ui.main.screen import MainScreen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.pilot import Pilot

    from tests.ui.fake_engine import FakeEngine
    from workbench.domain.command_line.checked import ProfileText

SLOW = 0.3
"""Seconds that a busy disk takes: longer than a key waits behind a bound one."""


@contextmanager
def slow_disk(engine: FakeEngine) -> Iterator[None]:
    quick = engine.profiles.read

    async def read(name: str) -> ProfileText:
        await asyncio.sleep(SLOW)
        return await quick(name)

    engine.profiles.read = read  # type: ignore[method-assign]
    yield


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let keys wait as long as it takes: a busy machine is slower than the usual limits."""
    monkeypatch.setattr(key_order, "OPENING", 60.0)
    monkeypatch.setattr(key_order, "PATIENCE", 5.0)


def typed(pilot: Pilot[None]) -> str:
    """The editor's text; empty while there is no editor."""
    found = pilot.app.screen.query(ProfileArea)
    return found.first().text if found else ""


@pytest.mark.usefixtures("patient")
async def test_letters_typed_after_e_reach_the_editor() -> None:
    async with listed(a="[memory]\nsize = '64M'\n") as (pilot, engine):
        with slow_disk(engine):
            burst(pilot.app, "e", *"# now", "enter")
            await wait_until(lambda: typed(pilot) == "# now\n[memory]\nsize = '64M'\n")


@pytest.mark.usefixtures("patient")
async def test_a_name_and_what_follows_reach_their_dialogs() -> None:
    async with listed(a="[memory]\nsize = '64M'\n") as (pilot, engine):
        with slow_disk(engine):
            burst(pilot.app, "D", "ctrl+u", "b", "b", "enter", "#")
            await wait_until(lambda: typed(pilot).startswith("#["))
            assert "bb" in engine.profiles.files


@pytest.mark.usefixtures("patient")
async def test_a_value_of_the_form_can_be_typed_at_once() -> None:
    async with opened("[memory]\nsize = '64M'\n") as (pilot, _, screen):
        await press(pilot, "f2")
        await wait_until(lambda: screen.query_one(ProfileForm).display and bool(screen.query_one(ProfileForm).rows))
        screen.query_one(FormList).focus()
        screen.query_one(ProfileForm).choose(("description",))
        await pilot.pause()
        burst(pilot.app, "enter", *"mine", "enter", "j")
        await wait_until(lambda: 'description = "mine"' in area(screen).text)
        await wait_until(lambda: pilot.app.screen is screen)


async def test_a_disk_that_hangs_does_not_block_keys_forever() -> None:
    async with listed(a="", b="") as (pilot, engine):
        never = asyncio.Event()

        async def read(_name: str) -> ProfileText:
            await never.wait()
            raise AssertionError

        engine.profiles.read = read  # type: ignore[method-assign, assignment]
        burst(pilot.app, "e", "question_mark")
        await wait_until(lambda: not isinstance(pilot.app.screen, MainScreen))
