"""The editor by its keys, on profiles that a test holds in memory."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest
from rich.style import Style
from textual.containers import VerticalScroll
from textual.widgets import Input, Static

from tests.profile_files import HERE
from tests.ui.editor.opened import TEXT, answer, area, command, dialog, head, listed, opened, press, wait_until
from tests.ui.notifications import notes
from workbench.domain.guest.lifecycle import Phase
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.profile.problems import Problem
from workbench.domain.profile.text.form import form_rows
from workbench.domain.profile.text.parse import parse
from workbench.errors import HostError
from workbench.ui.editor import screen as editor_module
from workbench.ui.editor.command_pane import CommandPane
from workbench.ui.editor.compare_dialog import CompareDialog
from workbench.ui.editor.form import LABEL, FormList, ProfileForm, hints, row_line
from workbench.ui.editor.problem_list import ProblemList
from workbench.ui.editor.screen import EditorScreen
from workbench.ui.editor.text_area import changed_range
from workbench.ui.keys.names import set_user_keys
from workbench.ui.main.screen import MainScreen
from workbench.ui.words import broken

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from workbench.ui.editor.text_area import ProfileArea


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editor_module, "POLL", 0.05)
    monkeypatch.setattr(editor_module, "REST", 0.05)


def underlined(area: ProfileArea, line: int) -> list[tuple[int, int]]:
    """The start and end of each underlined span of a line, counted from 0."""
    spans = area.get_line(line).spans
    return [(one.start, one.end) for one in spans if isinstance(one.style, Style) and one.style.underline]


class TestLive:
    async def test_the_command_line_follows_the_text(self) -> None:
        async with opened() as (pilot, _, screen):
            assert "3 -m 1024M" in " ".join(command(screen).split())
            area(screen).jump(3, 9)
            await press(pilot, "4")
            await wait_until(lambda: "-m 41984M" in command(screen))

    async def test_a_problem_is_shown_at_its_line_while_typing_and_enter_goes_there(self) -> None:
        async with opened() as (pilot, _, screen):
            area(screen).jump(6, 1)
            await press(pilot, "x")
            problems = screen.query_one(ProblemList)
            await wait_until(lambda: bool(problems.problems))
            assert str(problems.problems[0]).startswith("demo.toml:6:1: net[0].xmac: unknown key: did you mean mac?")
            assert underlined(area(screen), 5) == [(0, 4)]
            assert "1 problem" in head(screen)
            area(screen).jump(1, 1)
            await press(pilot, "f4", "enter")
            assert area(screen).cursor_location == (5, 0)
            assert area(screen).has_focus
            await press(pilot, "delete")
            await wait_until(lambda: not problems.problems)
            assert not problems.display

    async def test_the_edited_line_stays_visible_when_its_problem_opens(self) -> None:
        async with opened("# line\n" * 60, size=(80, 24)) as (pilot, _, screen):
            await press(pilot, "ctrl+end", *"x=1")
            await wait_until(lambda: bool(screen.query_one(ProblemList).size.height))
            text = area(screen)
            await wait_until(lambda: text.scroll_offset.y + text.scrollable_content_region.height > 60)

    async def test_a_syntax_error_opens_and_keeps_the_last_command_line(self) -> None:
        async with opened("memory = {") as (pilot, _, screen):
            assert screen.query_one(ProblemList).problems[0].line == 1
            assert "while the profile has problems" in command(screen)
            area(screen).jump(1, 11)
            await press(pilot, *"size='2G'}")
            await wait_until(lambda: "-m 2048M" in command(screen))
            await press(pilot, "x")
            await wait_until(lambda: bool(screen.query_one(ProblemList).problems))
            assert "-m 2048M" in command(screen)
            assert "last valid" in str(screen.query_one(CommandPane).border_subtitle)

    async def test_options_of_the_cursor_line_are_highlighted(self) -> None:
        async with opened() as (pilot, _, screen):

            def lit() -> str:
                content = screen.query_one(CommandPane).query_one(Static).content
                assert not isinstance(content, str)
                plain = content.plain  # type: ignore[union-attr]
                return " ".join(plain[s.start : s.end] for s in content.spans if "on $primary" in str(s.style))  # type: ignore[union-attr]

            area(screen).jump(6, 1)
            await pilot.pause()
            await wait_until(lambda: "virtio-net-pci" in lit())
            assert "-m 1024M" not in lit()
            area(screen).jump(2, 2)
            await wait_until(lambda: "-m 1024M" in lit())
            assert "virtio-net" not in lit()
            area(screen).jump(1, 1)
            await wait_until(lambda: not lit())

    async def test_qemu_s_problems_appear_after_a_pause(self) -> None:
        async with opened() as (pilot, engine, screen):
            engine.profiles.host_problems = (Problem("demo.toml", 3, 1, "memory.size", "this QEMU has not"),)
            area(screen).jump(4, 1)
            await press(pilot, "enter")
            await wait_until(lambda: "1 problem" in head(screen))
            assert "-m 1024M" in command(screen)


class TestSaving:
    async def test_saved_unchanged(self) -> None:
        async with opened() as (pilot, engine, screen):
            await press(pilot, "#")
            assert screen.changed
            await wait_until(lambda: "unsaved" in head(screen))
            await press(pilot, "ctrl+s")
            await wait_until(lambda: not screen.changed)
            assert engine.profiles.files["demo"].text == "#" + TEXT
            assert "unsaved" not in head(screen)

    async def test_a_failed_save_is_reported_and_keeps_the_text(self) -> None:
        async with opened() as (pilot, engine, screen):
            engine.profiles.failure = HostError("the disk is full")
            await press(pilot, "#", "ctrl+s")
            await answer(pilot, "ok")
            assert screen.changed
            assert area(screen).text == "#" + TEXT

    async def test_undo_and_redo(self) -> None:
        async with opened() as (pilot, _, screen):
            await press(pilot, "#", "ctrl+z")
            assert area(screen).text == TEXT
            await press(pilot, "ctrl+y")
            assert area(screen).text == "#" + TEXT

    @pytest.mark.parametrize("key", ["escape", "ctrl+q"])
    async def test_leaving_asks_when_something_is_unsaved(self, key: str) -> None:
        async with opened() as (pilot, engine, screen):
            await press(pilot, "#", key)
            await answer(pilot, "cancel")
            assert pilot.app.screen is screen
            await press(pilot, key)
            await answer(pilot, "discard")
            await wait_until(lambda: pilot.app.screen is not screen or not pilot.app.is_running)
            assert engine.profiles.files["demo"].text == TEXT

    async def test_save_and_leave(self) -> None:
        async with opened() as (pilot, engine, _screen):
            await press(pilot, "#", "escape")
            await answer(pilot, "save")
            await wait_until(lambda: isinstance(pilot.app.screen, MainScreen))
            assert engine.profiles.files["demo"].text == "#" + TEXT

    async def test_leaving_a_saved_text_does_not_ask(self) -> None:
        async with opened() as (pilot, _, _screen):
            await press(pilot, "escape")
            await wait_until(lambda: isinstance(pilot.app.screen, MainScreen))


class TestChangedOnDisk:
    async def test_an_unchanged_text_follows_the_disk_and_can_go_back(self) -> None:
        async with opened() as (pilot, engine, screen):
            engine.profiles.write("demo", TEXT.replace("1G", "3G"))
            await wait_until(lambda: "3G" in area(screen).text)
            assert not screen.changed
            area(screen).focus()
            await press(pilot, "ctrl+z")
            assert area(screen).text == TEXT

    async def test_with_changes_it_asks_before_overwriting(self) -> None:
        async with opened() as (pilot, engine, screen):
            await press(pilot, "#")
            engine.profiles.write("demo", "theirs = 1")
            await answer(pilot, "cancel")
            assert area(screen).text == "#" + TEXT
            assert "changed on disk" in head(screen)
            await press(pilot, "ctrl+s")
            await answer(pilot, "cancel")
            assert engine.profiles.files["demo"].text == "theirs = 1"
            await press(pilot, "ctrl+s")
            await answer(pilot, "overwrite")
            await wait_until(lambda: engine.profiles.files["demo"].text == "#" + TEXT)
            assert "changed on disk" not in head(screen)

    async def test_reload_loads_the_file(self) -> None:
        async with opened() as (pilot, engine, screen):
            await press(pilot, "#")
            engine.profiles.write("demo", '# theirs\n[memory]\nsize = "2G"\n')
            await answer(pilot, "reload")
            await wait_until(lambda: area(screen).text.startswith("# theirs"))
            assert not screen.changed
            await wait_until(lambda: "-m 2048M" in command(screen))

    async def test_a_check_right_after_the_answer_does_not_undo_it(self) -> None:
        async with opened() as (pilot, engine, screen):
            await press(pilot, "#")
            engine.profiles.write("demo", "# theirs\n")
            await wait_until(lambda: dialog(pilot))
            question = pilot.app.screen
            question.dismiss("reload")
            async with asyncio.timeout(10):
                while not area(screen).text.startswith("# theirs"):
                    screen.poll_disk()
                    await asyncio.sleep(0)

    async def test_a_touched_file_does_not_ask(self) -> None:
        async with opened() as (pilot, engine, screen):
            await press(pilot, "#")
            engine.profiles.write("demo", TEXT)
            looked = engine.profiles.looks
            await wait_until(lambda: engine.profiles.looks > looked + 1)
            assert pilot.app.screen is screen
            await press(pilot, "ctrl+s")
            await wait_until(lambda: not screen.changed)
            assert pilot.app.screen is screen, "it has the new state of the file"

    async def test_a_file_that_is_gone_is_reported_and_can_be_saved_again(self) -> None:
        async with opened() as (pilot, engine, screen):
            del engine.profiles.files["demo"]
            await wait_until(lambda: "the file is gone" in head(screen))
            await press(pilot, "ctrl+s")
            await wait_until(lambda: dialog(pilot))
            await pilot.pause()
            assert not pilot.app.screen.query("#reload"), "there is nothing to read again"
            await answer(pilot, "overwrite")
            await wait_until(lambda: engine.profiles.files.get("demo") is not None)


def marks(screen: EditorScreen) -> dict[str, str]:
    """The mark before each option of the command line, by the option's name; the first of each name."""
    found: dict[str, str] = {}
    for line in command(screen).splitlines():
        mark, option = line[:6].strip(), line[7:].split(" ")[0]
        if option.startswith("-"):
            found.setdefault(option, mark)
    return found


