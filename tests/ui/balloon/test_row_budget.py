"""How the panel divides its rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from textual.content import Content

from tests.ui.fake_engine import FakeEngine, balloon, running
from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.balloon.ledger import Ledger, Moment
from workbench.domain.units import MIB
from workbench.ui.app import WorkbenchApp
from workbench.ui.balloon import ledger as ledger_text
from workbench.ui.balloon.history.plot import HistoryPlot
from workbench.ui.balloon.panel import BalloonPanel
from workbench.ui.balloon.row_budget import PLOT, PLOT_LEAST, choose, height, staged_rows
from workbench.ui.common.text import TextBlock

if TYPE_CHECKING:
    from workbench.domain.balloon.balloon import Balloon

FORMS = [Content("\n".join("x" * 10 for _ in range(rows))) for rows in (10, 6, 3)]


@pytest.mark.parametrize(
    ("rows", "form", "plot"),
    [
        (40, 0, True),
        (11 + PLOT, 0, True),
        (10 + PLOT, 1, True),
        (4 + PLOT, 2, True),
        (7 + PLOT_LEAST, 2, True),
        (4 + PLOT_LEAST, 2, True),
        (3 + PLOT_LEAST, 1, False),
        (4, 2, False),
        (3, None, False),
    ],
)
def test_the_fullest_form_that_leaves_the_plot_readable(rows: int, form: int | None, plot: bool) -> None:
    assert choose(FORMS, rows, 40) == (form, plot)


def test_fewer_rows_never_give_a_fuller_form_while_the_plot_is_drawn() -> None:
    """A row used below, as by a staged target, must not change its form."""
    found = [choose(FORMS, rows, 40) for rows in range(40, 0, -1)]
    drawn = [form for form, plot in found if plot and form is not None]
    assert drawn == sorted(drawn)
    assert set(drawn) == {0, 1, 2}
    assert choose(FORMS, 12, 40, alone=True) == (0, False)
    assert choose(FORMS, 40, 40, alone=True) == (0, False)
    assert [choose(FORMS, 40, 40, fullest=form) for form in range(3)] == [(0, True), (1, True), (2, True)]


def test_a_text_that_wraps_counts_its_rows() -> None:
    assert height(Content("a" * 25), 10) == 3
    assert height(Content(""), 10) == 0
    assert staged_rows(Content("a\nb"), 120) == 2
    assert staged_rows(Content("a\nb"), 50) == 4


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40), (140, 44), (200, 60)])
@pytest.mark.parametrize("state", [State.SETTLED, State.STALLED])
async def test_nothing_of_the_panel_is_cut_off(size: tuple[int, int], state: State) -> None:
    """In every state the staged target is whole at the foot, and the plot has room or is not drawn."""
    verdict = replace(balloon().verdict, state=state, cause="c " * 20, advice="a " * 30, evidence=("e " * 20,) * 3)
    now = balloon(300 * MIB, 340 * MIB) if state is State.STALLED else balloon(300 * MIB, 300 * MIB)
    now = replace(now, verdict=verdict) if state is State.STALLED else now
    app = WorkbenchApp(FakeEngine(running(balloon=now)))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        panel = app.screen.query_one(BalloonPanel)
        before = panel.query_one("#balloon-ledger", TextBlock).shown
        for key in ("minus", "left_square_bracket"):
            await pilot.press(key)
            await pilot.pause()
        staged = panel.query_one("#balloon-staged", TextBlock)
        assert staged.region.bottom <= panel.content_region.bottom
        assert staged.region.height == height(staged.shown, staged.content_region.width)
        plot = panel.query_one(HistoryPlot)
        assert not plot.display or plot.size.height >= PLOT_LEAST - 1
        assert (
            panel.query_one("#balloon-ledger", TextBlock).shown.plain.splitlines()[:1] == before.plain.splitlines()[:1]
        )


def part(given: int) -> Balloon:
    """A guest of 512 MiB inflating to 384 that has given so much."""
    before = Moment(0, 512 * MIB, 512 * MIB, 100 * MIB, 400 * MIB)
    now = Moment(1, 384 * MIB, 512 * MIB - given, 100 * MIB, 400 * MIB - given)
    return replace(balloon(384 * MIB, 512 * MIB - given), ledger=Ledger(512 * MIB, now, before))


async def test_the_plot_does_not_move_while_the_balloon_does() -> None:
    """Once, the ledger took a fuller form at each change until it had text to show, and the plot jumped by a row."""
    engine = FakeEngine(running(balloon=part(0)))
    app = WorkbenchApp(engine)
    async with app.run_test(size=(140, 44)) as pilot:
        await pilot.pause()
        panel = app.screen.query_one(BalloonPanel)
        ledger, plot = panel.query_one("#balloon-ledger", TextBlock), panel.query_one(HistoryPlot)
        assert "before" in ledger.shown.plain, "the case is one with room for a fuller form"
        places = []
        for given in (20, 60, 0, 40):
            engine.publish(running(balloon=part(given * MIB)))
            await pilot.pause()
            places.append((plot.region, "before" in ledger.shown.plain))
        assert len(set(places)) == 1, places
        assert not places[0][1]
        settled = replace(part(0), reading=balloon(384 * MIB, 384 * MIB).reading)
        engine.publish(running(balloon=settled))
        await pilot.pause()
        assert "before" in ledger.shown.plain, "once it is settled there is room again"


@pytest.mark.parametrize(
    "size", [(80, 24), (80, 30), (120, 29), (120, 30), (120, 31), (120, 32), (100, 40), (120, 40), (200, 60)]
)
async def test_a_terminal_of_a_usual_size_has_a_plot_with_a_staged_target_too(size: tuple[int, int]) -> None:
    app = WorkbenchApp(FakeEngine(running(balloon=part(40 * MIB))))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        panel = app.screen.query_one(BalloonPanel)
        for key in ("b", "left_square_bracket"):
            await pilot.press(key)
            await pilot.pause()
            assert panel.query_one(HistoryPlot).size.height >= PLOT_LEAST
            assert panel.query_one("#balloon-ledger", TextBlock).display
        staged = panel.query_one("#balloon-staged", TextBlock)
        assert staged.region.bottom <= panel.content_region.bottom


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_stalled_guest_has_its_plot_beside_the_cause(size: tuple[int, int]) -> None:
    """Fresh figures need no line that says so; old ones do."""
    evidence = tuple(f"evidence {number}" for number in range(5))
    verdict = replace(
        balloon().verdict, state=State.STALLED, cause="no more pages", advice="stop it", evidence=evidence
    )
    now = replace(balloon(102 * MIB, 143 * MIB), verdict=verdict)
    engine = FakeEngine(running(balloon=now))
    app = WorkbenchApp(engine)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        panel = app.screen.query_one(BalloonPanel)
        assert panel.query_one(HistoryPlot).display
        assert "evidence 0" in panel.query_one("#balloon-situation", TextBlock).shown.plain
        assert now.stats is not None
        engine.publish(running(balloon=replace(now, stats=replace(now.stats, last_update=now.stats.last_update - 60))))
        await pilot.pause()
        assert "old" in panel.query_one("#balloon-ledger", TextBlock).shown.plain


async def test_history_keys_report_that_the_plot_has_no_room() -> None:
    verdict = replace(balloon().verdict, state=State.STALLED, cause="c " * 40, advice="a " * 150)
    app = WorkbenchApp(FakeEngine(running(balloon=replace(balloon(102 * MIB, 143 * MIB), verdict=verdict))))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        panel = app.screen.query_one(BalloonPanel)
        assert not panel.query_one(HistoryPlot).display
        await pilot.press("b", "z")
        await pilot.pause()
        assert "No room for the plot" in str(panel.border_subtitle)


async def test_unused_rows_show_more_evidence() -> None:
    """Without room for the plot, its rows are not left empty while evidence is cut off."""
    evidence = tuple(f"evidence {number}" for number in range(5))
    verdict = replace(balloon().verdict, state=State.STALLED, cause="c " * 20, advice="a " * 90, evidence=evidence)
    app = WorkbenchApp(FakeEngine(running(balloon=replace(balloon(102 * MIB, 143 * MIB), verdict=verdict))))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        panel = app.screen.query_one(BalloonPanel)
        assert not panel.query_one(HistoryPlot).display
        staged = panel.query_one("#balloon-staged", TextBlock)
        text = panel.query_one("#balloon-situation", TextBlock).shown.plain
        shown = sum(line in text for line in evidence)
        kept = staged_rows(staged.shown, panel.content_region.width)
        assert shown < len(evidence), "the case is one that is short of rows"
        assert staged.region.y + kept == panel.content_region.bottom, text


@pytest.mark.parametrize("width", [40, 48, 60, 66, 76, 92, 120])
def test_what_was_never_used_is_never_called_used(width: int) -> None:
    """Its last word alone would say the opposite."""
    before = Moment(0, 512 * MIB, 512 * MIB, 79 * MIB, 436 * MIB)
    ledger = Ledger(512 * MIB, Moment(1, 256 * MIB, 256 * MIB, 79 * MIB, 180 * MIB), before)
    for text in (ledger_text.brief(ledger, width), ledger_text.figures(ledger, width)):
        assert re.search("(never used|unused) +177\u2013256", text.plain), text.plain
