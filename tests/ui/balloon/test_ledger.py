"""The ledger in the balloon panel: its four columns, losses, and the forecast of a staged target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.ui.fake_engine import NOW, RAM, balloon, running
from tests.ui.main.opened import asked, opened, press, text_of
from tests.ui.notifications import notes
from workbench.domain.balloon.backing import Backing
from workbench.domain.balloon.ledger import Ledger, Moment, percent
from workbench.domain.balloon.reading import HostMemory
from workbench.domain.guest.lifecycle import Exit, Phase
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.units import MIB
from workbench.ui.balloon import ledger as ledger_text
from workbench.ui.balloon import text as balloon_text
from workbench.ui.balloon.history.plot import HistoryPlot
from workbench.ui.balloon.panel import BalloonPanel
from workbench.ui.balloon.path.view import PathPane
from workbench.ui.common.text import TextBlock

if TYPE_CHECKING:
    from workbench.domain.balloon.balloon import Balloon

HUGE = Backing(2 * MIB, reporting=False)
REPORTING = Backing(2 * MIB, reporting=True)
CAUTION = "balloon.free-page-reporting: on hugepages [this] can end the guest"


def inflated(before: int, now: int, backing: Backing, *, ours: bool = True) -> Balloon:
    """512 MiB that gave 256, with the host's side in MiB."""
    half = RAM // 2
    return replace(
        balloon(half, half, ours=ours),
        host=HostMemory(now * MIB, before * MIB),
        backing=backing,
        ledger=Ledger(
            RAM,
            Moment(NOW, half, half, now * MIB, 182 * MIB),
            Moment(NOW - 60, RAM, RAM, before * MIB, 438 * MIB),
            ours=ours,
            backing=backing,
        ),
    )


def full(found: Balloon) -> Ledger:
    assert found.ledger is not None
    return found.ledger


@pytest.mark.parametrize("width", [36, 46, 76, 104, 160])
def test_the_table_is_aligned_and_as_wide_as_the_panel(width: int) -> None:
    lines = ledger_text.table(full(inflated(213, 207, Backing())), width, tall=True).plain.splitlines()
    assert [line.split()[0] for line in lines] == ["MiB", "before", "now", "change"]
    assert len({len(line) for line in lines}) == 1
    assert len(lines[0]) <= width
    with_pages = width >= ledger_text.pages_from(RAM)
    assert lines[2].split()[1:] == (
        ["256", "65,536", "256", "65,536", "207", "52,992", "182", "46,592"]
        if with_pages
        else ["256", "256", "207", "182"]
    )
    assert lines[3].split()[1:][:2] == (["+256", "+65,536"] if with_pages else ["+256", "+256"])


def test_pages_are_below_a_size_where_there_is_no_room_beside_it() -> None:
    lines = ledger_text.table(full(inflated(213, 207, Backing())), 50, tall=True, paged=True).plain.splitlines()
    assert [line.split()[0] for line in lines] == ["MiB", "before", "pages", "now", "pages", "change", "pages"]
    assert lines[4].split()[1:] == ["65,536", "65,536", "52,992", "46,592"]
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize(
    ("ram", "width"),
    [(512 * MIB, width) for width in (46, 66, 71, 76, 104, 160)]
    + [(512 << 30, width) for width in (50, 76, 86, 104, 160)]
    + [(8 << 40, width) for width in (76, 104, 160)],
)
def test_the_columns_of_a_large_guest_do_not_touch(ram: int, width: int) -> None:
    half = Moment(1.0, ram // 2, ram // 2, ram // 2, ram // 2)
    ledger = Ledger(ram, half, Moment(0.0, ram, ram, ram, ram))
    for paged in (False, True):
        lines = ledger_text.table(ledger, width, tall=True, paged=paged).plain.splitlines()
        with_pages = width >= ledger_text.pages_from(ram)
        assert {len(line.split()) for line in lines} == {9 if with_pages else 5}, lines
        assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_key_shows_the_whole_ledger_in_place_of_the_plot(size: tuple[int, int]) -> None:
    lost = running(balloon=inflated(114, 354, REPORTING), backing="2M pages")
    async with opened(lost, size=size) as (pilot, engine):
        screen = pilot.app.screen
        await press(pilot, "b")
        for leave in ("f", "escape"):
            await press(pilot, "f")
            ledger = text_of(pilot, "#balloon-ledger")
            assert not screen.query_one(HistoryPlot).display
            for word in ("asked", "held", "host", "before", "now", "change", "65,536", "90,624", "\u2212240", "62 %"):
                assert word in ledger
            assert "loss: the guest gave 256 MiB" in ledger.replace("\n", " ")
            staged = screen.query_one("#balloon-staged", TextBlock)
            assert staged.region.bottom <= screen.query_one(BalloonPanel).content_region.bottom
            await press(pilot, leave)
            assert screen.query_one(HistoryPlot).display
        if size == (80, 24):
            void = inflated(512, 512, HUGE)
            engine.publish(running(balloon=void, backing="2M pages"))
            await press(pilot, "f")
            assert "instead: use ordinary memory" in text_of(pilot, "#balloon-ledger")
            await press(pilot, "left_square_bracket")
            assert "instead: use ordinary memory" not in text_of(pilot, "#balloon-ledger"), "the staged target is whole"
            assert "use 4 KiB" in text_of(pilot, "#balloon-ledger")
            assert staged.region.bottom <= screen.query_one(BalloonPanel).content_region.bottom
            await press(pilot, "escape")
            await press(pilot, "f")
        await press(pilot, "v", "f")
        assert not screen.query_one(PathPane).display
        assert not screen.query_one(HistoryPlot).display
        await press(pilot, "v", "v", "f")
        assert screen.query_one(HistoryPlot).display


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40), (140, 44), (200, 60)])
async def test_the_ledger_keeps_its_form_when_a_void_target_is_staged(size: tuple[int, int]) -> None:
    void = running(balloon=replace(inflated(512, 512, HUGE), host=HostMemory(RAM, RAM)), backing="2M pages")
    async with opened(void, size=size) as (pilot, _):
        before = text_of(pilot, "#balloon-ledger").splitlines()
        await press(pilot, "b", "left_square_bracket")
        assert text_of(pilot, "#balloon-ledger").splitlines()[:2] == before[:2]