class TestCommandLine:
    async def test_each_option_has_its_line_or_the_mark_of_a_default(self) -> None:
        async with opened('[cpu]\nfeatures = ["-svm"]\n\n[memory]\nsize = "1G"\n') as (_, _engine, screen):
            shown = marks(screen)
            assert (shown["-cpu"], shown["-smp"], shown["-m"]) == ("2", "\u00b7", "5")
            assert (shown["-machine"], shown["-netdev"]) == ("\u00b7", "\u00b7")
            assert (shown["-nodefaults"], shown["-chardev"]) == ("", "")
            assert str(screen.query_one(CommandPane).border_subtitle) == "\u00b7 default"

    @pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
    async def test_it_is_wrapped_at_the_width_and_after_commas(self, size: tuple[int, int]) -> None:
        async with opened(size=size) as (pilot, _, screen):
            await press(pilot, "f2", "f3")
            pane = screen.query_one(CommandPane)
            await wait_until(lambda: "-device" in command(screen))
            width = pane.scrollable_content_region.width
            lines = command(screen).splitlines()
            assert all(len(line) <= width for line in lines)
            assert pane.query_one(Static).size.height == len(lines), "no line is wrapped once more"
            assert any(line.endswith(",") for line in lines) or width > 150

    async def test_it_opens_where_the_cursor_is(self) -> None:
        async with opened(size=(80, 24)) as (pilot, _, screen):
            area(screen).jump(6, 1)
            await press(pilot, "f3")
            pane = screen.query_one(CommandPane)
            await wait_until(lambda: pane.scroll_offset.y > 0)

    def test_where_a_long_option_is_wrapped(self) -> None:
        assert broken("-m 1G", 20) == ["-m 1G"]
        assert broken("-smp 2,sockets=1,cores=2", 12) == ["-smp 2,", "  sockets=1,", "  cores=2"]
        assert broken("-kernel " + "a" * 12, 10) == ["-kernel ", "  aaaaaaaa", "  aaaa"]
        assert all(len(line) <= 9 for line in broken("x" * 100, 9))


