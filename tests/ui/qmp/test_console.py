"""The QMP console in a small app, with a real QEMU behind it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, cast

import pytest
from textual.widgets import Button, Label, OptionList

from tests.real import running_qemu
from tests.ui.bursts import burst
from tests.ui.fake_engine import FakeLookups
from tests.ui.qmp.console_app import console, until
from workbench.domain.qmp.lookups import Known
from workbench.domain.qmp.record.record import Kind, Origin, Record
from workbench.errors import MonitorTimeout, WorkbenchError
from workbench.ui.common.completion_list import CompletionList
from workbench.ui.common.hanging_text import HangingText
from workbench.ui.qmp import waits as qmp_waits
from workbench.ui.qmp.command_help import CommandHelp
from workbench.ui.qmp.hmp_help import HmpHelp
from workbench.ui.qmp.input import QmpInput
from workbench.ui.qmp.record.entries import MAX_ITEMS
from workbench.ui.qmp.record.log import TrafficLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textual.pilot import Pilot

    from workbench.domain.qmp.lookups import Lookup

TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.fixture(scope="module")
def qemu_path() -> Iterator[Path]:
    with running_qemu() as (_process, path):
        yield path


async def type_line(pilot: Pilot[None], line: str) -> None:
    pilot.app.query_one(QmpInput).value = line
    pilot.app.query_one(QmpInput).cursor_position = len(line)
    await pilot.pause()


# Commands and replies.


async def test_a_command_typed_with_keys_is_answered(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await pilot.press(*"query-status", "enter")
        await until(pilot, lambda: '"status"' in app.shown)
        command, reply = app.shown.splitlines()[:2]
        assert command[8:].strip() == "▸  query-status"
        assert reply[8:].startswith(" ◂  {")
        assert reply.endswith(" ms")
        assert app.query_one(QmpInput).value == ""


async def test_lines_typed_in_one_burst_are_commands_of_their_own(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        first, second = (*"query-status", "enter"), (*"query-name", "enter")
        burst(app, "x", "ctrl+u", *first, *second, *"!info", "space", *"status")
        await until(pilot, lambda: app.query_one(QmpInput).value == "!info status")
        await until(pilot, lambda: app.shown.count("◂") == 2)
        assert [message.text for message in app.submitted] == ["query-status", "query-name"]
        assert app.history.lines == ["query-status", "query-name"]


async def test_values_are_typed_by_the_schema(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await type_line(pilot, "balloon value=64M")
        await pilot.press("enter")
        await until(pilot, lambda: "◂" in app.shown)
        assert app.submitted[0].request.arguments == {"value": 64 << 20}
        assert f"balloon value={64 << 20}" in app.shown


async def test_json_and_hmp(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await type_line(pilot, '{"execute": "qom-get", "arguments": {"path": "/machine", "property": "type"}}')
        await pilot.press("enter")
        await until(pilot, lambda: '"pc-q35' in app.shown)
        await type_line(pilot, "!info status")
        await pilot.press("enter")
        await until(pilot, lambda: "VM status: " in app.shown)
        assert "▸  !info status" in app.shown


async def test_an_error_of_qemu_is_shown_with_its_class(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await type_line(pilot, "qom-get path=/no/[such] property=x")
        await pilot.press("enter")
        await until(pilot, lambda: "✗" in app.shown)
        assert "DeviceNotFound: Device '/no/[such]' not found" in app.shown


async def test_events_are_in_order(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await type_line(pilot, "system_reset")
        await pilot.press("enter")
        await until(pilot, lambda: "⚡ RESET" in app.shown)
        assert "guest=false" in app.shown


# Mistakes.


async def test_an_unknown_command_is_explained_and_kept(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await type_line(pilot, "ballon value=1")
        await pilot.press("enter")
        await until(pilot, lambda: "did you mean 'balloon'" in app.shown)
        lines = app.shown.splitlines()  # an event of an earlier test may be first
        typed, marks = lines[(at := next(at for at, line in enumerate(lines) if "ballon" in line)) : at + 2]
        assert marks.index("~") == typed.index("ballon")
        assert marks.count("~") == len("ballon")
        assert app.query_one(QmpInput).value == "ballon value=1"
        assert app.submitted == []
        # The check may be wrong: QEMU has the last word.
        await pilot.press("enter")
        await until(pilot, lambda: "CommandNotFound" in app.shown)


async def test_ctrl_u_clears_a_line_with_a_mistake(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await type_line(pilot, "ballon value=1")
        await pilot.press("enter")
        await until(pilot, lambda: "did you mean 'balloon'" in app.shown)
        await pilot.press("ctrl+u")
        assert app.query_one(QmpInput).value == ""


async def test_an_invalid_line_is_never_sent(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        for line in ("balloon value", "{", '{"execute": 5}', "x a='", "!", "x [/x]=[/red]"):
            await type_line(pilot, line)
            await pilot.press("enter", "enter")
            await pilot.pause()
            assert app.query_one(QmpInput).value == line
        assert app.submitted == []
        assert app.shown.count("✗") == 12


async def test_an_error_is_shown_once(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        app.console_pane.explain(WorkbenchError("the [line] is cut", hint="mend it"))
        app.record.add(1.0, Kind.NOTE, Origin.USER, "", "no reply to query-status within 5 s")
        app.console_pane.explain(MonitorTimeout("no reply to query-status within 5 s", hint="QEMU is frozen"))
        await pilot.pause()
        assert "the [line] is cut" in app.shown
        assert app.shown.count("no reply to query-status") == 1
        assert app.shown.index("no reply") < app.shown.index("QEMU is frozen")


async def test_a_stopped_guest_takes_no_command(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        await type_line(pilot, "query-status")
        await pilot.press("enter")
        await pilot.pause()
        assert "demo is not running" in app.shown
        assert app.submitted == []
        assert app.query_one(QmpInput).value == "query-status"


# Completion.


async def test_command_names_are_completed(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await pilot.press(*"human", "tab")
        assert app.query_one(QmpInput).value == "human-monitor-command "
        await pilot.press(*"comm", "tab", *"'info status'")
        assert app.query_one(QmpInput).value == "human-monitor-command command-line='info status'"


async def test_several_candidates_are_listed_and_chosen(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await pilot.press(*"query-b", "tab")
        await pilot.pause()
        assert app.query_one(QmpInput).value == "query-b"
        listed = app.query_one(CompletionList)
        assert listed.display
        assert listed.region.bottom <= app.query_one(QmpInput).region.y
        prompts = [str(listed.get_option_at_index(index).prompt) for index in range(listed.option_count)]
        assert prompts[0].startswith("query-balloon ")
        await pilot.press("down", "up", "tab", "enter")
        chosen = prompts[1].split()[0]
        assert app.query_one(QmpInput).value == chosen
        assert not listed.display
        assert app.submitted == []
        await pilot.press("enter")
        await pilot.pause()
        assert [message.text for message in app.submitted] == [chosen]


async def test_tab_completes_the_candidate_with_that_beginning(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        field = app.query_one(QmpInput)
        await type_line(pilot, "blockdev-add driver=qcow2 fi")
        assert len(field.completions) > 2, "data-file too"
        await pilot.press("tab")
        assert field.value == "blockdev-add driver=qcow2 file"
        assert not field.choosing
        await pilot.press(".", "d", "r", "tab")
        assert field.value == "blockdev-add driver=qcow2 file.driver="
        await pilot.press(*"file ", *"file.fi", "tab")
        assert field.value == "blockdev-add driver=qcow2 file.driver=file file.filename="


async def test_the_list_closes_and_takes_clicks(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await pilot.press(*"query-b", "tab")
        await pilot.pause()
        listed = app.query_one(CompletionList)
        await pilot.press("escape")
        assert not listed.display
        assert isinstance(app.focused, QmpInput)
        await pilot.press("tab")
        await pilot.pause()
        await pilot.click(OptionList, offset=(3, 0))
        await pilot.pause()
        assert app.query_one(QmpInput).value == "query-balloon"
        await pilot.press("escape")
        assert isinstance(app.focused, TrafficLog)


async def test_the_best_candidate_is_suggested_with_its_meaning(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await pilot.press(*"qom-get path=/ prop")
        await pilot.pause()
        hint = app.query_one("#qmp-hint")
        assert str(hint.render()) == "string, required"
        await until(pilot, lambda: app.query_one(QmpInput)._suggestion.endswith("property="))
        await pilot.press("right")
        assert app.query_one(QmpInput).value == "qom-get path=/ property="


async def test_tab_leaves_an_empty_line(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await pilot.press("tab")
        assert isinstance(app.focused, Button)
        await pilot.press("shift+tab", "shift+tab")
        assert isinstance(app.focused, TrafficLog)


# History.


async def test_history_survives_a_new_app(tmp_path: Path) -> None:
    with running_qemu() as (_process, path):
        for run in range(2):
            async with console(path, tmp_path) as (pilot, app):
                if run == 0:
                    for typed in ("query-status", "query-version", " query-uuid"):
                        await type_line(pilot, typed)
                        await pilot.press("enter")
                        await pilot.pause()
                    continue
                line = app.query_one(QmpInput)
                await pilot.press(*"draft", "up")
                assert line.value == "query-version"
                await pilot.press("up", "up", "up")
                assert line.value == "query-status"
                await pilot.press("down", "down")
                assert line.value == "draft"
                await pilot.press("down")
                assert line.value == "draft"


# What the screen itself asks.


async def test_polling_is_counted_and_shown_at_a_key(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        for index in range(40):
            app.record.add(1.0, Kind.COMMAND, Origin.SCREEN, "human-monitor-command", {"command-line": "xp /2wx 0x1"})
            app.record.add(1.0, Kind.REPLY, Origin.SCREEN, "human-monitor-command", "0: 1 2\r\n", 0.001)
            if index % 10 == 0:
                app.record.add(1.0, Kind.COMMAND, Origin.SCREEN, "qom-get", {"path": "/"})
        app.record.add(2.0, Kind.COMMAND, Origin.ACTION, "balloon", {"value": 1})
        await until(pilot, lambda: "screen:" in app.shown)
        balloon, count = app.shown.splitlines()
        assert balloon.endswith("action")
        assert count == f"· screen: 40 {TIMES} human-monitor-command, 4 {TIMES} qom-get"
        app.record.add(1.0, Kind.COMMAND, Origin.SCREEN, "qom-get", {"path": "/"})
        await until(pilot, lambda: f"5 {TIMES} qom-get" in app.shown)
        assert len(app.shown.splitlines()) == 2

        await pilot.press("f2")
        await pilot.pause()
        assert app.shown.count("▹  !xp /2wx 0x1") == 40
        assert app.shown.splitlines()[0].endswith("screen")
        assert "screen:" not in app.shown
        await pilot.press("f2")
        await pilot.pause()
        assert len(app.shown.splitlines()) == 2


async def test_a_note_that_repeats_is_counted(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        for _ in range(3):
            app.record.add(1.0, Kind.COMMAND, Origin.SCREEN, "query-balloon", {})
            app.record.add(1.0, Kind.NOTE, Origin.SCREEN, "", "no reply to query-balloon within 5 s")
        await until(pilot, lambda: "3 times" in app.shown)
        assert app.shown.count("no reply") == 1


async def test_a_burst_is_cut_and_counted(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        for index in range(1000):
            app.record.add(1.0, Kind.EVENT, Origin.SCREEN, f"X_{index}", {"n": index})
        for _ in range(7):
            app.record.add(1.0, Kind.EVENT, Origin.SCREEN, "RESET", {"guest": True})
        await until(pilot, lambda: "RESET" in app.shown)
        lines = app.shown.splitlines()
        assert lines[0].endswith("901 messages not shown: too many at once")
        assert lines[1].endswith("n=901")
        assert lines[-2].endswith("n=999")
        assert lines[-1].endswith("guest=true  7 times")
        app.record.add(1.0, Kind.EVENT, Origin.SCREEN, "RESET", {"guest": True})
        await until(pilot, lambda: "8 times" in app.shown)
        assert len(app.shown.splitlines()) == len(lines)


# Whatever comes.


async def test_brackets_and_controls_are_shown_harmlessly(qemu_path: Path, tmp_path: Path) -> None:
    evil = "[/x] [bold]no[/] \x1b[31mred\x07 \u202eabc \x9b0m"
    async with console(qemu_path, tmp_path) as (pilot, app):
        await type_line(pilot, f"qom-get path={json.dumps(evil)} property=x")
        await pilot.press("enter")
        await until(pilot, lambda: "✗" in app.shown)
        app.record.add(1.0, Kind.EVENT, Origin.SCREEN, "X", {evil: evil})
        app.record.add(1.0, Kind.REPLY, Origin.USER, "human-monitor-command", evil + "\r\n\tb")
        app.record.add(1.0, Kind.NOTE, Origin.USER, "", evil)
        await type_line(pilot, f"bad {evil}")
        await pilot.press("enter")
        await until(pilot, lambda: app.shown.count("[bold]no[/]") >= 6)
        assert app.shown.replace("\n", "").isprintable()
        assert "\\x1b[31mred" in app.shown
        assert "\\u001b[31mred" in app.shown
        frame = app.export_screenshot()
        assert "\x1b" not in frame
        assert "\u202e" not in frame


async def test_a_reply_of_two_megabytes_is_shortened_and_opened(tmp_path: Path) -> None:
    value = [{"index": index, "text": "x" * 100} for index in range(16_000)]
    async with console(None, tmp_path) as (pilot, app):
        app.record.add(1.0, Kind.REPLY, Origin.USER, "query-x", value, 0.1)
        await until(pilot, lambda: "total" in app.shown)
        lines = app.shown.splitlines()
        assert len(lines) == 25
        assert "2.0 MB total" in lines[-1]
        await pilot.press("f4")
        await pilot.pause()
        assert 1000 < len(app.shown.splitlines()) < 6000
        await pilot.press("f4")
        await pilot.pause()
        assert len(app.shown.splitlines()) == 25
        log = app.query_one(TrafficLog)
        await pilot.click(TrafficLog, offset=(20, 24 - log.scroll_offset.y))
        await pilot.pause()
        assert len(app.shown.splitlines()) > 1000


async def test_the_log_is_bounded_and_a_reader_keeps_their_place(tmp_path: Path) -> None:
    async with console(None, tmp_path, size=(80, 20)) as (pilot, app):
        log = app.query_one(TrafficLog)

        def come(first: int, count: int) -> None:
            for index in range(first, first + count):
                app.record.add(1.0, Kind.EVENT, Origin.SCREEN, f"EVENT_{index}", {})

        for first in range(0, MAX_ITEMS, 100):
            come(first, 100)
            await until(pilot, lambda last=first + 99: f"EVENT_{last}" in app.shown)  # type: ignore[misc]
        assert log.scroll_offset.y == log.max_scroll_y
        log.scroll_to(y=500, animate=False, immediate=True)
        await pilot.pause()
        come(MAX_ITEMS, 100)
        await until(pilot, lambda: f"EVENT_{MAX_ITEMS + 99}" in app.shown)
        lines = app.shown.splitlines()
        assert len(lines) == MAX_ITEMS
        assert lines[log.scroll_offset.y].endswith("EVENT_500")
        log.scroll_end(animate=False, immediate=True)
        await pilot.pause()
        come(2000, 3)
        await until(pilot, lambda: "EVENT_2002" in app.shown)
        assert log.scroll_offset.y == log.max_scroll_y


async def test_the_log_follows_after_a_command_is_sent(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path, size=(80, 20)) as (pilot, app):
        log = app.query_one(TrafficLog)
        for index in range(100):
            app.record.add(1.0, Kind.EVENT, Origin.SCREEN, f"EVENT_{index}", {})
        await until(pilot, lambda: "EVENT_99" in app.shown)
        for line, answer in (("query-name", "\u25c2"), ("quary-name", "did you mean")):
            log.scroll_to(y=5, animate=False, immediate=True)
            await until(pilot, lambda: not log.following)
            app.query_one(QmpInput).value = line
            await pilot.press("enter")
            await until(pilot, lambda answer=answer: answer in app.shown)  # type: ignore[misc]
            await until(pilot, lambda: log.following and log.scroll_offset.y == log.max_scroll_y)


@pytest.mark.parametrize("size", [(60, 12), (40, 10), (300, 100)])
async def test_lines_fit_every_width(qemu_path: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await type_line(pilot, "qom-list path=/machine")
        await pilot.press("enter")
        await until(pilot, lambda: "◂" in app.shown)
        before = app.shown
        await pilot.resize_terminal(*size)
        await pilot.pause()
        assert app.shown != before
        log = app.query_one(TrafficLog)
        # The count of what the screen asks is one line, cut off where the pane ends.
        lines = [line for line in app.shown.splitlines() if not line.startswith("\N{MIDDLE DOT} screen")]
        assert max(map(len, lines)) <= log.size.width
        assert log.scroll_offset.y == log.max_scroll_y


async def test_text_can_be_selected(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        app.record.add(1.0, Kind.EVENT, Origin.SCREEN, "RESET", {"guest": False})
        await until(pilot, lambda: "RESET" in app.shown)
        await pilot.mouse_down(TrafficLog, offset=(12, 0))
        await pilot.hover(TrafficLog, offset=(17, 0))
        await pilot.mouse_up(TrafficLog, offset=(17, 0))
        await pilot.pause()
        assert "RESET" in (app.screen.get_selected_text() or "")


async def test_another_guest_has_its_own_log(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await pilot.press(*"query-status", "enter")
        await until(pilot, lambda: "◂" in app.shown)
        other = Record()
        other.add(1.0, Kind.EVENT, Origin.SCREEN, "STOP", {})
        app.console_pane.show("[other]", other, None)
        app.record.add(1.0, Kind.EVENT, Origin.SCREEN, "RESET", {})
        await pilot.pause(0.1)
        assert "STOP" in app.shown
        assert "RESET" not in app.shown
        assert "query-status" not in app.shown


# Values that the guest knows.


async def test_ids_of_the_guest_are_completed(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        field = app.query_one(QmpInput)
        await type_line(pilot, "device_del id=")
        await until(pilot, lambda: {"net0", "balloon0"} <= {one.label for one in field.completions})
        await pilot.press("b")
        await pilot.press("tab")
        assert field.value == "device_del id=balloon0"
        await type_line(pilot, "qom-get path=/machine/peripheral/n")
        await until(pilot, lambda: field.suggestion is not None)
        await pilot.press("right")
        assert field.value == "qom-get path=/machine/peripheral/net0"


async def test_no_key_waits_for_a_guest_that_does_not_answer(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        answer = asyncio.Event()

        class Slow(FakeLookups):
            async def known(self, lookup: Lookup) -> list[Known]:
                await answer.wait()
                return [Known("late0", "virtio-net-pci"), Known("late1", "virtio-rng-pci")]

        app.console_pane.show("demo", app.record, app.schema, Slow())
        field = app.query_one(QmpInput)
        await pilot.app.workers.wait_for_complete()
        await type_line(pilot, "device_del id=")
        await pilot.press("l", "a")
        assert field.value == "device_del id=la"
        assert field.completions == []
        answer.set()
        await until(pilot, lambda: len(field.completions) == 2)
        await pilot.press("tab", "tab")
        assert app.query_one(CompletionList).option_count == 2


async def test_hmp_and_devices_are_completed(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        field = app.query_one(QmpInput)
        await type_line(pilot, "!info mtr")
        await until(pilot, lambda: field.suggestion == "!info mtree ")
        await type_line(pilot, "!qom-get /machine/unatt")
        await until(pilot, lambda: field.suggestion == "!qom-get /machine/unattached")
        await type_line(pilot, "!migrate_set_capability auto-c")
        await until(pilot, lambda: field.suggestion == "!migrate_set_capability auto-converge")
        await type_line(pilot, "device_add driver=virtio-rng-p")
        await until(pilot, lambda: field.suggestion == "device_add driver=virtio-rng-pci")
        await pilot.press("right")
        await type_line(pilot, f"{field.value} max-b")
        await until(pilot, lambda: field.suggestion == "device_add driver=virtio-rng-pci max-bytes=")


# Help.


async def test_the_help_is_in_columns(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path, size=(100, 40)) as (pilot, app):
        await type_line(pilot, "blockdev-add")
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, CommandHelp))
        await pilot.pause()
        shown = app.screen.query_one("#command-schema", HangingText).content
        lines = str(shown).splitlines()
        at = next(index for index, line in enumerate(lines) if line.startswith("  driver "))
        column = lines[at].index("one of")
        assert "nvme" not in lines[at]
        assert lines[at + 1][:column].strip() == ""
        assert lines[at + 1][column] != " "


async def test_the_pane_zooms_and_back(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        await pilot.press("f5")
        assert app.screen.maximized is app.console_pane
        assert app.query_one(QmpInput).has_focus
        await pilot.press("z")
        assert app.query_one(QmpInput).value == "z"
        await pilot.press("f5")
        assert app.screen.maximized is None
        await pilot.press("escape", "z")
        assert app.screen.maximized is app.console_pane
        await pilot.press("z")
        assert app.screen.maximized is None


async def test_f1_helps_with_the_typed_branch(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await type_line(pilot, "blockdev-add driver=qcow2")
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, CommandHelp))
        text = cast("CommandHelp", app.screen).text
        assert "lazy-refcounts" in text
        await pilot.press("escape")


async def test_f1_shows_the_manual_of_the_command(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await type_line(pilot, "balloon value=1")
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, CommandHelp))
        help_ = cast("CommandHelp", app.screen)
        await until(pilot, lambda: "qemu-qmp-ref" in help_.text)
        assert "value  integer, required" in help_.text
        assert "returns nothing" in help_.text.lower()
        await pilot.press("escape")
        await pilot.pause()
        assert app.query_one(QmpInput).value == "balloon value=1"
        assert app.query_one(QmpInput).has_focus


@pytest.mark.parametrize(("line", "title"), [("", "QMP console"), ("query-ball", "query-balloon"), ("stop ", "stop")])
async def test_a_question_mark_asks_for_help(qemu_path: Path, tmp_path: Path, line: str, title: str) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await type_line(pilot, line)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, CommandHelp))
        assert title in cast("CommandHelp", app.screen).text
        await pilot.press("escape")
        assert app.query_one(QmpInput).value == line


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("!info block disk0", ["!info block", "[-n] [-v] [device]", "block device"]),
        ("!device_d", ["!device_del", " device", "remove device"]),
        ("!dump-guest-memory ", ["-p: do paging to get guest's memory mapping.\n"]),
        ("!info ", ["balloon ", "qtree "]),
        ("!", ["device_del ", "x_colo_lost_heartbeat "]),
        ("!devise_del x", ["no command devise_del", "Did you mean device_del"]),
    ],
)
async def test_f1_helps_with_an_hmp_command(qemu_path: Path, tmp_path: Path, line: str, words: list[str]) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await type_line(pilot, line)
        field = app.query_one(QmpInput)
        await until(pilot, lambda: bool(field.completions) or "x" in line or line.endswith(("0", "y ")))
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HmpHelp))
        window = cast("HmpHelp", app.screen)
        await pilot.app.workers.wait_for_complete()
        assert [each for each in words if each not in window.text] == []
        await pilot.press("escape")
        assert field.value == line


async def test_a_question_mark_in_a_value_is_typed(qemu_path: Path, tmp_path: Path) -> None:
    async with console(qemu_path, tmp_path) as (pilot, app):
        await type_line(pilot, "qom-get path=")
        await pilot.press("question_mark")
        assert app.query_one(QmpInput).value == "qom-get path=?"


# The history, searched.


async def test_ctrl_r_searches_the_command_history(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        history = app.history
        for line in ("query-status", "balloon value=64M", "qom-get path=/machine property=type", "balloon value=96M"):
            history.add(line)
        field = app.query_one(QmpInput)
        await pilot.press("ctrl+r")
        assert [one.label for one in field.completions][:2] == [
            "balloon value=96M",
            "qom-get path=/machine property=type",
        ]
        await pilot.press(*"value")
        assert [one.label for one in field.completions] == ["balloon value=96M", "balloon value=64M"]
        await pilot.press("ctrl+r", "enter")
        assert field.value == "balloon value=64M"
        assert not field.choosing
        await pilot.press("ctrl+u", "ctrl+r", "escape")
        assert field.value == ""
        assert not field.choosing
        assert field.completions == ()


async def test_a_search_without_matches_continues_and_restores_the_line(tmp_path: Path) -> None:
    async with console(None, tmp_path) as (pilot, app):
        history = app.history
        for line in ("query-status", "balloon value=64M"):
            history.add(line)
        field, hint = app.query_one(QmpInput), app.query_one("#qmp-hint", Label)
        await pilot.press(*"bal", "ctrl+r")
        await until(pilot, lambda: str(hint.content) == "history: 1 found")
        await pilot.press("x")
        await until(pilot, lambda: str(hint.content) == "history: no matches")
        assert not field.choosing
        await pilot.press("enter")
        assert field.value == "balx"
        assert not app.submitted
        await pilot.press("backspace")
        assert field.choosing
        assert [one.label for one in field.completions] == ["balloon value=64M"]
        await pilot.press("backspace", "backspace", "backspace", "y", "escape")
        assert field.value == "bal"
        assert not field.choosing
        assert field.has_focus
        await pilot.press("ctrl+r", "z", "up")
        assert field.value == "balloon value=64M"
        await until(pilot, lambda: "history" not in str(hint.content))


# Waiting.


async def test_a_pending_command_is_timed_and_waiting_can_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qmp_waits, "QUIET", 0.0)
    async with console(None, tmp_path) as (pilot, app):
        given_up: list[str] = []
        pane = app.console_pane
        first = pane.wait_for("migrate", lambda: given_up.append("migrate"))
        second = pane.wait_for("query-status", lambda: given_up.append("query-status"))
        await until(pilot, lambda: "migrate" in str(pane.border_subtitle))
        assert "and 1 more" in str(pane.border_subtitle)
        await pilot.press("ctrl+c")
        assert given_up == ["migrate"]
        pane.no_longer(first)
        await pilot.press("ctrl+c")
        assert given_up == ["migrate", "query-status"]
        pane.no_longer(second)
        assert "tab complete" in str(pane.border_subtitle)
        await pilot.press("ctrl+c")
        assert len(given_up) == 2
