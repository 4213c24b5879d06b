"""What the balloon panel does for safety: the floor before a target is sent, presets, undo and redo."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widgets import Static

from tests.ui.fake_engine import NOW, RAM, balloon, running
from tests.ui.test_screen import asked, opened, press, text_of
from workbench.domain.balloon import PAGE, Sample
from workbench.domain.forecast import forecast
from workbench.domain.ramp import Ramp
from workbench.domain.safety import Safety
from workbench.domain.units import MIB
from workbench.ui.dialogs import Dialog
from workbench.ui.preset_dialog import PresetDialog
from workbench.ui.widgets.balloon_panel import BalloonPanel
from workbench.ui.widgets.balloon_text import forecast_parts, staged_lines

PRESETS = (("idle", "256M"), ("half", "50%"), ("all", "100%"))


async def test_a_target_below_the_floor_asks_and_names_it() -> None:
    async with opened(running(safety=Safety(floor=400 * MIB))) as (pilot, engine):
        await press(pilot, "left_square_bracket")
        assert "floor 400 MiB, from its profile" in text_of(pilot, "#balloon-staged")
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Dialog)
        words = " ".join("\n".join(str(widget.render()) for widget in pilot.app.screen.query(Static)).split())
        for expected in ("below the floor of 400 MiB (from its profile)", "about 272 MiB available", "kills its own"):
            assert expected in words
        await press(pilot, "right", "enter")
        await pilot.app.workers.wait_for_complete()
        assert asked(engine) == [("target", 384 * MIB)]


async def test_a_target_at_the_floor_does_not_ask() -> None:
    async with opened(running(safety=Safety(floor=384 * MIB))) as (pilot, engine):
        await press(pilot, "left_square_bracket", "enter")
        await pilot.app.workers.wait_for_complete()
        assert asked(engine) == [("target", 384 * MIB)]


async def test_giving_back_never_asks() -> None:
    low = balloon(128 * MIB, 128 * MIB, available=1 * MIB)
    async with opened(running(balloon=low, safety=Safety(floor=400 * MIB))) as (pilot, engine):
        await press(pilot, "plus", "enter")
        await pilot.app.workers.wait_for_complete()
        assert asked(engine) == [("target", 144 * MIB)]


async def test_a_digit_stages_a_preset() -> None:
    async with opened(running(safety=Safety(presets=PRESETS))) as (pilot, engine):
        await press(pilot, "p")
        assert isinstance(pilot.app.screen, PresetDialog)
        words = "\n".join(str(widget.render()) for widget in pilot.app.screen.query(Static))
        for expected in ("1  idle  256M", "2  half  50%", "3  all   100%"):
            assert expected in words
        await press(pilot, "9")
        assert isinstance(pilot.app.screen, PresetDialog), "there is no ninth"
        await press(pilot, "2")
        assert not isinstance(pilot.app.screen, Dialog)
        assert pilot.app.screen.query_one(BalloonPanel).staged == RAM // 2
        assert asked(engine) == [], "a preset is staged, not sent"


async def test_a_click_stages_a_preset() -> None:
    async with opened(running(safety=Safety(presets=PRESETS))) as (pilot, _):
        await press(pilot, "p")
        body = pilot.app.screen.query_one(Static)
        await pilot.click(body, offset=(3, 1))
        await pilot.pause()
        assert pilot.app.screen.query_one(BalloonPanel).staged == RAM // 2


async def test_escape_stages_nothing() -> None:
    async with opened(running(safety=Safety(presets=PRESETS))) as (pilot, _):
        await press(pilot, "p", "escape")
        assert not isinstance(pilot.app.screen, Dialog)
        assert pilot.app.screen.query_one(BalloonPanel).staged is None


async def test_a_preset_that_no_longer_fits_is_refused() -> None:
    async with opened(running(safety=Safety(presets=(("large", "1G"),)))) as (pilot, _):
        await press(pilot, "p", "1")
        assert pilot.app.screen.query_one(BalloonPanel).staged is None
        assert any("more than the guest's RAM" in note.message for note in pilot.app._notifications)


async def test_a_profile_without_presets_says_so() -> None:
    async with opened() as (pilot, _):
        await press(pilot, "p")
        assert not isinstance(pilot.app.screen, Dialog)
        assert any("names no presets" in note.message for note in pilot.app._notifications)


async def test_the_palette_has_the_presets() -> None:
    async with opened(running(safety=Safety(presets=PRESETS))) as (pilot, _):
        (command,) = (
            command
            for command in pilot.app.get_system_commands(pilot.app.screen)
            if command.title.startswith("Preset half")
        )
        command.callback()
        assert pilot.app.screen.query_one(BalloonPanel).staged == RAM // 2


async def test_undo_and_redo_go_along_the_sessions_targets() -> None:
    async with opened() as (pilot, engine):

        async def key(target: int, *keys: str) -> None:
            await press(pilot, *keys)
            await pilot.app.workers.wait_for_complete()
            assert asked(engine)[-1] == ("target", target)
            engine.publish(running(balloon=balloon(target, target)))
            await pilot.pause()

        nine, eight = (RAM * tenths // 10 // PAGE * PAGE for tenths in (9, 8))
        await key(nine, "9", "enter")
        await key(eight, "8", "enter")
        await key(nine, "u")
        await key(RAM, "u")
        await key(nine, "U")
        await key(eight, "U")
        count = len(asked(engine))
        await press(pilot, "U")
        await pilot.app.workers.wait_for_complete()
        assert len(asked(engine)) == count, "nothing is left to redo"


@pytest.mark.parametrize("width", [38, 50, 76, 120])
@pytest.mark.parametrize("floor", [None, 400 * MIB])
@pytest.mark.parametrize("ramp", [None, Ramp(16 * MIB, 2)])
def test_no_fact_of_the_forecast_is_cut(width: int, floor: int | None, ramp: Ramp | None) -> None:
    plan = forecast(balloon(), 64 * MIB, 100.0 * MIB, floor=floor, ramp=ramp)
    text = staged_lines(plan, width, live=False).plain
    for part in forecast_parts(plan):
        assert part.plain in text.split("\n") or part.plain in text
    assert all(len(line) <= width for line in text.split("\n") if not line.startswith("enter")), text
    assert "esc drops it" in text


def test_the_time_of_a_ramp_counts_its_waits() -> None:
    once = forecast(balloon(), RAM - 64 * MIB, 64.0 * MIB)
    slow = forecast(balloon(), RAM - 64 * MIB, 64.0 * MIB, ramp=Ramp(16 * MIB, 2))
    assert (once.seconds, once.steps) == (1.0, 1)
    assert (slow.seconds, slow.steps) == (6.25, 4)
    back = forecast(balloon(RAM // 2, RAM // 2), RAM, 64.0 * MIB, ramp=Ramp(16 * MIB, 2))
    assert (back.seconds, back.steps) == (4.0, 1), "deflation is never slowed"


def test_a_guest_that_gave_since_it_told_of_its_memory_has_less_left() -> None:
    now = balloon(RAM - 200 * MIB, RAM - 200 * MIB, available=250 * MIB)
    past = tuple(Sample(NOW - 3 + i / 10, RAM, RAM, None, None) for i in range(18))
    plan = forecast(replace(now, history=(*past, *now.history[-1:])), RAM - 240 * MIB, 0.0)
    assert plan.available == 10 * MIB
    assert plan.risky