class TestKeys:
    async def test_undo_and_redo_work_in_the_form_too(self) -> None:
        async with opened() as (pilot, _, screen):
            area(screen).become(TEXT.replace("1G", "5G"))
            await press(pilot, "f2")
            assert screen.query_one(FormList).has_focus
            await press(pilot, "ctrl+z")
            assert area(screen).text == TEXT
            await press(pilot, "ctrl+y")
            assert area(screen).text == TEXT.replace("1G", "5G")
            assert screen.query_one(FormList).has_focus

    async def test_the_palette_has_the_editor_s_own_actions_and_not_those_below(self) -> None:
        async with opened() as (pilot, _, screen):
            titles = [command.title for command in pilot.app.get_system_commands(screen)]
            assert any(title.startswith("Compare: ") for title in titles)
            assert any(title.startswith("Default: ") for title in titles), "the form's"
            assert not any(title.startswith("Pause/resume") for title in titles)
            undo = next(one for one in pilot.app.get_system_commands(screen) if one.title.startswith("Undo: "))
            await press(pilot, "#")
            assert area(screen).text != TEXT
            called = undo.callback()
            assert called is not None
            await called
            assert area(screen).text == TEXT

    async def test_ctrl_g_shows_the_file(self) -> None:
        async with opened() as (pilot, _, _screen):
            await press(pilot, "ctrl+g")
            await wait_until(lambda: any(one.message == "/profiles/demo.toml" for one in notes(pilot.app)))

    async def test_the_ends_of_the_text(self) -> None:
        async with opened() as (pilot, _, screen):
            await press(pilot, "ctrl+end")
            assert area(screen).cursor_location == (6, 0)
            await press(pilot, "ctrl+home")
            assert area(screen).cursor_location == (0, 0)


