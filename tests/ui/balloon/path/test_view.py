"""The view of a target's path: opened and closed by keys, marked by what the engine reports."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.content import Content

from tests.ui.fake_engine import RAM, running
from tests.ui.main.opened import opened, press, text_of
from workbench.domain.balloon.path.changes import follow, poll, sent
from workbench.domain.balloon.path.stages import Proof
from workbench.domain.balloon.path.timeline import PathView, Sighting, Timeline
from workbench.domain.balloon.path.trace_log import COMMAND, READ, TARGET, WRITTEN, TraceLine
from workbench.domain.balloon.reading import Reading, Source
from workbench.domain.guest.lifecycle import Exit
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.units import MIB
from workbench.ui.balloon.history.plot import HistoryPlot
from workbench.ui.balloon.panel import BalloonPanel
from workbench.ui.balloon.path import text as path_text
from workbench.ui.balloon.path.view import PathPane

BEGUN = 1_800_000_000_000_000


def change(pieces: int = 2) -> Timeline:
    """512 → 510 MiB, of which so many MiB have moved: a line each 100 µs."""
    timeline = sent(BEGUN, RAM - 2 * MIB, held=0, traced=True)
    lines = [(COMMAND, (RAM - 2 * MIB,)), (TARGET, (RAM - 2 * MIB, 512))]
    for piece in range(pieces):
        lines += [(READ, (512, 256 * piece)), (WRITTEN, (256 * piece + 256, 256 * piece))]
    for number, (event, values) in enumerate(lines, 1):
        timeline = follow(timeline, TraceLine(event, BEGUN + 100 * number, 2, values), now=0)
    return timeline


def row(content: Content, function: str) -> str:
    (found,) = (line for line in content.plain.splitlines() if function in line)
    return found


async def test_v_shows_the_path_and_v_or_esc_the_plot_again() -> None:
    async with opened() as (pilot, engine):
        guest, screen = engine.guest("demo"), pilot.app.screen
        for leave in ("v", "escape"):
            assert not guest.path_listeners, "no watcher while it is closed"
            await press(pilot, "v")
            assert len(guest.path_listeners) == 1
            assert not screen.query_one(HistoryPlot).display
            assert "send a target to see its path" in text_of(pilot, "#path-head")
            assert "settled" in text_of(pilot, "#balloon-head"), "the head stays"
            await press(pilot, leave)
            assert not guest.path_listeners
            assert screen.query_one(HistoryPlot).display


async def test_stages_are_marked_as_they_are_seen() -> None:
    async with opened(size=(160, 60)) as (pilot, engine):
        await press(pilot, "v")
        guest = engine.guest("demo")
        guest.show_path(PathView("7.2.22", change(0), traced=True))
        await pilot.pause()
        assert "+200 µs" in row(Content(text_of(pilot, "#path-stages")), "virtio_balloon_to_target()")
        assert "\N{EN DASH}" in row(Content(text_of(pilot, "#path-stages")), "towards_target()")
        guest.show_path(PathView("7.2.22", change(1), traced=True))
        await pilot.pause()
        stages = Content(text_of(pilot, "#path-stages"))
        assert "·" in row(stages, "towards_target()")
        assert "+400 µs" in row(stages, "virtio_balloon_set_config()")
        assert "softmmu/balloon.c" in row(stages, "qmp_balloon()")
        head = text_of(pilot, "#path-head")
        assert "+256 =     512 \N{MINUS SIGN}     256" in head
        assert "in progress" in head
        guest.show_path(PathView("7.2.22", change(2), traced=True))
        await pilot.pause()
        assert "settled after 600 µs" in text_of(pilot, "#path-head")
        assert "512 pages of 4 KiB" in text_of(pilot, "#path-questions")


async def test_targets_are_staged_and_sent_while_it_is_shown() -> None:
    async with opened() as (pilot, engine):
        await press(pilot, "v", "minus")
        panel = pilot.app.screen.query_one(BalloonPanel)
        assert panel.staged == RAM - 16 * MIB
        await press(pilot, "escape")
        assert panel.staged is None
        assert engine.guest("demo").path_listeners, "esc drops what is staged first"
        await press(pilot, "t", "escape")
        assert engine.guest("demo").path_listeners, "and leaves the field first"
        await press(pilot, "t", "2", "5", "6", "m", "enter", "enter")
        await pilot.app.workers.wait_for_complete()
        assert engine.guest("demo").asked == [("target", 256 * MIB)]
        await press(pilot, "escape")
        assert not engine.guest("demo").path_listeners


async def test_another_guest_is_watched_instead() -> None:
    async with opened(running("a"), running("b")) as (pilot, engine):
        await press(pilot, "v")
        assert [len(engine.guest(name).path_listeners) for name in "ab"] == [1, 0]
        await press(pilot, "g", "j")
        await pilot.pause()
        assert [len(engine.guest(name).path_listeners) for name in "ab"] == [0, 1]
        engine.guest("a").show_path(PathView("7.2.22", change(2), traced=True))
        await pilot.pause()
        assert "settled" not in text_of(pilot, "#path-head")


async def test_a_guest_that_ends_and_comes_back_has_its_path_again() -> None:
    async with opened() as (pilot, engine):
        await press(pilot, "v")
        engine.publish(GuestSnapshot("demo", memory=RAM, ended=Exit(137)))
        await pilot.pause()
        assert not pilot.app.screen.query_one(PathPane).display
        await press(pilot, "b", "minus")  # refused in words, and nothing breaks
        engine.publish(running(pid=4712))
        await pilot.pause()
        assert pilot.app.screen.query_one(PathPane).display
        assert len(engine.guest("demo").path_listeners) == 1
        await press(pilot, "b", "v")
        assert not engine.guest("demo").path_listeners


async def test_a_closed_screen_stops_watching() -> None:
    async with opened() as (pilot, engine):
        await press(pilot, "v")
        assert engine.guest("demo").path_listeners
    assert not engine.guest("demo").path_listeners


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (160, 50), (200, 60)])
async def test_no_line_is_wider_than_the_panel(size: tuple[int, int]) -> None:
    async with opened(size=size) as (pilot, engine):
        await press(pilot, "b", "v")
        engine.guest("demo").show_path(PathView("7.2.22", change(2), traced=True))
        await pilot.pause()
        width = pilot.app.screen.query_one("#path-way").content_region.width
        lines = text_of(pilot, "#path-stages").splitlines()
        assert lines[0].startswith("host")
        assert all(len(line) <= width for line in lines)
        assert all(".c" in line for line in lines if "()" in line), "each with its file"
        assert (len(lines) == 24) == (size[1] >= 50), "the short form where rows are few"
        whole = text_of(pilot, "#path-whole").splitlines()
        assert len(whole) == (0 if len(lines) == 24 else 26), "and then all of it below"
        assert all(len(line) <= width for line in whole)
        heads = text_of(pilot, "#path-head").splitlines()
        assert len(heads) == 3
        assert all(len(line) <= width for line in heads)


def test_without_a_trace_the_view_shows_what_it_cannot_see() -> None:
    line = sent(BEGUN, 256 * MIB, held=0, traced=False).answered(BEGUN + 300)
    view = PathView("7.2.22", line, why="QEMU was started without a trace log (-D)")
    assert "no trace: QEMU was started without a trace log" in path_text.head(view, RAM, 80).plain
    way = path_text.stage_list(view, 80, hugepages=False, brief=False)
    assert row(way, "virtio_balloon_get_config()").rstrip().endswith("?")
    assert row(way, "qmp_balloon()").rstrip().endswith("≤300 µs"), "it had run by then; nothing says when"
    settled = poll(line, Reading((BEGUN + 900) / 1e6, RAM, 256 * MIB, 256 * MIB, Source.CONFIG_SPACE))
    assert "settled within 900 µs" in path_text.head(replace(view, timeline=settled), RAM, 80).plain


def test_a_change_without_a_trace_is_shown_though_the_events_are_on() -> None:
    line = sent(BEGUN, 256 * MIB, held=0, traced=True).answered(BEGUN + 300)
    words = path_text.head(PathView("7.2.22", line, traced=True), RAM, 80).plain
    assert "no trace of this change" in words
    assert "reports when each stage runs" not in words
    assert "reports when each stage runs" in path_text.head(PathView("7.2.22", None, traced=True), RAM, 80).plain


def test_numbers_do_not_move_when_they_change() -> None:
    def place(held: int) -> tuple[int, int]:
        line = Timeline(BEGUN, num_pages=65536, held=held, held_before=0, seen={Proof.READ: Sighting(BEGUN, BEGUN)})
        text = path_text.head(PathView("", line, traced=True), RAM, 80).plain.splitlines()[2]
        return len(text), text.index("=", 20)

    assert len({place(held) for held in (0, 256, 16384, 65536)}) == 1


@pytest.mark.parametrize("width", [58, 62, 75, 87, 110])
@pytest.mark.parametrize("micros", [7, 9_999_999, 10_000_000, 999_999_999, 5_000_000_000])
def test_long_times_fit_their_columns(width: int, micros: int) -> None:
    line = follow(change(1), TraceLine(WRITTEN, BEGUN + micros, 2, (512, 256)), now=0)
    view = PathView("10.0", line, traced=True)
    text = path_text.head(view, RAM, width).plain
    rows = path_text.stage_list(view, width, hugepages=False, brief=False).plain
    assert all(len(each) <= width for each in (*text.splitlines(), *rows.splitlines()))
    ends = {len(each) for each in rows.splitlines() if each.endswith((" µs", " s", "·", "\N{EN DASH}"))}
    assert len(ends) == 1 or width == 110, "one column"


def test_the_count_is_beside_the_time_where_there_is_no_room_for_more() -> None:
    view = PathView("10.0", change(2), traced=True)
    for width, note in ((98, False), (104, False), (110, True)):
        found = row(path_text.stage_list(view, width, hugepages=False, brief=False), "virtio_balloon_set_config()")
        assert "\N{MULTIPLICATION SIGN}2" in found
        assert ("first pages" in found) == note
        assert len(found) <= width


def test_the_first_and_the_last_reads_are_listed() -> None:
    text = path_text.reads(PathView("", change(2), traced=True)).plain
    assert "+512 =        512 \N{MINUS SIGN}          0" in text
    assert "+256 =        512 \N{MINUS SIGN}        256" in text
    assert path_text.reads(PathView("")).plain == ""
