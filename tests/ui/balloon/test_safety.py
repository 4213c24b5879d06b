"""Safety in the balloon panel: the floor before a target is sent, presets, undo and redo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from textual.content import Content
from textual.widgets import Static

from tests.ui.fake_engine import NOW, RAM, balloon, running
from tests.ui.main.opened import asked, opened, press, text_of
from tests.ui.notifications import notes
from workbench.domain.balloon.diagnosis.causes import Cause, Finding, State
from workbench.domain.balloon.reading import Sample
from workbench.domain.balloon.safety.forecast import forecast
from workbench.domain.balloon.safety.guard import Alarm
from workbench.domain.balloon.safety.protection import Protection, ProtectionRequest, Safety
from workbench.domain.balloon.safety.ramp import Ramp, Ramping
from workbench.domain.qmp.typed_line import Request
from workbench.domain.units import MIB, PAGE
from workbench.ui.balloon.panel import BalloonPanel
from workbench.ui.balloon.preset_dialog import PresetDialog
from workbench.ui.balloon.safety import protection_lines
from workbench.ui.balloon.text import forecast_parts, risk_words, staged_lines
from workbench.ui.common.dialogs import Dialog
from workbench.ui.guests.list import GuestList, entry, state_words
from workbench.ui.qmp.console import QmpConsole

if TYPE_CHECKING:
    from textual.pilot import Pilot

PRESETS = (("idle", "256M"), ("half", "50%"), ("all", "100%"))


async def test_a_target_below_the_floor_asks_and_names_it() -> None:
    async with opened(running(safety=Safety(floor=400 * MIB))) as (pilot, engine):
        await press(pilot, "left_square_bracket")
        assert "floor 400 MiB, from its profile" in text_of(pilot, "#balloon-staged")
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Dialog)
        words = " ".join("\n".join(str(widget.render()) for widget in pilot.app.screen.query(Static)).split())
        for expected in ("below the floor of 400 MiB (from its profile)", "about 272 MiB available", "kills processes"):
            assert expected in words
        await press(pilot, "right", "enter")
        await pilot.app.workers.wait_for_complete()
        assert asked(engine) == [("target", 384 * MIB)]


@pytest.mark.parametrize("line", ["balloon value=128M", "!balloon 128"])
async def test_a_target_that_is_typed_as_a_command_asks_the_same(line: str) -> None:
    async with opened(running(safety=Safety(floor=400 * MIB))) as (pilot, engine):
        console = pilot.app.screen.query_one(QmpConsole)
        hmp: dict[str, object] = {"command-line": "balloon 128"}
        request = (
            Request("human-monitor-command", hmp, hmp=True)
            if line[0] == "!"
            else Request("balloon", {"value": 128 * MIB})
        )
        console.post_message(QmpConsole.Submitted(console, line, request))
        await pilot.pause()
        assert isinstance(pilot.app.screen, Dialog)
        words = " ".join("\n".join(str(widget.render()) for widget in pilot.app.screen.query(Static)).split())
        assert "below the floor of 400 MiB" in words
        await press(pilot, "escape")
        await pilot.app.workers.wait_for_complete()
        assert asked(engine) == []


async def test_a_guest_held_by_another_screen_is_not_shown_as_stopped() -> None:
    held = running(balloon=None, answering=False, trouble="another client holds its monitor")
    async with opened(held) as (pilot, _):
        await press(pilot, "5")
        assert [note.message for note in notes(pilot.app)] == ["another client holds its monitor"]


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
        assert any("more than the guest's RAM" in note.message for note in notes(pilot.app))


async def test_a_profile_without_presets_is_reported() -> None:
    async with opened() as (pilot, _):
        await press(pilot, "p")
        assert not isinstance(pilot.app.screen, Dialog)
        assert any("has no presets" in note.message for note in notes(pilot.app))


async def test_the_palette_has_the_presets() -> None:
    async with opened(running(safety=Safety(presets=PRESETS))) as (pilot, _):
        (command,) = (
            command
            for command in pilot.app.get_system_commands(pilot.app.screen)
            if command.title.startswith("Preset half")
        )
        command.callback()
        assert pilot.app.screen.query_one(BalloonPanel).staged == RAM // 2


async def test_undo_and_redo_follow_the_sessions_targets() -> None:
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
    assert "esc discards it" in text


def test_the_time_of_a_ramp_counts_its_waits() -> None:
    once = forecast(balloon(), RAM - 64 * MIB, 64.0 * MIB)
    slow = forecast(balloon(), RAM - 64 * MIB, 64.0 * MIB, ramp=Ramp(16 * MIB, 2))
    assert (once.seconds, once.steps) == (1.0, 1)
    assert (slow.seconds, slow.steps) == (6.25, 4)
    back = forecast(balloon(RAM // 2, RAM // 2), RAM, 64.0 * MIB, ramp=Ramp(16 * MIB, 2))
    assert (back.seconds, back.steps) == (4.0, 1), "deflation is never slowed"


def test_a_guest_that_gave_memory_since_its_report_has_less_left() -> None:
    now = balloon(RAM - 200 * MIB, RAM - 200 * MIB, available=250 * MIB)
    past = tuple(Sample(NOW - 3 + i / 10, RAM, RAM, None, None) for i in range(18))
    plan = forecast(replace(now, history=(*past, *now.history[-1:])), RAM - 240 * MIB, 0.0)
    assert plan.available == 10 * MIB
    assert plan.risky


RAMPING = Ramping(Ramp(64 * MIB, 5), RAM, 256 * MIB, 384 * MIB, NOW - 2)
"""A ramp from 512 to 256 MiB that has sent its second step of four."""
ALARM = Alarm(NOW, "only 12 MiB available (threshold 32 MiB)", 128 * MIB)


def safety_words(pilot: Pilot[None]) -> str:
    return " ".join(text_of(pilot, "#balloon-safety").split())


def title_of(pilot: Pilot[None]) -> str:
    return Content.from_markup(str(pilot.app.screen.query_one(BalloonPanel).border_title)).plain


async def requests(protection: Protection, *keys: str) -> list[object]:
    """The requests of these keys for a guest in this state of ramp and guard."""
    async with opened(running(protection=protection)) as (pilot, engine):
        await press(pilot, *keys)
        await pilot.app.workers.wait_for_complete()
        return asked(engine)


@pytest.mark.parametrize(
    ("protection", "keys", "expected"),
    [
        (Protection(), ("G",), ProtectionRequest.ARM),
        (Protection(armed=True), ("G",), ProtectionRequest.DISARM),
        (Protection(), ("r",), ProtectionRequest.RAMP_ON),
        (Protection(ramp=RAMPING.ramp), ("r",), ProtectionRequest.RAMP_OFF),
        (Protection(ramp=RAMPING.ramp, paced=True, armed=True), ("r",), ProtectionRequest.RAMP_ON),
        (Protection(left=RAMPING), ("o",), ProtectionRequest.CONTINUE_RAMP),
        (Protection(left=RAMPING), ("escape",), ProtectionRequest.DISMISS),
        (Protection(alarm=ALARM), ("escape",), ProtectionRequest.DISMISS),
        (Protection(ramping=RAMPING), ("escape",), ProtectionRequest.STOP_RAMP),
        (Protection(ramping=RAMPING, alarm=ALARM), ("escape",), ProtectionRequest.STOP_RAMP),
        (Protection(ramping=RAMPING), ("minus", "escape", "escape"), ProtectionRequest.STOP_RAMP),
    ],
)
async def test_the_keys_of_ramp_and_guard(
    protection: Protection, keys: tuple[str, ...], expected: ProtectionRequest
) -> None:
    assert await requests(protection, *keys) == [("protect", expected)]


@pytest.mark.parametrize(
    ("protection", "keys"),
    [
        (Protection(), ("o",)),
        (Protection(), ("escape",)),
        (Protection(ramping=RAMPING, elsewhere=True), ("escape",)),
        (Protection(ramping=RAMPING), ("minus", "escape")),
        (Protection(ramping=RAMPING), ("t", "escape")),
    ],
)
async def test_keys_with_nothing_to_do_send_no_request(protection: Protection, keys: tuple[str, ...]) -> None:
    assert await requests(protection, *keys) == []


async def test_the_title_shows_what_protects_the_guest() -> None:
    async with opened() as (pilot, engine):
        assert title_of(pilot) == "Balloon \u00b7 demo"
        engine.publish(running(protection=Protection(ramp=Ramp(64 * MIB, 2), armed=True)))
        await pilot.pause()
        assert title_of(pilot) == "Balloon \u00b7 demo \u00b7 guard armed \u00b7 ramp 64M/2s"
        prompt = str(pilot.app.screen.query_one(GuestList).get_option("demo").prompt)
        assert "guarded" in prompt


async def test_a_ramp_under_way_shows_its_progress() -> None:
    async with opened(running(protection=Protection(ramping=RAMPING))) as (pilot, engine):
        words = safety_words(pilot)
        for expected in ("ramp to 256 MiB", "step 2 of 4", "esc stops it here"):
            assert expected in words
        engine.publish(running(protection=Protection(ramping=replace(RAMPING, held="the guest is [paused]"))))
        await pilot.pause()
        assert "held: the guest is [paused]" in safety_words(pilot)
        engine.publish(running(protection=Protection(ramping=RAMPING, elsewhere=True)))
        await pilot.pause()
        assert "by another workbench" in safety_words(pilot)
        engine.publish(running())
        await pilot.pause()
        assert not pilot.app.screen.query_one("#balloon-safety").display


async def test_an_interrupted_ramp_shows_where_and_offers_to_continue() -> None:
    async with opened(running(protection=Protection(left=RAMPING)), size=(80, 24)) as (pilot, _):
        words = safety_words(pilot)
        assert "ramp to 256 MiB interrupted at 384 MiB, step 2 of 4" in words
        assert "o continues" in words
        assert pilot.app.screen.query_one("#balloon-safety").region.bottom <= 24


async def test_the_guards_action_is_in_the_panel_and_not_covered_by_a_toast() -> None:
    async with opened(size=(80, 24)) as (pilot, engine):
        engine.publish(running(protection=Protection(alarm=ALARM, armed=True)))
        await pilot.pause()
        assert "guard gave 128 MiB back at" in safety_words(pilot)
        assert not [note for note in notes(pilot.app) if note.title == "Guard"]


async def test_the_guards_action_is_shown_once_while_another_pane_is_open() -> None:
    async with opened(size=(80, 24)) as (pilot, engine):
        await press(pilot, "d")
        engine.publish(running(protection=Protection(alarm=ALARM, armed=True)))
        await pilot.pause()
        engine.publish(running(protection=Protection(alarm=ALARM, armed=True), status="running", pid=4712))
        await pilot.pause()
        assert "guard gave 128 MiB back at" in safety_words(pilot)
        assert "only 12 MiB available (threshold 32 MiB)" in safety_words(pilot)
        given_back = [note.message for note in notes(pilot.app) if note.title == "Guard"]
        assert given_back == ["demo got 128 MiB back: only 12 MiB available (threshold 32 MiB)"]


async def test_the_guard_of_a_guest_not_shown_is_reported_too() -> None:
    async with opened(running(), running("other")) as (pilot, engine):
        engine.publish(running("other", protection=Protection(alarm=ALARM)))
        await pilot.pause()
        assert any(note.message.startswith("other got 128 MiB back") for note in notes(pilot.app))
        assert "gave" not in safety_words(pilot)


async def test_a_guard_that_cannot_watch_shows_why() -> None:
    protection = Protection(armed=True, blind="the guest reports no statistics")
    async with opened(running(protection=protection)) as (pilot, _):
        assert "cannot watch: the guest reports no statistics" in safety_words(pilot)


@pytest.mark.parametrize("width", [38, 50, 76])
def test_every_part_of_the_lines_is_whole(width: int) -> None:
    for protection in (Protection(alarm=ALARM), Protection(ramping=RAMPING)):
        for line in protection_lines(protection, NOW, width).plain.split("\n"):
            assert len(line) <= max(width, 42), line
    steps = {protection_lines(Protection(ramping=RAMPING), NOW + wait, 76).cell_length for wait in range(9)}
    assert len(steps) == 1, "nothing moves while the seconds run down"


@pytest.mark.parametrize("code", [Cause.STATISTICS_SWITCHED_OFF, Cause.STATISTICS_STOPPED])
def test_a_forecast_shows_the_age_of_old_figures(code: Cause) -> None:
    now = balloon()
    assert now.stats is not None
    fresh = forecast(now, RAM // 2, 0.0)
    assert "old" not in " ".join(part.plain for part in forecast_parts(fresh))
    stats = replace(now.stats, last_update=now.reading.time - 300 if now.reading else 0)
    old = replace(now, stats=stats, verdict=replace(now.verdict, notes=(Finding(code, "frozen"),)))
    plan = forecast(old, 64 * MIB, 0.0)
    assert "figures 5 min old" in [part.plain for part in forecast_parts(plan)]
    assert "(figures 5 min old)" in risk_words("demo", plan)[1]


@pytest.mark.parametrize(
    ("state", "code", "note", "words", "gains"),
    [
        (State.ABSENT, Cause.NO_DRIVER, None, "waits for a driver", False),
        (State.ABSENT, Cause.STALE_AFTER_RESET, None, "waits for its driver", False),
        (State.STALLED, Cause.PAUSED, None, "waits until the guest runs", True),
        (State.SETTLED, None, Cause.PAUSED, "waits until the guest runs", True),
    ],
)
def test_a_target_that_would_move_nothing_yet_shows_why(
    state: State, code: Cause | None, note: Cause | None, words: str, gains: bool
) -> None:
    now = balloon()
    assert not forecast(now, RAM // 2, MIB).waits
    notes = (Finding(note, "a note"),) if note else ()
    now = replace(now, verdict=replace(now.verdict, state=state, code=code, notes=notes))
    plan = forecast(now, RAM // 2, MIB)
    assert words in [part.plain for part in forecast_parts(plan)]
    assert (plan.gain is not None, plan.seconds is not None) == (gains, gains)


async def test_a_screen_that_has_just_opened_knows_how_fast_the_guest_was() -> None:
    moved = tuple(Sample(NOW - 60 + step / 10, RAM // 2, RAM - 8 * MIB * step) for step in range(33))
    now = balloon(RAM // 2, RAM // 2)
    async with opened(running(balloon=replace(now, rate=0.0, history=(*moved, *now.history[-1:])))) as (pilot, _):
        await press(pilot, "minus")
        assert "in 0.2 s" in text_of(pilot, "#balloon-staged")


async def test_the_forecast_shows_the_steps() -> None:
    async with opened(running(protection=Protection(ramp=Ramp(64 * MIB, 2)))) as (pilot, _):
        await press(pilot, "5")
        assert "in 4 steps" in text_of(pilot, "#balloon-staged")


def test_a_guests_words_stay_on_one_line_of_the_list() -> None:
    guarded = running(protection=Protection(armed=True), started=NOW - 3900)
    assert state_words(guarded, NOW, 30)[0] == "running \u00b7 guarded \u00b7 1h05m"
    assert state_words(guarded, NOW, 24)[0] == "running \u00b7 guarded"
    assert entry(guarded, NOW, 25).plain.count("\n") == 1
    assert all(len(line) <= 26 for line in entry(guarded, NOW, 25).plain.splitlines())


async def test_a_refused_key_covers_nothing_on_a_small_terminal() -> None:
    async with opened(size=(80, 24)) as (pilot, _):
        panel = pilot.app.screen.query_one(BalloonPanel)
        hints = str(panel.border_subtitle)
        await press(pilot, "o")
        assert Content.from_markup(str(panel.border_subtitle)).plain == "No interrupted ramp to continue"
        await press(pilot, "p")
        assert "see [balloon.presets]" in Content.from_markup(str(panel.border_subtitle)).plain
        assert not notes(pilot.app)
        assert panel.show_notice("a" * 79, 1.0) is False, "no room"
        panel.show_notice("soon over", 0.01)
        while str(panel.border_subtitle) != hints:
            await pilot.pause(0.01)