class TestRoom:
    async def test_a_narrow_terminal_keeps_the_focused_pane(self) -> None:
        async with opened(size=(120, 40)) as (pilot, _, screen):
            assert screen.query_one(CommandPane).display
            await pilot.resize_terminal(80, 24)
            await wait_until(lambda: not screen.query_one(CommandPane).display)
            assert area(screen).display
            await pilot.resize_terminal(120, 40)
            await wait_until(lambda: screen.query_one(CommandPane).display)
            await press(pilot, "f2")
            await pilot.resize_terminal(80, 24)
            await wait_until(lambda: not area(screen).display)
            assert screen.query_one(FormList).has_focus


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_text_and_command_line_fit(size: tuple[int, int]) -> None:
    async with opened(size=size) as (pilot, _, screen):
        wide = size[0] >= 100
        assert area(screen).display
        assert screen.query_one(CommandPane).display == wide
        if not wide:
            await press(pilot, "f3")
            assert screen.query_one(CommandPane).has_focus
            assert not area(screen).display
            await press(pilot, "escape")
            assert area(screen).has_focus


def test_the_range_in_which_texts_differ() -> None:
    assert changed_range("abc", "abc") == (3, 3, 3)
    assert changed_range("abc", "abXc") == (2, 2, 3)
    assert changed_range("aaa", "aa") == (2, 3, 2)
    assert changed_range("", "x") == (0, 0, 1)


