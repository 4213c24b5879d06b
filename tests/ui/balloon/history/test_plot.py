"""The history plot: four lines, marks, zoom and pan, gaps, and its requests for the past."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace
from textual.content import Content

from tests.ui.fake_engine import RAM, balloon, running
from tests.ui.main.opened import opened, press
from tests.ui.notifications import notes
from workbench.domain.balloon.history.marks import Mark, MarkKind
from workbench.domain.balloon.history.samples import GAP, Past, span_of
from workbench.domain.balloon.history.window import Window
from workbench.domain.balloon.reading import Sample
from workbench.domain.units import MIB
from workbench.errors import WorkbenchError
from workbench.ui.balloon import panel as panel_module
from workbench.ui.balloon.history.plot import AXIS, NAMES, HistoryPlot
from workbench.ui.balloon.panel import BalloonPanel
from workbench.ui.common.braille import NO_OWNER
from workbench.ui.common.dialogs import Dialog

if TYPE_CHECKING:
    from textual.pilot import Pilot

NOW = 1_700_000_000.0


def plot_of(pilot: Pilot[None]) -> HistoryPlot:
    return pilot.app.screen.query_one(HistoryPlot)


def lines(plot: HistoryPlot) -> list[str]:
    return [plot.render_line(y).text for y in range(plot.size.height)]


def samples(count: int, step: float = 1.0, **changes: int) -> tuple[Sample, ...]:
    sample = Sample(0.0, RAM // 2, RAM // 2, 100 * MIB, 200 * MIB)
    return tuple(replace(sample, time=NOW - (count - 1 - i) * step, **changes) for i in range(count))


def owners(plot: HistoryPlot) -> set[int]:
    return {owner for row in plot.rows for owner in row.owners} - {NO_OWNER}


async def test_four_lines_each_in_its_colour_and_named() -> None:
    async with opened() as (pilot, _):
        plot = plot_of(pilot)
        plot.show(samples(120), RAM, NOW)
        assert owners(plot) == set(range(len(NAMES)))
        legend = lines(plot)[-1]
        for words in ("target", "actual", "host resident", "available"):
            assert words in legend
        plot.show(samples(120, target=RAM, actual=RAM // 2), RAM, NOW)
        assert owners(plot) == set(range(len(NAMES)))


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 60)])
async def test_the_plot_fits_every_terminal(size: tuple[int, int]) -> None:
    async with opened(size=size) as (pilot, _):
        plot = plot_of(pilot)
        plot.show(samples(120), RAM, NOW, (Mark(NOW - 5, MarkKind.RESET, "reset"),))
        shown = lines(plot)
        assert all(len(line) == plot.size.width for line in shown)
        if plot.size.height > 3:
            assert "now" in shown[-2]
            assert "2 min" in shown[-2]
            assert "avail" in shown[-1]
            assert sum("R" in line[AXIS:] for line in shown[-3:-1]) == 1


async def test_marks_are_where_they_happened_and_are_explained() -> None:
    async with opened(size=(200, 60)) as (pilot, _):
        plot = plot_of(pilot)
        marks = (
            Mark(NOW - 60, MarkKind.REQUEST, "target 256 MiB", RAM // 2),
            Mark(NOW - 30, MarkKind.TAKE_BACK, "taken back", 4 * MIB),
            Mark(NOW - 1000, MarkKind.PAUSE, "paused"),
        )
        plot.show(samples(120), RAM, NOW, marks)
        row, legend = lines(plot)[-3], lines(plot)[-1]
        width = plot.size.width - AXIS
        assert abs(row.index("T") - AXIS - width / 2) <= 1
        assert abs(row.index("O") - AXIS - width * 3 / 4) <= 1
        assert "P" not in row
        assert "T target set" in legend
        assert "O taken back" in legend
        column = row.index("O") - AXIS
        assert any(line.owners[column] == len(NAMES) for line in plot.rows), "a grave one is ruled up the plot"


async def test_lines_have_short_names_where_the_letters_need_the_room() -> None:
    """Eighty columns have room for the full names, or for what several letters mean."""
    kinds = (MarkKind.REQUEST, MarkKind.GUARD, MarkKind.RAMP)
    marks = tuple(Mark(NOW - 60 + 10 * index, kind, "") for index, kind in enumerate(kinds))
    async with opened(size=(80, 24)) as (pilot, _):
        plot = plot_of(pilot)
        plot.show(samples(120), RAM, NOW, marks[:1])
        for words in ("host resident", "available", "T target set"):
            assert words in lines(plot)[-1]
        plot.show(samples(120), RAM, NOW, marks)
        for words in (" host ", " avail ", "G guard S ramp step T target set"):
            assert words in lines(plot)[-1]


async def test_marks_of_a_snapshot_are_drawn() -> None:
    async with opened(size=(200, 60)) as (pilot, engine):
        history = samples(120)
        marks = (Mark(NOW - 10, MarkKind.RESET, "reset"),)
        engine.publish(running(balloon=replace(balloon(), history=history, marks=marks)))
        await pilot.pause()
        assert plot_of(pilot).marks == marks
        assert plot_of(pilot).samples == history


async def test_a_period_without_a_recording_is_a_gap() -> None:
    async with opened(size=(120, 40)) as (pilot, _):
        plot = plot_of(pilot)
        early = tuple(replace(sample, time=sample.time - GAP - 30) for sample in samples(30))
        plot.show((*early, *samples(20)), RAM, NOW)
        empty = [x for x in range(len(plot.rows[0].text)) if all(row.text[x] == " " for row in plot.rows)]
        width = len(plot.rows[0].text)
        assert len(empty) > width * (120 - 50 - 2 - 45 + 20) / 120 / 2
        assert any(width * 0.6 < x < width * 0.85 for x in empty), "between the two stretches"


async def test_zoom_and_pan() -> None:
    async with opened(size=(120, 40)) as (pilot, _):
        plot = plot_of(pilot)
        names = [plot.window.name]
        for _ in range(7):
            await press(pilot, "Z")
            names.append(plot.window.name)
        assert names == ["2 min", "5 min", "15 min", "1 h", "6 h", "1 d", "7 d", "30 d"]
        await press(pilot, "Z")
        assert plot.window.name == "30 d"
        for _ in range(9):
            await press(pilot, "z")
        assert plot.window.name == "1 min"
        assert plot.window.end is None
        await press(pilot, "left")
        assert plot.window.end is not None
        assert plot.window.end < plot.now
        assert "now" not in lines(plot)[-2]
        await press(pilot, "right", "right")  # the time went on between
        assert plot.window.end is None
        for back in ("0", "end"):
            await press(pilot, "left", "left", back)
            assert plot.window.end is None
            assert "now" in lines(plot)[-2]


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the panel's tick, which would draw its own guest's readings over those of a slow test."""
    monkeypatch.setattr(panel_module, "TICK", 1e6)


