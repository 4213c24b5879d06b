"""The main screen on a fake engine: keys in, requests out, snapshots shown."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from textual.widgets import RichLog, Static

from tests.ui.fake_engine import NOW, RAM, FakeEngine, balloon, running
from tests.ui.main.opened import STOPPED, asked, opened, press, text_of
from tests.ui.notifications import notes
from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.balloon.diagnosis.judge import Verdict
from workbench.domain.balloon.reading import Sample
from workbench.domain.guest.lifecycle import Exit, Phase
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.host.hugepages import HugepageShortage, Shortage, Supply
from workbench.domain.preferences import Preferences
from workbench.domain.units import MIB
from workbench.errors import StartError
from workbench.ui.app import WorkbenchApp
from workbench.ui.balloon.panel import BalloonPanel
from workbench.ui.common.dialogs import Dialog
from workbench.ui.guests.list import GuestList
from workbench.ui.keys.bar import KeyBar
from workbench.ui.main.help import HelpScreen
from workbench.ui.main.screen import MainScreen
from workbench.ui.main.sizes import HEIGHTS, WIDTHS
from workbench.ui.qmp import console as qmp_console
from workbench.ui.qmp import waits as qmp_waits
from workbench.ui.qmp.console import QmpConsole
from workbench.ui.qmp.input import QmpInput

if TYPE_CHECKING:
    from pathlib import Path

    from textual.geometry import Size
    from textual.pilot import Pilot

ALL_SIZES = {name for _, name in (*WIDTHS, *HEIGHTS)}


@pytest.mark.parametrize(
    ("size", "classes"),
    [
        ((80, 24), {"-narrow", "-low"}),
        ((120, 28), {"-wide", "-high"}),
        ((120, 30), {"-wide", "-thirty"}),
        ((120, 40), {"-wide", "-tall"}),
        ((200, 60), {"-vast", "-tall"}),
    ],
)
async def test_the_first_picture_has_its_final_arrangement(
    size: tuple[int, int], classes: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Textual sets the classes of a size after the first frame: at 80 by 24 the wide layout flashed up."""
    seen: list[set[str]] = []
    laid_out = MainScreen._refresh_layout

    def lay_out(screen: MainScreen, size: Size | None = None, scroll: bool = False) -> None:
        seen.append({name for name in screen.classes if name in ALL_SIZES})
        laid_out(screen, size, scroll)

    monkeypatch.setattr(MainScreen, "_refresh_layout", lay_out)
    async with opened(size=size) as (pilot, _):
        assert pilot.app.screen.has_class(*classes)
    assert seen
    assert all(one == classes for one in seen)