class TestForm:
    @pytest.mark.parametrize(
        ("line", "path"), [(3, ("memory", "size")), (4, ("memory", "size")), (6, ("net", 0, "mac"))]
    )
    async def test_it_opens_at_the_row_of_the_text_s_cursor(self, line: int, path: tuple[str | int, ...]) -> None:
        async with opened() as (pilot, _, screen):
            area(screen).jump(line, 1)
            await press(pilot, "f2")
            form = screen.query_one(ProfileForm)
            await wait_until(lambda: form.row is not None and form.row.path == path)

    def test_every_key_leaves_the_values_in_one_column(self) -> None:
        text = (HERE / "every-key.toml").read_text()
        document = parse(text, name="demo", file="demo.toml").document
        shut = [row.path for row in form_rows(text, document) if row.kind != "value" and not row.opened]
        rows = form_rows(text, document, shut)
        assert len(rows) > 60
        for row in rows:
            if row.kind == "value":
                assert row_line(row).plain[LABEL] == " ", row.path
                assert row_line(row).plain[LABEL + 1] != " ", row.path

    async def test_a_change_in_the_form_is_one_edit_of_the_text(self) -> None:
        async with opened() as (pilot, _, screen):
            await press(pilot, "f2")
            form = screen.query_one(ProfileForm)
            await wait_until(lambda: bool(form.rows))
            form.choose(("memory", "size"))
            await pilot.pause()
            assert area(screen).cursor_location[0] == 2
            await press(pilot, "enter")
            await wait_until(lambda: dialog(pilot))
            await pilot.pause()
            field = pilot.app.screen.query_one(Input)
            assert field.value == "1G"
            field.value = "3 cows"
            await press(pilot, "enter")
            assert dialog(pilot), "a wrong value is not taken"
            assert "3 cows" in str(pilot.app.screen.query_one("#value-trouble", Static).render())
            field.value = "3G"
            await press(pilot, "enter")
            await wait_until(lambda: "3G" in area(screen).text)
            assert area(screen).text == TEXT.replace("1G", "3G")
            await press(pilot, "f3")
            await wait_until(lambda: "-m 3072M" in command(screen))
            area(screen).focus()
            await press(pilot, "ctrl+z")
            assert area(screen).text == TEXT

    async def test_the_form_follows_the_text(self) -> None:
        async with opened() as (pilot, _, screen):
            await press(pilot, "f2", "escape")
            assert area(screen).has_focus
            form = screen.query_one(ProfileForm)
            area(screen).become(TEXT.replace("1G", "5G"))
            await wait_until(lambda: any(row.plain == "5G" for row in form.rows))
            area(screen).jump(6, 1)
            await wait_until(lambda: form.row is not None and form.row.path == ("net", 0, "mac"))
            area(screen).become("memory = [")
            await wait_until(lambda: "not valid TOML" in str(form.query_one("TextBlock", Static).render()))

    async def test_a_choice_a_default_a_table_more_and_off(self) -> None:
        async with opened() as (pilot, _, screen):
            await press(pilot, "f2")
            form = screen.query_one(ProfileForm)
            await wait_until(lambda: bool(form.rows))
            form.choose(("accelerator",))
            await press(pilot, "enter")
            await wait_until(lambda: dialog(pilot))
            await pilot.pause()
            await press(pilot, "end", "enter")
            await wait_until(lambda: 'accelerator = "tcg"\n\n# mine\n[memory]' in area(screen).text)
            await wait_until(lambda: any(row.path == ("accelerator",) and row.here for row in form.rows))
            form.choose(("accelerator",))
            await press(pilot, "delete")
            await wait_until(lambda: "accelerator" not in area(screen).text)
            await wait_until(lambda: not any(row.path == ("accelerator",) and row.here for row in form.rows))
            form.choose(("net",))
            await press(pilot, "enter")
            await wait_until(lambda: area(screen).text.count("[[net]]") == 2)
            await wait_until(lambda: any(row.path == ("net", 1) for row in form.rows))
            form.choose(("rng",))
            await press(pilot, "minus")
            await wait_until(lambda: "rng = false" in area(screen).text)
            assert "# mine" in area(screen).text
            assert "# enough" in area(screen).text

    async def test_expanding_a_table_changes_nothing(self) -> None:
        async with opened() as (pilot, _, screen):
            await press(pilot, "f2")
            form = screen.query_one(ProfileForm)
            await wait_until(lambda: bool(form.rows))
            for key in ("cpu", "balloon"):
                form.choose((key,))
                await press(pilot, "enter")
                await wait_until(partial(opened_to, form, key))
                assert area(screen).text == TEXT
            form.choose(("cpu",))
            await press(pilot, "minus")
            assert area(screen).text == TEXT
            assert "cpu cannot be disabled" in [one.message for one in notes(pilot.app)]
            form.choose(("display",))
            await press(pilot, "enter")
            await wait_until(lambda: "[display]" in area(screen).text)