async def test_the_past_is_asked_for_when_it_is_looked_at_and_drawn(quiet: None) -> None:
    async with opened(size=(120, 40)) as (pilot, engine):
        plot, guest = plot_of(pilot), engine.guest("demo")
        dip = Sample(NOW - 1800, RAM, 8 * MIB, 100 * MIB, 200 * MIB)
        old = [replace(sample, time=sample.time - 600) for sample in samples(300, step=10.0)]
        spans = tuple(map(span_of, sorted([*old, dip], key=lambda sample: sample.time)))
        guest.kept = Past(spans, oldest=NOW - 86400)
        plot.show(samples(600), RAM, NOW)
        await pilot.pause()
        guest.pasts.clear()
        plot.show(samples(600), RAM, NOW)
        await pilot.pause()
        assert guest.pasts == [], "what is at hand is not asked for"
        for _ in range(3):
            await press(pilot, "Z")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert plot.window.name == "1 h"
        assert guest.pasts
        start, step = guest.pasts[-1]
        assert start <= NOW - 3600
        assert step == pytest.approx(3600 / (2 * (plot.size.width - AXIS)))
        asked = len(guest.pasts)
        plot.show(samples(600), RAM, NOW)
        await pilot.pause()
        assert len(guest.pasts) == asked, "once is enough"
        lowest = plot.rows[-1]
        middle = len(lowest.text) // 2
        assert any(lowest.owners[x] == 1 for x in range(middle - 2, middle + 3)), "the dip of a second is seen"
        await press(pilot, "home")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert plot.window.end == NOW - 86400 + 3600


