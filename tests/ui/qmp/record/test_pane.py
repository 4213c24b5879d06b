"""The record on the screen: events, filter, search, copy, and messages before and after the log."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from itertools import cycle, islice
from typing import TYPE_CHECKING

import pytest

from tests.ui.fake_engine import running
from tests.ui.main.opened import opened
from tests.ui.notifications import notes
from tests.ui.qmp.console_app import ConsoleApp, console, until
from workbench.domain.qmp.record.record import HMP, Kind, Origin, Record
from workbench.domain.qmp.record.search import Show
from workbench.ui.qmp.input import QmpInput
from workbench.ui.qmp.record import find_line
from workbench.ui.qmp.record.drawing import DRAWN
from workbench.ui.qmp.record.entries import MAX_ITEMS
from workbench.ui.qmp.record.event_list import EventList
from workbench.ui.qmp.record.find_line import RecordFind
from workbench.ui.qmp.record.log import TrafficLog

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from workbench.ui.qmp.record.pane import RecordPane


def event(app: ConsoleApp, name: str, **data: object) -> None:
    app.record.add(1.0, Kind.EVENT, Origin.SCREEN, name, data)


async def to_log(pilot: Pilot[None]) -> TrafficLog:
    log = pilot.app.query_one(TrafficLog)
    log.focus()
    await pilot.pause()
    return log


def state(app: ConsoleApp) -> str:
    return str(app.query_one("#record-state").render())


def count(app: ConsoleApp) -> str:
    return str(app.query_one("#record-count").render())


# Events.


async def test_events_that_repeat_are_folded_to_the_newest_and_opened(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        for offset in range(300):
            event(app, "RTC_CHANGE", offset=offset)
        event(app, "RESET", guest=True)
        await until(pilot, lambda: "RESET" in app.shown)
        folded, reset = app.shown.splitlines()
        assert folded.endswith("RTC_CHANGE  offset=299  300 times")
        assert reset.endswith("RESET  guest=true")
        await to_log(pilot)
        await pilot.press("up", "up", "enter")
        lines = app.shown.splitlines()
        assert "100 earlier" in lines[0]
        assert lines[1].endswith("offset=100")
        assert lines[200].endswith("offset=299")
        await pilot.press("enter")
        assert len(app.shown.splitlines()) == 2


async def test_events_are_counted_by_name_and_hidden(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        for _ in range(1234):
            event(app, "RTC_CHANGE")
        event(app, "STOP [/x]")
        await until(pilot, lambda: "RTC_CHANGE 1,234" in state(app))
        assert "STOP [/x] 1" in state(app)
        await pilot.press("f3")
        await pilot.pause()
        listed = app.query_one(EventList)
        assert isinstance(app.focused, EventList)
        prompts = [str(listed.get_option_at_index(index).prompt) for index in range(listed.option_count)]
        assert [prompt.split()[1:] for prompt in prompts] == [["1,234", "RTC_CHANGE"], ["1", "STOP", "[/x]"]]
        await pilot.press("space")
        await until(pilot, lambda: "RTC_CHANGE" not in app.shown)
        assert "STOP [/x]" in app.shown
        event(app, "RTC_CHANGE")
        event(app, "RESUME")
        await until(pilot, lambda: "RESUME" in app.shown)
        assert "RTC_CHANGE" not in app.shown
        await until(pilot, lambda: "1 hidden" in state(app) and "RTC_CHANGE 1,235" in state(app))
        await pilot.press("a")
        await until(pilot, lambda: "RTC_CHANGE" in app.shown)
        await pilot.press("escape")
        assert isinstance(app.focused, TrafficLog)


async def test_a_key_asks_for_the_device_of_an_event(tmp_path: Path) -> None:
    asked: list[str] = []

    class App(ConsoleApp):
        def on_record_pane_device_wanted(self, message: RecordPane.DeviceWanted) -> None:
            asked.append(message.device)

    app = App(Record())
    async with app.run_test(size=(100, 30)) as pilot:
        event(app, "DEVICE_DELETED", device="net0", path="/machine/peripheral/net0")
        event(app, "RESET")
        await until(pilot, lambda: "RESET" in app.shown)
        await to_log(pilot)
        await pilot.press("o")
        assert asked == []
        await pilot.press("up", "up", "o")
        await pilot.pause()
        assert asked == ["/machine/peripheral/net0"]


async def test_a_flood_drops_no_key_and_no_count(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        flooding = True

        async def flood() -> None:
            names = cycle(("RTC_CHANGE", "BALLOON_CHANGE", "STOP"))
            while flooding:
                for name in islice(names, 100):
                    event(app, name, n=1)
                await asyncio.sleep(0.01)

        task = asyncio.create_task(flood())
        text = "query-block-jobs"
        await pilot.press(*text)
        flooding = False
        await task
        assert app.query_one(QmpInput).value == text
        total = sum(app.record.events.values())
        assert total > 3000
        await until(pilot, lambda: f"{app.record.events['STOP']:,}" in state(app))
        assert "not shown: too many at once" in app.shown
        assert len(app.shown.splitlines()) <= MAX_ITEMS + 1


# Filter.


def some_of_all(app: ConsoleApp) -> None:
    add = app.record.add
    add(1.0, Kind.COMMAND, Origin.USER, "my-command", {})
    add(1.0, Kind.REPLY, Origin.USER, "my-command", "my-reply", 0.1)
    add(1.0, Kind.COMMAND, Origin.ACTION, "balloon", {"value": 5})
    add(1.0, Kind.ERROR, Origin.ACTION, "balloon", {"class": "GenericError", "desc": "refused"}, 0.1)
    add(1.0, Kind.EVENT, Origin.SCREEN, "RESET", {})
    add(1.0, Kind.NOTE, Origin.SCREEN, "", "closed")


@pytest.mark.parametrize(
    ("show", "words"),
    [
        (Show.ALL, {"my-command", "my-reply", "balloon", "refused", "RESET", "closed"}),
        (Show.MINE, {"my-command", "my-reply"}),
        (Show.EVENTS, {"RESET"}),
        (Show.COMMANDS, {"my-command", "balloon"}),
        (Show.REPLIES, {"my-reply", "refused"}),
        (Show.ERRORS, {"refused"}),
    ],
)
async def test_the_log_is_filtered_by_a_key(tmp_path: Path, show: Show, words: set[str]) -> None:
    everything = ("my-command", "my-reply", "balloon", "refused", "RESET", "closed")
    async with console(None, tmp_path) as (pilot, app):
        some_of_all(app)
        await until(pilot, lambda: "closed" in app.shown)
        await to_log(pilot)
        for _ in range(list(Show).index(show)):
            await pilot.press("f")
        await pilot.pause()
        assert {word for word in everything if word in app.shown} == words
        assert (f"only {show.value}" in state(app)) == (show is not Show.ALL)
        some_of_all(app)
        await until(pilot, lambda: app.shown.count(min(words)) == 2 or "RESET  2 times" in app.shown)
        assert {word for word in everything if word in app.shown} == words


# Search.


async def test_search_goes_far_up_and_back(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        for index in range(20_000):
            name = "NEEDLE" if index in (7, 9_000, 19_990) else f"EVENT_{index}"
            event(app, name, value=index)
        await until(pilot, lambda: "EVENT_19999" in app.shown)
        log = await to_log(pilot)
        await pilot.press("slash", *"needle value")
        await until(pilot, lambda: count(app) == "3 of 3")
        await pilot.press("enter")
        assert isinstance(app.focused, TrafficLog)
        await pilot.press("N")
        assert "EVENT_9001" in app.shown
        assert len(app.shown.splitlines()) <= MAX_ITEMS + 1
        visible = app.shown.splitlines()[log.scroll_offset.y : log.scroll_offset.y + log.size.height]
        assert any("NEEDLE  value=9000" in line for line in visible)
        await pilot.press("N")
        assert "NEEDLE  value=7" in app.shown
        await pilot.press("N")
        assert "NEEDLE  value=19990" in app.shown
        await pilot.press("end")
        await pilot.pause()
        assert app.shown.splitlines()[log.scroll_offset.y + log.size.height - 1].endswith("value=19999")


async def test_matches_are_marked_and_escape_forgets_them(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        app.record.add(1.0, Kind.COMMAND, Origin.USER, "balloon", {"value": 268435456})
        app.record.add(1.0, Kind.REPLY, Origin.USER, HMP, "VM status: running\r\n", 0.1)
        await until(pilot, lambda: "running" in app.shown)
        log = await to_log(pilot)
        for text, line, marked in (("BALLOON value=268", 0, "balloon value=268"), ("status: run", 1, "status: run")):
            await pilot.press("slash", *text)
            await until(pilot, lambda: count(app) == "1 of 1")
            style = log.get_component_rich_style("traffic--match")
            segments = log.render_line(line)
            assert "".join(s.text for s in segments if s.style and s.style.bgcolor == style.bgcolor) == marked
            await pilot.press("escape")
            segments = log.render_line(line)
            assert not [s for s in segments if s.style and s.style.bgcolor == style.bgcolor]
        await pilot.press("slash", *"no such thing")
        await until(pilot, lambda: count(app) == "no matches")


async def test_the_count_of_matches_follows_new_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_line, "RECOUNT", 0.02)
    async with console(None, tmp_path) as (pilot, app):
        event(app, "RESET")
        await until(pilot, lambda: "RESET" in app.shown)
        await to_log(pilot)
        await pilot.press("slash", *"nothing")
        await until(pilot, lambda: count(app) == "no matches")
        event(app, "NOTHING")
        await until(pilot, lambda: count(app) == "0 of 1" or count(app) == "1 of 1")
        event(app, "NOTHING_MORE")
        await until(pilot, lambda: count(app).endswith("of 2"))


async def test_letters_typed_to_find_are_letters(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        event(app, "RESET")
        await until(pilot, lambda: "RESET" in app.shown)
        await pilot.press("slash", "n", "f")
        assert app.query_one(QmpInput).value == "/nf"
        await to_log(pilot)
        await pilot.press("slash", *"nNyfow")
        assert app.query_one(RecordFind).text == "nNyfow"


LINES = 250
assert LINES > DRAWN + 100


def drawn(app: ConsoleApp, number: int) -> bool:
    return f"command-{number}" in app.shown


async def test_only_lines_near_the_visible_ones_stay_drawn(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        for number in range(LINES):
            app.record.add(1.0, Kind.COMMAND, Origin.USER, f"command-{number}", {})
            if number % 50 == 49:  # many at a time would be left out as a burst
                await until(pilot, partial(drawn, app, number))
        log = await to_log(pilot)
        for y in range(0, LINES, log.size.height):
            log.scroll_to(y=y, animate=False)
            await pilot.pause()
        assert log.is_vertical_scroll_end
        assert len(log.drawn) == DRAWN
        kept = log.drawn.keys()
        assert {line.text for line in kept} >= set(log.text.splitlines()[-log.size.height :])


async def test_the_log_loads_more_at_its_edges(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        for index in range(3 * MAX_ITEMS):
            event(app, f"EVENT_{index}")
        await until(pilot, lambda: f"EVENT_{3 * MAX_ITEMS - 1}" in app.shown)
        log = await to_log(pilot)
        await pilot.press("home")
        await pilot.pause()
        assert app.shown.splitlines()[0].endswith("EVENT_0")
        assert log.scroll_offset.y == 0
        event(app, "LATE")
        await until(pilot, lambda: "newer (end)" in state(app))
        assert "LATE" not in app.shown
        seen = set()
        for _ in range(400):
            seen |= {line.split()[-1] for line in app.shown.splitlines()}
            if "LATE" in app.shown:
                break
            await pilot.press("pagedown")
            log.scroll_end(animate=False, immediate=True)
            await pilot.pause()
        assert seen | {"LATE"} >= {f"EVENT_{index}" for index in range(3 * MAX_ITEMS)}
        await pilot.press("end")
        await pilot.pause()
        event(app, "LATEST")
        await until(pilot, lambda: "LATEST" in app.shown)
        assert log.scroll_offset.y == log.max_scroll_y


# Copy.


async def test_the_chosen_message_is_copied(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        app.record.add(1.0, Kind.COMMAND, Origin.USER, "balloon", {"value": 1})
        app.record.add(1.0, Kind.REPLY, Origin.USER, "balloon", {"a": [1]}, 0.1)
        await until(pilot, lambda: "◂" in app.shown)
        await to_log(pilot)
        await pilot.press("y")
        assert json.loads(app.clipboard) == {"a": [1]}
        await pilot.press("up", "up", "y")
        assert app.clipboard == "balloon value=1"


async def test_a_cleared_log_does_not_scroll_back_to_earlier_messages(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        event(app, "BEFORE")
        await until(pilot, lambda: "BEFORE" in app.shown)
        await pilot.press("ctrl+l")
        event(app, "AFTER")
        await until(pilot, lambda: "AFTER" in app.shown)
        await to_log(pilot)
        await pilot.press("home", "up", "up")
        await pilot.pause()
        assert "BEFORE" not in app.shown


# What the screen does for it.


async def test_the_record_is_saved_readable_only_by_its_user(tmp_path: Path) -> None:
    async with opened(history=tmp_path / "state" / "history") as (pilot, engine):
        record = engine.guest("demo").record
        await pilot.press("colon", "ctrl+s")
        assert not (tmp_path / "state" / "records").exists()  # nothing has passed
        record.add(1.0, Kind.COMMAND, Origin.USER, "balloon", {"value": 1})
        record.add(1.1, Kind.EVENT, Origin.SCREEN, "RESET", {"x": "[/y]\x1b"})
        for _ in range(2):
            await pilot.press("ctrl+s")
            await pilot.app.workers.wait_for_complete()
        files = list((tmp_path / "state" / "records").iterdir())
        assert len(files) == 2  # an older one is never replaced
        for file in files:
            assert file.stat().st_mode & 0o777 == 0o600
            lines = [json.loads(line) for line in file.read_text().splitlines()]
            assert lines[0]["execute"] == "balloon"
            assert lines[1]["event"] == "RESET"


async def test_a_record_that_cannot_be_saved_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("in the way")
    async with opened(history=tmp_path / "history") as (pilot, engine):
        engine.guest("demo").record.add(1.0, Kind.EVENT, Origin.SCREEN, "RESET", {})
        await pilot.press("colon", "ctrl+s")
        await pilot.app.workers.wait_for_complete()
        assert [note.severity for note in notes(pilot.app)] == ["error"]
        assert [file.name for file in tmp_path.iterdir()] == ["records"]


async def test_the_users_own_monitor_is_shown(tmp_path: Path) -> None:
    async with opened(running(user_monitor="/run/[x]/qmp-user.sock"), size=(140, 50)) as (pilot, _):
        state_line = pilot.app.screen.query_one("#record-state")
        await until(pilot, lambda: "yours: /run/[x]/qmp-user.sock" in str(state_line.render()))