def test_the_form_names_the_user_s_keys() -> None:
    assert hints() == "enter change   space open   del default   - off"
    set_user_keys({"form.off": "o,x"})
    try:
        assert hints() == "enter change   space open   del default   o off"
    finally:
        set_user_keys({})


def opened_to(form: ProfileForm, key: str) -> bool:
    return any(row.path[0] == key and len(row.path) == 2 for row in form.rows)


async def type_name(pilot: Pilot[None], name: str) -> None:
    await wait_until(lambda: bool(pilot.app.screen.query(Input)) and dialog(pilot))
    await pilot.pause()
    pilot.app.screen.query_one(Input).value = name
    await press(pilot, "enter")


class TestFiles:
    async def test_new_from_a_template(self) -> None:
        async with listed(one="a = 1") as (pilot, engine):
            await press(pilot, "n")
            await wait_until(lambda: dialog(pilot))
            await pilot.pause()
            await press(pilot, "end", "enter")
            await type_name(pilot, "one")
            assert dialog(pilot), "a name that is taken is not taken again"
            await type_name(pilot, "two")
            await wait_until(lambda: isinstance(pilot.app.screen, EditorScreen))
            assert engine.profiles.files["two"].text == '[memory]\nsize = "64M"\n'
            assert engine.profiles.files["one"].text == "a = 1"

    async def test_new_without_any_guest(self) -> None:
        async with listed() as (pilot, engine):
            await press(pilot, "n")
            await wait_until(lambda: dialog(pilot))
            await pilot.pause()
            await press(pilot, "enter")
            await type_name(pilot, "first")
            await wait_until(lambda: "first" in engine.profiles.files)

    async def test_duplicate(self) -> None:
        async with listed(one=TEXT) as (pilot, engine):
            await press(pilot, "D")
            await type_name(pilot, "two")
            await wait_until(lambda: "two" in engine.profiles.files)
            assert engine.profiles.files["two"].text == TEXT == engine.profiles.files["one"].text

    async def test_rename(self) -> None:
        async with listed(one=TEXT) as (pilot, engine):
            await press(pilot, "R")
            await wait_until(lambda: bool(pilot.app.screen.query("#value-trouble")))
            await wait_until(
                lambda: "this is its current name" in str(pilot.app.screen.query_one("#value-trouble", Static).render())
            )
            await type_name(pilot, "two")
            await wait_until(lambda: list(engine.profiles.files) == ["two"])

    async def test_a_running_guest_is_not_renamed(self) -> None:
        async with opened() as (pilot, engine, _):
            await press(pilot, "escape")
            await wait_until(lambda: isinstance(pilot.app.screen, MainScreen))
            await press(pilot, "g", "R")
            await answer(pilot, "ok")
            assert list(engine.profiles.files) == ["demo"]

    async def test_delete_asks(self) -> None:
        async with listed(one=TEXT) as (pilot, engine):
            await press(pilot, "X")
            await answer(pilot, "cancel")
            assert list(engine.profiles.files) == ["one"]
            await press(pilot, "X")
            await answer(pilot, "delete")
            await wait_until(lambda: not engine.profiles.files)

    async def test_profiles_that_lose_by_it_are_named_first(self) -> None:
        async with listed(base=TEXT, one='extends = "base.toml"', two='extends = "base.toml"') as (pilot, _):
            for key in ("R", "X"):
                await press(pilot, key)
                await wait_until(lambda: dialog(pilot))
                await pilot.pause()
                question = " ".join(str(widget.render()) for widget in pilot.app.screen.query(Static))
                assert "one and two extend it and will not start without it" in question
                await press(pilot, "escape")
                await wait_until(lambda: not dialog(pilot))

    async def test_a_guest_started_while_typing_is_not_renamed(self) -> None:
        async with listed(one=TEXT) as (pilot, engine):
            await press(pilot, "R")
            await wait_until(lambda: dialog(pilot))
            engine.publish(GuestSnapshot("one", phase=Phase.RUNNING))
            await type_name(pilot, "two")
            await answer(pilot, "ok")
            assert list(engine.profiles.files) == ["one"]