async def test_another_guest_has_another_past() -> None:
    async with opened(running(), running("other", pid=4712), size=(120, 40)) as (pilot, engine):
        plot = plot_of(pilot)
        engine.guest("demo").kept = Past((span_of(Sample(NOW, RAM, RAM)),), NOW)
        await press(pilot, "Z", "left")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert plot.past.oldest == NOW
        await press(pilot, "g", "down", "enter")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert plot.past.oldest is None
        assert plot.window.end is None


async def test_a_clock_that_was_ahead_does_not_ask_forever() -> None:
    async with opened(size=(120, 40)) as (pilot, engine):
        plot, guest = plot_of(pilot), engine.guest("demo")
        plot.forget()
        guest.pasts.clear()
        for _ in range(10):
            plot.show(samples(60), RAM, NOW - 5000)
            await pilot.pause()
            await pilot.app.workers.wait_for_complete()
        assert len(guest.pasts) <= 1


async def test_a_picture_is_saved_and_its_path_shown() -> None:
    async with opened(running("[b]&<x>"), size=(120, 40)) as (pilot, engine):
        engine.publish(running("[b]&<x>", balloon=replace(balloon(), history=samples(120))))
        await pilot.pause()
        plot_of(pilot).show(samples(120), RAM, NOW)
        await press(pilot, "w")
        await pilot.app.workers.wait_for_complete()
        (svg,) = engine.pictures
        root = ElementTree.fromstring(svg)
        assert any(text.text == "[b]&<x>" for text in root.iter("{http://www.w3.org/2000/svg}text"))
        assert {path.get("class") for path in root.iter("{http://www.w3.org/2000/svg}path")} >= set(NAMES)
        assert [note.message for note in notes(pilot.app)][-1] == "/pictures/[[b]&<x>].svg"
        engine.start_failure = WorkbenchError("the disk is full")
        await press(pilot, "w")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(pilot.app.screen, Dialog)


async def test_on_a_small_terminal_the_panels_edge_shows_the_path_of_the_picture() -> None:
    """A toast would cover the staged target."""
    async with opened(running("bx"), size=(80, 24)) as (pilot, engine):
        engine.publish(running("bx", balloon=replace(balloon(), history=samples(120))))
        await pilot.pause()
        plot_of(pilot).show(samples(120), RAM, NOW)
        await press(pilot, "w")
        await pilot.app.workers.wait_for_complete()
        panel = pilot.app.screen.query_one(BalloonPanel)
        assert Content.from_markup(str(panel.border_subtitle)).plain == "Picture: /pictures/[bx].svg"
        assert not notes(pilot.app)


async def test_the_plot_shows_the_resolution_where_a_value_covers_many_cells(quiet: None) -> None:
    """Old history has one value per half hour, in which a gap of some minutes is not visible."""
    for size, words in (((80, 24), "one value per 30 min, no finer gaps"), ((120, 40), "30 min")):
        async with opened(size=size) as (pilot, _):
            plot = plot_of(pilot)
            one = span_of(Sample(NOW - 3600, RAM, RAM, 100 * MIB, 200 * MIB))
            coarse = Past((one._replace(end=NOW - 1800.5), one._replace(start=NOW - 1800, end=NOW - 0.5)), NOW - 86400)
            plot.window = Window(15 * 60, NOW - 600)
            plot.show((), RAM, NOW)
            plot.take(coarse)
            assert words in lines(plot)[-2]
            plot.window = Window(30 * 86400, NOW - 600)
            plot.show((), RAM, NOW)
            plot.take(coarse)
            assert words not in lines(plot)[-2], "finer than a cell"
            plot.window = Window(15 * 60, NOW - 600)
            plot.show((), RAM, NOW)
            plot.take(Past(tuple(one._replace(start=at, end=at) for at in (NOW - 1000, NOW - 990)), NOW - 86400))
            assert "min" not in lines(plot)[-2][AXIS:], "each reading for itself"


async def test_without_a_plot_there_is_no_picture() -> None:
    async with opened(running(balloon=None), size=(120, 40)) as (pilot, engine):
        await press(pilot, "w")
        await pilot.app.workers.wait_for_complete()
        assert engine.pictures == []
        assert len(notes(pilot.app)) == 1