def test_no_number_moves_when_it_changes() -> None:
    small = ledger_text.table(full(inflated(3, 7, Backing())), 46, tall=True).plain.splitlines()
    large = ledger_text.table(full(inflated(513, 207, Backing())), 46, tall=True).plain.splitlines()
    assert [len(line) for line in small] == [len(line) for line in large]


def test_a_loss_is_red_and_an_unknown_value_a_dash() -> None:
    lost = full(inflated(114, 354, REPORTING))
    styles = [str(span.style) for span in ledger_text.figures(lost, 80).spans]
    assert "bold $error" in styles
    assert "\u2212240" in ledger_text.figures(lost, 80).plain
    assert str(ledger_text.words(lost, 1).spans[0].style) == "bold $error"
    fine = ledger_text.figures(full(inflated(430, 174, Backing())), 80)
    assert "bold $error" not in [str(span.style) for span in fine.spans]
    unknown = ledger_text.figures(Ledger(RAM, Moment(NOW)), 80).plain.split()
    assert unknown.count("\u2013") == 4


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100"), (0.999, "99"), (0.62, "62"), (0.001, "1"), (0.0, "0"), (-1, "0")]
)
def test_a_share_is_100_percent_only_when_complete(share: float, text: str) -> None:
    assert percent(share) == text


async def test_the_panel_shows_a_loss_and_whose_target_it_was() -> None:
    lost = running(balloon=inflated(114, 354, REPORTING, ours=False), backing="2M pages")
    async with opened(lost) as (pilot, _):
        ledger = text_of(pilot, "#balloon-ledger")
        assert "loss: the guest gave 256 MiB" in ledger
        assert "target set by another client" in ledger


@pytest.mark.parametrize("width", [46, 76, 104])
@pytest.mark.parametrize(("backing", "serves"), [(HUGE, "use 4 KiB"), (REPORTING, "leave it at RAM")])
def test_a_void_change_shows_a_remedy_in_every_form(width: int, backing: Backing, serves: str) -> None:
    forms = balloon_text.ledger(inflated(430, 430, backing), NOW, width)
    assert all(serves in form.plain or "instead: " in form.plain for form in forms)
    assert not any(serves in form.plain for form in balloon_text.ledger(inflated(430, 174, Backing()), NOW, width))


async def test_a_void_target_is_shown_before_it_is_sent() -> None:
    void = running(balloon=replace(balloon(), backing=HUGE, host=HostMemory(RAM, RAM)), backing="2M pages")
    async with opened(void) as (pilot, engine):
        await press(pilot, "b", "left_square_bracket")
        staged = text_of(pilot, "#balloon-staged")
        assert "host gains nothing: 2M pages" in staged
        assert "2 MiB pages are freed only whole" in staged
        assert asked(engine) == []
        ordinary = running(balloon=replace(balloon(), backing=Backing()))
        engine.publish(ordinary)
        await press(pilot, "left_square_bracket")
        staged = text_of(pilot, "#balloon-staged")
        assert "host gains 0\u2013100 MiB" in staged
        assert "come back" not in staged


def test_all_reasons_are_shown_where_there_is_room() -> None:
    from workbench.domain.balloon.safety.forecast import forecast

    plan = forecast(replace(balloon(), backing=HUGE), RAM // 2, 0.0)
    wide, narrow = (balloon_text.staged_lines(plan, 100, live=False, roomy=roomy).plain for roomy in (True, False))
    assert "QEMU can only free whole 2 MiB pages" in wide
    assert "instead: use ordinary memory" in wide
    assert "instead" not in narrow


async def test_starting_a_guest_that_may_get_sigbus_shows_a_warning() -> None:
    stopped = GuestSnapshot("demo", phase=Phase.STOPPED, memory=RAM, cautions=(CAUTION,))
    async with opened(stopped) as (pilot, engine):
        assert CAUTION in text_of(pilot, "#balloon-head"), "before anything is pressed"
        await press(pilot, "g", "s")
        await pilot.app.workers.wait_for_complete()
        assert engine.started == ["demo"]
        assert CAUTION in [note.message for note in notes(pilot.app)]


async def test_why_a_guest_died_is_shown_below_how() -> None:
    cause = "no hugepage left"
    died = GuestSnapshot("demo", memory=RAM, ended=Exit(135), ended_cause=cause)
    async with opened(died) as (pilot, _):
        head = text_of(pilot, "#balloon-head")
        assert head.index("signal 7 (SIGBUS)") < head.index(cause)


@pytest.mark.parametrize("width", [36, 46, 76, 104, 160])
def test_a_figure_older_than_the_last_movement_is_being_read(width: int) -> None:
    old = replace(full(inflated(512, 512, Backing())), reading=True)
    for form in (ledger_text.figures(old, width), ledger_text.brief(old, width)):
        assert form.plain.count(ledger_text.READING) >= 3
    assert ledger_text.words(old, 9).plain == "the guest gave 256 MiB; reading what the host holds"