async def test_equal_profiles_have_no_differences() -> None:
    async with opened() as (pilot, _, _):
        await press(pilot, "f5")
        await wait_until(lambda: dialog(pilot))
        await pilot.pause()
        await press(pilot, "enter")
        await wait_until(lambda: isinstance(pilot.app.screen, CompareDialog))
        words = "changes no devices or options. Values set at run time are lost."
        await wait_until(lambda: any(words in str(widget.render()) for widget in pilot.app.screen.query(Static)))


async def test_compared_with_the_running_guest() -> None:
    async with opened() as (pilot, _, screen):
        area(screen).become(TEXT.replace("1G", "2G"))
        await press(pilot, "f5")
        await wait_until(lambda: dialog(pilot))
        await pilot.pause()
        await press(pilot, "enter")
        await wait_until(lambda: isinstance(pilot.app.screen, CompareDialog))

        def shown() -> str:
            return " ".join(str(widget.render()) for widget in pilot.app.screen.query(Static))

        await wait_until(lambda: "memory.size" in shown())
        words = shown()
        assert '~ memory.size  "1G" \u2192 "2G"' in words
        assert "~ -m  1024M \u2192 2048M  memory.size" in words
        assert "at the next start" in words
        assert "net0" not in words


async def test_keys_before_a_dialog_opens_do_not_answer_it() -> None:
    async with opened() as (pilot, _, screen):
        await press(pilot, "f2")
        form = screen.query_one(ProfileForm)
        await wait_until(lambda: bool(form.rows))
        form.choose(("memory", "size"))
        row = form.row
        assert row is not None
        form.post_message(ProfileForm.EditRequested(row, "change"))
        form.post_message(ProfileForm.EditRequested(row, "remove"))
        await type_name(pilot, "3G")
        await wait_until(lambda: area(screen).text == TEXT.replace("1G", "3G"))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_comparison_fits_or_scrolls_and_shows_keys_without_an_option(size: tuple[int, int]) -> None:
    async with opened(size=size) as (pilot, engine, screen):
        more = "".join(f'\n[[net]]\nbackend = "none"\nmac = "52:54:00:00:00:{number:02}"\n' for number in range(1, 9))
        engine.profiles.write("other", f"{TEXT}{more}\n[balloon]\nguard = true\n")
        area(screen).jump(1, 1)
        await press(pilot, "f5")
        await wait_until(lambda: dialog(pilot))
        await pilot.pause()
        await press(pilot, "end", "enter")
        await wait_until(lambda: isinstance(pilot.app.screen, CompareDialog))
        shown = pilot.app.screen
        body = shown.query_one(VerticalScroll)
        await wait_until(lambda: "balloon.guard" in str(body.query_one(Static).render()))
        lines = str(body.query_one(Static).render()).splitlines()
        assert any(line.startswith("~ balloon.guard") and "true \u2192 false" in line for line in lines)
        assert "no QEMU option" in "\n".join(lines)
        assert any(line.startswith("\u2212 net[8]") for line in lines)
        assert all(len(line) <= body.scrollable_content_region.width for line in lines)
        button = shown.query_one("#ok").region
        assert button.height == 3
        assert button.bottom <= size[1]
        if size == (80, 24):
            assert body.max_scroll_y > 0
            await press(pilot, "pagedown")
            await wait_until(lambda: body.scroll_offset.y > 0)
        await press(pilot, "enter")
        await wait_until(lambda: pilot.app.screen is screen)