@pytest.mark.parametrize(
    ("keys", "target"),
    [
        (("minus",), RAM - 16 * MIB),
        (("minus", "minus", "plus"), RAM - 16 * MIB),
        (("left_square_bracket",), RAM - 128 * MIB),
        (("left_square_bracket", "left_square_bracket", "right_square_bracket"), RAM - 128 * MIB),
        (("5",), RAM // 2),
        (("plus",), RAM),
        (("left_square_bracket",) * 9, MIB),
        (("t", "2", "5", "6", "m", "enter"), 256 * MIB),
        (("t", "5", "0", "percent_sign", "enter"), RAM // 2),
        (("t", "m", "a", "x", "enter"), RAM),
    ],
)
async def test_keys_stage_a_target_and_enter_sends_it(keys: tuple[str, ...], target: int) -> None:
    async with opened() as (pilot, engine):
        await press(pilot, *keys)
        assert pilot.app.screen.query_one(BalloonPanel).staged == target
        assert asked(engine) == [], "staging must send nothing"
        await press(pilot, "enter")
        await pilot.app.workers.wait_for_complete() if target > 64 * MIB else await pilot.pause()
        if target <= 64 * MIB:
            assert isinstance(pilot.app.screen, Dialog), "a target that leaves too little is asked about"
            return
        assert asked(engine) == [("target", target)]
        assert pilot.app.screen.query_one(BalloonPanel).staged is None


async def test_escape_discards_the_staged_target() -> None:
    async with opened() as (pilot, engine):
        await press(pilot, "minus", "escape")
        assert pilot.app.screen.query_one(BalloonPanel).staged is None
        await press(pilot, "enter")
        assert asked(engine) == []


async def test_live_sends_each_key() -> None:
    async with opened() as (pilot, engine):
        await press(pilot, "l", "minus")
        await pilot.app.workers.wait_for_complete()
        assert asked(engine) == [("target", RAM - 16 * MIB)]
        await press(pilot, "l", "minus")
        await pilot.app.workers.wait_for_complete()
        assert len(asked(engine)) == 1, "not live any more"


async def test_undo_goes_back_and_max_gives_everything_back() -> None:
    async with opened() as (pilot, engine):
        await press(pilot, "5", "enter")
        await pilot.app.workers.wait_for_complete()
        engine.publish(running(balloon=balloon(RAM // 2, RAM // 2)))
        await pilot.pause()
        await press(pilot, "u")
        await pilot.app.workers.wait_for_complete()
        await press(pilot, "m")
        await pilot.app.workers.wait_for_complete()
        assert asked(engine) == [("target", RAM // 2), ("target", RAM), ("target", RAM)]


@pytest.mark.parametrize("typed", ["abc", "0", "-5", "600M", "1T"])
async def test_a_typed_mistake_is_explained_and_kept_for_correction(typed: str) -> None:
    async with opened() as (pilot, engine):
        await press(pilot, "t")
        for character in typed:
            await pilot.press("minus" if character == "-" else character)
        await press(pilot, "enter")
        panel = pilot.app.screen.query_one(BalloonPanel)
        assert panel.has_class("-mistake")
        assert typed in text_of(pilot, "#balloon-error")
        assert panel.staged is None
        await press(pilot, "escape")
        assert pilot.app.focused is panel
        assert asked(engine) == []


async def test_a_risky_target_asks_and_cancel_sends_nothing() -> None:
    async with opened(running(balloon=balloon(available=100 * MIB))) as (pilot, engine):
        await press(pilot, "left_square_bracket")
        assert "asks first: below the floor" in text_of(pilot, "#balloon-staged")
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Dialog)
        await press(pilot, "enter")  # the safe button has the focus
        assert not isinstance(pilot.app.screen, Dialog)
        assert asked(engine) == []
        await press(pilot, "left_square_bracket", "enter", "right", "enter")
        await pilot.app.workers.wait_for_complete()
        assert asked(engine) == [("target", RAM - 128 * MIB)]


async def test_the_numbers_of_a_moving_balloon() -> None:
    async with opened(running(balloon=balloon(256 * MIB, 311 * MIB))) as (pilot, _):
        head = text_of(pilot, "#balloon-head")
        for words in ("256 MiB", "311 MiB", "+55 MiB", "+14,080", "inflating", "config space"):
            assert words in head, words
        ledger = text_of(pilot, "#balloon-ledger")
        for words in ("201", "256", "100", "\u2212110", "400", "\u221240", "reclaimed", "+110", "0\u201391"):
            assert words in ledger, words


async def test_a_stall_says_why_and_what_to_do() -> None:
    verdict = Verdict(State.STALLED, "the guest is paused: its driver does not run", "resume the guest", ("14 pages",))
    stalled = replace(balloon(256 * MIB, 311 * MIB), verdict=verdict)
    async with opened(running(balloon=stalled)) as (pilot, _):
        words = text_of(pilot, "#balloon-situation")
        assert "stalled: the guest is paused" in words
        assert "resume the guest" in words
        assert "14 pages" in words


async def test_a_qemu_that_does_not_answer_is_shown_until_it_does() -> None:
    async with opened() as (pilot, engine):
        engine.publish(running(answering=False, trouble="QEMU does not answer: [stopped]"))
        await pilot.pause()
        assert "does not answer: [stopped]" in text_of(pilot, "#balloon-situation")
        engine.publish(running())
        await pilot.pause()
        assert not pilot.app.screen.query_one(BalloonPanel).has_class("-situation")


async def test_a_killed_guest_is_shown_as_killed() -> None:
    async with opened() as (pilot, engine):
        engine.publish(GuestSnapshot("demo", ended=Exit(137), ended_output="[oops]", memory=RAM))
        await pilot.pause()
        assert "killed by signal 9" in text_of(pilot, "#balloon-head")
        assert "[oops]" in text_of(pilot, "#balloon-head")
        guests = pilot.app.screen.query_one(GuestList)
        assert "killed by signal 9" in str(guests.get_option("demo").prompt)


async def test_balloon_keys_show_why_they_do_nothing() -> None:
    async with opened(STOPPED) as (pilot, engine):
        for key in ("minus", "5", "m", "u", "t", "enter"):
            await press(pilot, key)
        assert asked(engine, "alpine") == []
        assert len(notes(pilot.app)) > 0


async def test_letters_typed_into_a_field_are_letters() -> None:
    async with opened() as (pilot, engine):
        await press(pilot, "colon", "q", "u", "e", "g", "b", "d", "x", "question_mark")
        assert not isinstance(pilot.app.screen, HelpScreen)
        assert pilot.app.focused is not None
        assert getattr(pilot.app.focused, "value", None) == "quegbdx?"
        assert asked(engine) == []


async def test_start_stop_pause_reset() -> None:
    async with opened() as (pilot, engine):
        await press(pilot, "g", "p")
        await pilot.app.workers.wait_for_complete()
        engine.publish(running(phase=Phase.PAUSED, status="paused"))
        await pilot.pause()
        await press(pilot, "p")
        await pilot.app.workers.wait_for_complete()
        await press(pilot, "r")
        assert isinstance(pilot.app.screen, Dialog), "a reset loses what was not written: it asks"
        await press(pilot, "right", "enter")
        await pilot.app.workers.wait_for_complete()
        await press(pilot, "x", "right", "enter")
        await pilot.app.workers.wait_for_complete()
        await press(pilot, "x", "right", "right", "enter")
        await pilot.app.workers.wait_for_complete()
        assert asked(engine) == ["pause", "resume", "reset", "power_down", "kill"]
        guests = pilot.app.screen.query_one(GuestList)
        guests.choose("alpine")
        await pilot.pause()
        await press(pilot, "s")
        await pilot.app.workers.wait_for_complete()
        assert engine.started == ["alpine"]


async def test_allocating_missing_hugepages_is_offered() -> None:
    async with opened(STOPPED) as (pilot, engine):
        engine.start_failure = HugepageShortage(
            "30 hugepages of 2 MiB are missing", Shortage(2 << 20, 32, 2, 2), hint="sudo sysctl vm.nr_hugepages=32"
        )
        await press(pilot, "g", "s")
        await pilot.pause()
        assert isinstance(pilot.app.screen, Dialog)
        words = " ".join(str(widget.render()) for widget in pilot.app.screen.query(Static))
        assert "30 hugepages of 2 MiB are missing" in words
        assert "sudo sysctl vm.nr_hugepages=32" in words
        for no in ("escape", "enter"):  # Cancel has the focus
            await press(pilot, no)
            await pilot.app.workers.wait_for_complete()
            assert not isinstance(pilot.app.screen, Dialog)
            assert engine.started == []
            await press(pilot, "s")
            await pilot.pause()
        await press(pilot, "right", "enter")
        await pilot.app.workers.wait_for_complete()
        assert (engine.started, engine.supplies[-1]) == ([STOPPED.name], Supply.RETURN)
        await press(pilot, "s")
        await pilot.pause()
        await press(pilot, "right", "right", "enter")
        await pilot.app.workers.wait_for_complete()
        assert (len(engine.started), engine.supplies[-1]) == (2, Supply.KEEP)


async def test_a_failed_start_shows_qemus_output() -> None:
    async with opened(STOPPED) as (pilot, engine):
        engine.start_failure = StartError("alpine: QEMU ended", output="qemu: -m [/x]: bad", hint="fix it")
        await press(pilot, "g", "s")
        await pilot.pause()
        assert isinstance(pilot.app.screen, Dialog)
        body = "\n".join(str(widget.render()) for widget in pilot.app.screen.query(Static))
        for words in ("alpine: QEMU ended", "qemu: -m [/x]: bad", "fix it"):
            assert words in body
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, Dialog)


async def test_help_lists_every_key_that_has_an_id() -> None:
    async with opened() as (pilot, _):
        await press(pilot, "question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        text = "\n".join(str(widget.render()) for widget in pilot.app.screen.query(Static))
        for words in ("Stage a target 16 MiB lower", "Quit; guests keep running", "Start the chosen guest"):
            assert words in text
        await press(pilot, "escape")


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (99, 30), (100, 27), (120, 40), (200, 60), (300, 100)])
async def test_each_size_shows_the_balloon(size: tuple[int, int]) -> None:
    async with opened(size=size) as (pilot, _):
        panel = pilot.app.screen.query_one(BalloonPanel)
        assert panel.region.width >= 40
        assert panel.region.bottom <= size[1]
        assert panel.region.right <= size[0]
        for key, name in (("g", "guests"), ("colon", "qmp"), ("escape", ""), ("d", "devices"), ("b", "balloon")):
            await press(pilot, key)
            if name:
                pane = pilot.app.screen.query_one(f"#{name}")
                assert pane.region.width > 20, f"{name} at {size}"
                assert pane.region.height > 4, f"{name} at {size}"
            else:
                pilot.app.screen.query_one(BalloonPanel).focus()
                await pilot.pause()


@pytest.mark.parametrize("size", [(59, 30), (80, 19), (20, 5)])
async def test_a_terminal_that_is_too_small_shows_a_message(size: tuple[int, int]) -> None:
    async with opened(size=size) as (pilot, _):
        shown = pilot.app.screen.query_one("#too-small", Static)
        assert shown.region.width > 0
        assert f"{size[0]} by {size[1]}" in str(shown.render())
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert pilot.app.screen.query_one(BalloonPanel).region.width > 0


async def test_numbers_do_not_move_when_they_change() -> None:
    async with opened() as (pilot, engine):
        before = text_of(pilot, "#balloon-head").splitlines()
        engine.publish(running(balloon=balloon(128 * MIB, 500 * MIB)))
        await pilot.pause()
        after = text_of(pilot, "#balloon-head").splitlines()
        assert [len(line) for line in before] == [len(line) for line in after]
        assert before[0].index("actual") == after[0].index("actual")


async def test_leaving_closes_the_engine() -> None:
    async with opened() as (pilot, engine):
        await press(pilot, "ctrl+q")
        await pilot.pause()
    assert engine.closed.is_set()


async def test_the_console_shows_output_and_sends_input() -> None:
    async with opened() as (pilot, engine):
        await press(pilot, "c", "e", "a", "t", "enter", "ctrl+c")
        await pilot.app.workers.wait_for_complete()
        assert asked(engine) == [("type", "eat\n"), ("type", "\x03")]
        assert "hello from the guest" in "\n".join(line.text for line in pilot.app.screen.query_one(RichLog).lines)
        await press(pilot, "escape", "b")
        assert isinstance(pilot.app.focused, BalloonPanel)


async def test_the_mouse_reaches_panes_and_keys() -> None:
    async with opened(size=(80, 24)) as (pilot, _):
        names = pilot.app.screen.query_one("#names", Static)
        await pilot.click(names, offset=(str(names.render()).index("Guests") + 2, 0))
        await pilot.pause()
        assert isinstance(pilot.app.focused, GuestList)
        await pilot.click(names, offset=(str(names.render()).index("Balloon") + 2, 0))
        await pilot.pause()
        bar = pilot.app.screen.query_one(KeyBar)
        assert "Less" in str(bar.render())
        await pilot.click(bar, offset=(str(bar.render()).index("Less") + 1, 0))
        await pilot.pause()
        assert pilot.app.screen.query_one(BalloonPanel).staged == RAM - 16 * MIB


async def test_the_bar_shows_whole_keys_and_never_drops_help_and_quit() -> None:
    for width in (60, 80, 100, 200):
        async with opened(size=(width, 30)) as (pilot, _):
            text = str(pilot.app.screen.query_one(KeyBar).render())
            assert text.endswith("? Help  ^q Quit")
            assert "Less" in text
            assert cell_len(text) <= width - 2
    async with opened(size=(80, 30)) as (pilot, _):
        await pilot.resize_terminal(200, 50)
        await pilot.pause()
        assert "Live" in str(pilot.app.screen.query_one(KeyBar).render())


async def test_a_key_changed_by_the_user_works() -> None:
    engine = FakeEngine(running())
    app = WorkbenchApp(engine, keys={"balloon.less": "z", "no.such": "y"})
    async with app.run_test(size=(140, 44)) as pilot:
        await pilot.pause()
        await press(pilot, "minus")
        assert app.screen.query_one(BalloonPanel).staged is None
        await press(pilot, "z")
        assert app.screen.query_one(BalloonPanel).staged == RAM - 16 * MIB
        assert any("no.such" in note.message for note in notes(app)), "an unknown id is reported"
        await press(pilot, "question_mark")
        assert "z         balloon.less" in "\n".join(str(widget.render()) for widget in app.screen.query(Static))


async def test_the_console_names_the_keys_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qmp_waits, "QUIET", 0.0)
    monkeypatch.setattr(qmp_console, "CLOCK", 0.01)
    app = WorkbenchApp(FakeEngine(running()), keys={"qmp.zoom": "f9", "qmp.give-up": "ctrl+k"})
    async with app.run_test(size=(140, 44)) as pilot:
        await pilot.pause()
        console = app.screen.query_one(QmpConsole)
        assert str(console.border_subtitle).endswith("f3 events   f9 zoom")
        console.wait_for("migrate", lambda: None)
        async with asyncio.timeout(20):
            while not str(console.border_subtitle).endswith("ctrl+k stops waiting"):
                await pilot.pause(0.01)


async def test_texts_name_the_keys_that_the_user_has() -> None:
    moved = {"balloon.send": "space", "balloon.type": "f9", "balloon.less": "z", "pane.guests": "G,f7"}
    app = WorkbenchApp(FakeEngine(running()), keys=moved)
    async with app.run_test(size=(140, 44)) as pilot:
        await pilot.pause()
        assert "z + [ ] 1\u20269 or f9 stage a target" in text_of(pilot, "#balloon-staged")
        assert "z + 16M" in str(app.screen.query_one(BalloonPanel).border_subtitle)
        await press(pilot, "z")
        assert "space sends it" in text_of(pilot, "#balloon-staged")
        assert str(app.screen.query_one("#names").render()).split()[0] == "G"
    async with opened() as (pilot, _):
        await press(pilot, "minus")
        assert "enter sends it" in text_of(pilot, "#balloon-staged"), "and those of another app are its own"


async def test_the_forecast_counts_from_what_the_guest_had_at_its_last_report() -> None:
    """Statistics are seconds old: a guest that has given 200 MiB since has 200 MiB less than they show."""
    now = balloon(RAM - 200 * MIB, RAM - 200 * MIB, available=250 * MIB)
    past = tuple(Sample(NOW - 3 + i / 10, RAM, RAM, None, None) for i in range(18))
    async with opened(running(balloon=replace(now, history=(*past, *now.history[-1:])))) as (pilot, _):
        await press(pilot, "left_square_bracket")
        words = text_of(pilot, "#balloon-staged")
        assert "<1 MiB available" in words or "0 MiB available" in words, words
        assert "asks first" in words


async def test_a_cancelled_risk_leaves_undo_as_it_was() -> None:
    async with opened() as (pilot, engine):
        await press(pilot, "8", "enter")
        await pilot.app.workers.wait_for_complete()
        lower = balloon(RAM * 8 // 10, RAM * 8 // 10, available=60 * MIB)
        engine.publish(running(balloon=lower))
        await pilot.pause()
        await press(pilot, "1", "enter")
        assert isinstance(pilot.app.screen, Dialog)
        await press(pilot, "escape", "u")
        await pilot.app.workers.wait_for_complete()
        assert asked(engine) == [("target", RAM * 8 // 10 // 4096 * 4096), ("target", RAM)]


async def test_a_question_that_outlives_its_guest_does_nothing() -> None:
    async with opened() as (pilot, engine):
        await press(pilot, "g", "x")
        assert isinstance(pilot.app.screen, Dialog)
        engine.publish(GuestSnapshot("demo", ended=Exit(137), memory=RAM))
        await pilot.pause()
        await press(pilot, "right", "right", "enter")
        await pilot.app.workers.wait_for_complete()
        assert asked(engine) == []


@pytest.mark.parametrize("line", ["quit", "system_reset", "!quit"])
async def test_a_command_that_ends_something_asks_first(line: str, tmp_path: Path) -> None:
    async with opened(history=tmp_path / "history") as (pilot, engine):
        await press(pilot, "colon")
        for character in line:
            await pilot.press({"!": "exclamation_mark", "_": "underscore"}.get(character, character))
        # Twice where the fake schema does not know the command: the first enter explains that.
        await press(pilot, "enter")
        if not isinstance(pilot.app.screen, Dialog):
            await press(pilot, "enter")
        assert isinstance(pilot.app.screen, Dialog)
        assert f"{line} on demo?" in str(pilot.app.screen.query_one("Dialog > Vertical").border_title)
        await press(pilot, "enter")
        assert asked(engine) == []


async def type_command(pilot: Pilot[None], line: str) -> None:
    """Enter a line in the QMP console, twice where the fake schema does not know the command."""
    await press(pilot, "colon")
    pilot.app.screen.query_one(QmpInput).value = line
    await press(pilot, "enter")
    if pilot.app.screen.query_one(QmpInput).value and not isinstance(pilot.app.screen, Dialog):
        await press(pilot, "enter")
    await pilot.pause()


async def test_a_file_that_is_there_is_asked_about_before_it_is_overwritten(tmp_path: Path) -> None:
    line = "memsave val=0 size=4096 filename=/tmp/memory"
    async with opened(history=tmp_path / "history") as (pilot, engine):
        await type_command(pilot, line)
        await pilot.app.workers.wait_for_complete()
        assert [what[1] for what in asked(engine)] == ["memsave"]  # type: ignore[index]
        engine.guest("demo").lookups.files.add("/tmp/memory")
        await type_command(pilot, line)
        assert isinstance(pilot.app.screen, Dialog)
        assert "/tmp/memory exists and will be overwritten" in text_of(pilot, "VerticalScroll > Static")
        await press(pilot, "right", "enter")
        await pilot.app.workers.wait_for_complete()
        assert len(asked(engine)) == 2


async def test_the_question_can_be_switched_off(tmp_path: Path) -> None:
    async with opened(history=tmp_path / "history", preferences=Preferences(ask=False)) as (pilot, engine):
        await type_command(pilot, "quit")
        await pilot.app.workers.wait_for_complete()
        assert asked(engine) == [("execute", "quit", {})]


async def test_an_answer_for_a_guest_that_has_ended_sends_nothing(tmp_path: Path) -> None:
    async with opened(history=tmp_path / "history") as (pilot, engine):
        await type_command(pilot, "quit")
        assert isinstance(pilot.app.screen, Dialog)
        engine.publish(running("demo", pid=4712))
        await press(pilot, "right", "enter")
        await pilot.app.workers.wait_for_complete()
        assert asked(engine) == []


async def test_ctrl_c_gives_up_a_command_that_is_not_answered(tmp_path: Path) -> None:
    async with opened(history=tmp_path / "history") as (pilot, engine):
        guest = engine.guest("demo")
        ended: list[str] = []

        async def never(*_what: object, **_more: object) -> object:
            try:
                return await asyncio.Event().wait()
            finally:
                ended.append("given up")

        guest.execute = never  # type: ignore[method-assign]
        await type_command(pilot, "query-status")
        await press(pilot, "ctrl+c")
        for _ in range(50):  # not until all workers are done: this one would wait for ever
            await pilot.pause()
        assert ended == ["given up"]


async def test_s_starts_a_stopped_guest_from_the_balloon_panel() -> None:
    async with opened(STOPPED) as (pilot, engine):
        assert isinstance(pilot.app.focused, BalloonPanel)
        await press(pilot, "s")
        await pilot.app.workers.wait_for_complete()
        assert engine.started == ["alpine"]


@pytest.mark.parametrize("size", [(59, 20), (70, 19)])
async def test_nothing_is_beside_the_message_of_a_small_terminal(size: tuple[int, int]) -> None:
    async with opened(size=size) as (pilot, _):
        assert pilot.app.screen.query_one(BalloonPanel).region.area == 0
        assert pilot.app.screen.query_one("#too-small").region.height >= size[1] - 1


async def test_narrow_panes_have_the_whole_width() -> None:
    async with opened(size=(80, 24)) as (pilot, _):
        for key, name in (("d", "devices"), ("g", "guests"), ("h", "host"), ("b", "balloon")):
            await press(pilot, key)
            assert pilot.app.screen.query_one(f"#{name}").region.width == 80, name


async def test_the_console_is_wrapped_again_when_it_is_shown() -> None:
    async with opened() as (pilot, engine):
        await press(pilot, "c")
        log = pilot.app.screen.query_one(RichLog)
        assert [line.text.rstrip() for line in log.lines] == ["hello from the guest"]
        engine.guest("demo").print("x" * 60 + "\n")
        await pilot.pause()
        assert log.lines[-1].text.rstrip() == "x" * 60


async def test_the_palette_finds_the_actions_on_a_guest() -> None:
    async with opened() as (pilot, _):
        titles = [command.title for command in pilot.app.get_system_commands(pilot.app.screen)]
        for words in ("Stop: Power", "Less: Stage", "Theme: Switch"):
            assert any(title.startswith(words) for title in titles), words
