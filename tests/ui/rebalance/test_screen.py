"""The rebalance screen on fake guests: the budget in, the table shown, targets out."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from textual.widgets import Input, Static

from tests.ui.fake_engine import RAM, FakeEngine, balloon, running
from workbench.domain.balloon.backing import Backing
from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.balloon.diagnosis.judge import Verdict
from workbench.domain.balloon.safety.protection import Safety
from workbench.domain.guest.lifecycle import Exit, Silence
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.rebalance.guests import HUGEPAGES, LOCKED, PINNED, candidate_of
from workbench.domain.rebalance.progress import Course
from workbench.domain.rebalance.proposal import propose
from workbench.domain.units import MIB
from workbench.errors import WorkbenchError
from workbench.ui.app import WorkbenchApp
from workbench.ui.rebalance import text as rebalance_text
from workbench.ui.rebalance.screen import RebalanceScreen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.pilot import Pilot


def guest(
    name: str, target: int = 512, actual: int | None = None, *, used: int = 112, **changes: object
) -> GuestSnapshot:
    """A running guest with current figures; sizes in MiB, RAM 512."""
    has = target if actual is None else actual
    found = balloon(target * MIB, has * MIB, available=max(0, has - used) * MIB)
    assert found.stats is not None
    assert found.reading is not None
    now = time.time()
    fresh = replace(
        found,
        stats=replace(found.stats, last_update=now - 1),
        reading=replace(found.reading, time=now),
        history=(),
    )
    return replace(running(name, balloon=fresh), **changes)


@asynccontextmanager
async def opened(
    *snapshots: GuestSnapshot, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[Pilot[None], FakeEngine]]:
    """The screen, as its key opens it."""
    engine = FakeEngine(*snapshots)
    app = WorkbenchApp(engine)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await press(pilot, "g", "B")
        yield pilot, engine


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()
    await pilot.pause()


async def budget(pilot: Pilot[None], text: str) -> None:
    """Type a budget; the old one is selected, and replaced."""
    await press(pilot, *("percent_sign" if character == "%" else character for character in text))


def shown(pilot: Pilot[None], part: str) -> str:
    return str(pilot.app.screen.query_one(f"#rebalance-{part}", Static).render())


def row(pilot: Pilot[None], name: str) -> list[str]:
    """The two lines of one guest, as words."""
    lines = shown(pilot, "table").splitlines()
    at = next(i for i, line in enumerate(lines) if name in line.split())
    return [lines[at], lines[at + 1]]


def numbers(pilot: Pilot[None], name: str) -> list[str]:
    """RAM, used, floor, target, and where it changes: an arrow, the new one, the change, what the host gains."""
    return row(pilot, name)[0].partition(name)[2].split()


async def wait_for(pilot: Pilot[None], part: str, words: str) -> None:
    end = time.monotonic() + 20
    while words not in shown(pilot, part):
        assert time.monotonic() < end, (words, shown(pilot, part))
        await pilot.pause(0.02)


def asked(engine: FakeEngine, name: str) -> list[object]:
    return engine.guest(name).asked


async def test_the_table_follows_what_is_typed_and_nothing_is_sent() -> None:
    async with opened(guest("one", used=312), guest("two")) as (pilot, engine):
        assert pilot.app.screen.query_one(Input).value == "1024M", "it begins with the present sum"
        assert "enter" not in shown(pilot, "keys"), "which changes nothing"
        await budget(pilot, "724M")
        assert numbers(pilot, "one") == ["512", "312", "406", "512", "\u2192", "412", "\u2212100", "\u2013"]
        assert row(pilot, "one")[1].endswith("gives 100 MiB of 200 MiB idle")
        assert "enter sends the new targets" in shown(pilot, "keys")
        await press(pilot, "ctrl+u", "7", "2", "M")
        assert "too small" in shown(pilot, "words")
        assert "enter" not in shown(pilot, "keys")
        await press(pilot, "enter")
        assert asked(engine, "one") == asked(engine, "two") == []


async def test_a_share_of_all_their_ram_is_a_budget() -> None:
    async with opened(guest("one"), guest("two")) as (pilot, _):
        await budget(pilot, "50%")
        assert numbers(pilot, "one")[5] == "256"
        assert "512" in shown(pilot, "total").split()


@pytest.mark.parametrize("typed", ["abc", "0", "x%"])
async def test_a_mistake_is_explained_and_cannot_be_sent(typed: str) -> None:
    async with opened(guest("one"), guest("two")) as (pilot, engine):
        await budget(pilot, typed)
        assert typed in shown(pilot, "words")
        await press(pilot, "enter")
        assert asked(engine, "one") == []


async def test_guests_give_before_others_get_through_their_drivers() -> None:
    before = [guest("one", 200, used=200), guest("two", 500)]
    async with opened(*before) as (pilot, engine):
        await budget(pilot, "600M")
        await press(pilot, "enter")
        assert asked(engine, "two") == [("target", 340 * MIB)]
        assert asked(engine, "one") == [], "it waits until the other has given"
        assert "waits" in row(pilot, "one")[1]
        engine.publish(guest("two", 340, 400))
        await wait_for(pilot, "table", "400 MiB now")
        assert asked(engine, "one") == []
        engine.publish(guest("two", 340))
        await wait_for(pilot, "table", "200 MiB now")
        for _ in range(200):  # the request goes out in a task of its own
            if asked(engine, "one"):
                break
            await pilot.pause()
        assert asked(engine, "one") == [("target", 260 * MIB)]
        engine.publish(guest("one", 260, used=200))
        await wait_for(pilot, "words", "2 of 2 guests at the new target")
        assert len(asked(engine, "one")) == len(asked(engine, "two")) == 1, "nothing is sent twice"
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, RebalanceScreen)


async def test_escape_stops_the_rebalance_and_shows_the_result() -> None:
    async with opened(guest("one", 200, used=200), guest("two", 500)) as (pilot, engine):
        await budget(pilot, "600M")
        await press(pilot, "enter")
        await wait_for(pilot, "keys", "stops; guests already sent a target continue")
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, RebalanceScreen), "it shows what became of it"
        assert "0 of 2 guests" in shown(pilot, "words")
        assert "late: stopped by the user" in row(pilot, "two")[1]
        assert "held: stopped by the user" in row(pilot, "one")[1]
        engine.publish(guest("two", 340))
        await pilot.pause(0.3)
        assert asked(engine, "one") == [], "nothing more is sent"
        await budget(pilot, "700M")
        assert "held" not in shown(pilot, "table"), "a new budget starts again"


async def test_a_guest_that_refuses_shows_its_reason_and_others_continue() -> None:
    async with opened(guest("one"), guest("two")) as (pilot, engine):
        engine.guest("one").failure = WorkbenchError("QEMU refuses balloon")
        await budget(pilot, "700M")
        await press(pilot, "enter")
        await wait_for(pilot, "table", "failed: QEMU refuses balloon")
        engine.publish(guest("two", 350))
        await wait_for(pilot, "words", "1 of 2 guests at the new target")


async def test_a_guest_that_ends_during_a_rebalance_is_shown() -> None:
    async with opened(guest("one"), guest("two")) as (pilot, engine):
        await budget(pilot, "700M")
        await press(pilot, "enter")
        engine.publish(GuestSnapshot("one", memory=RAM, ended=Exit(137)))
        await wait_for(pilot, "table", "failed: it was killed by signal 9")


async def test_a_guest_that_cannot_move_shows_the_reason_and_counts() -> None:
    stuck = guest("one", answering=False, trouble="stopped; kill -CONT 1", silence=Silence.STOPPED)
    async with opened(stuck, guest("two"), guest("huge", backing="2M pages")) as (pilot, engine):
        await budget(pilot, "1300M")
        assert row(pilot, "one")[1].endswith(Silence.STOPPED.words)
        assert row(pilot, "huge")[1].endswith(HUGEPAGES)
        assert numbers(pilot, "two")[5] == "276"
        await press(pilot, "enter")
        assert asked(engine, "one") == asked(engine, "huge") == []
        assert asked(engine, "two") == [("target", 276 * MIB)]


async def test_space_excludes_and_includes_a_guest() -> None:
    async with opened(guest("one"), guest("two")) as (pilot, _):
        await press(pilot, "down", "space")
        assert "excluded" in row(pilot, "two")[1]
        assert "512 MiB, the RAM of 1 guest" in shown(pilot, "sum")
        await budget(pilot, "300M")
        assert numbers(pilot, "one")[5] == "300"
        await press(pilot, "space")
        assert "1,024 MiB, the RAM of 2 guests" in shown(pilot, "sum")
        assert " " not in pilot.app.screen.query_one(Input).value


async def test_all_are_watched_while_it_is_open_and_no_longer() -> None:
    async with opened(guest("one"), guest("two")) as (pilot, engine):
        assert [engine.guest(name).watched for name in ("one", "two")] == [True, True]
        await press(pilot, "escape")
        assert [engine.guest(name).watched for name in ("one", "two")] == [True, False]


async def test_the_screen_needs_a_running_guest() -> None:
    async with opened(GuestSnapshot("one", memory=RAM)) as (pilot, _):
        assert not isinstance(pilot.app.screen, RebalanceScreen)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 60)])
async def test_it_fits(size: tuple[int, int]) -> None:
    many = [guest(f"guest-with-a-name-{number}") for number in range(12)]
    async with opened(*many, size=size) as (pilot, _):
        await budget(pilot, "3G")
        for part in ("words", "heading", "total", "keys"):
            region = pilot.app.screen.query_one(f"#rebalance-{part}").region
            assert region.height >= 1
            assert pilot.app.screen.region.contains_region(region), (part, region)
        if size[0] >= 80:
            width = pilot.app.screen.query_one("#rebalance-table").content_region.width
            assert max(len(line) for line in shown(pilot, "table").splitlines()) <= width
        await press(pilot, *["down"] * 11)
        assert shown(pilot, "table").splitlines()[22].startswith("\u25b8")


def test_what_is_known_of_a_guest_before() -> None:
    now = time.time()
    known = candidate_of(guest("a"), now)
    assert (known.used, known.idle, known.floor, known.fixed) == (112 * MIB, 400 * MIB, 146 * MIB, "")
    assert candidate_of(guest("a"), now + 60).used is None, "old figures are none"
    assert candidate_of(guest("a"), now + 60).floor == 512 * MIB, "and no guest gives what it may use"
    named = guest("a", safety=Safety(floor=200 * MIB))
    assert candidate_of(named, now + 60).floor == 200 * MIB, "unless its owner named a floor"
    assert candidate_of(replace(guest("a"), balloon=None), now).counts == RAM
    assert candidate_of(guest("a", status="paused"), now).fixed == "is paused: driver not running"
    for backing, words in ((Backing(locked=True), LOCKED), (Backing(pinned=("vfio-pci hostdev0",)), PINNED)):
        held = guest("a")
        assert held.balloon is not None
        assert candidate_of(replace(held, balloon=replace(held.balloon, backing=backing)), now).fixed == words
    stalled = guest("a", 200, 300)
    assert stalled.balloon is not None
    why = Verdict(State.STALLED, "the guest has no more free pages to give")
    stuck = candidate_of(replace(stalled, balloon=replace(stalled.balloon, verdict=why)), now)
    assert stuck.fixed == "stalled: the guest has no more free pages to give"
    assert stuck.counts == 300 * MIB


def test_a_bar_shows_what_is_used_had_and_wanted() -> None:
    now = time.time()
    half = propose([candidate_of(guest("a", 384, used=128), now)], 256 * MIB)
    assert (
        str(rebalance_text.bar(half.lines[0], None, RAM, 16))
        == "\u2501" * 4 + "\u2500" * 4 + "\u2503" + "\u2500" * 3 + "\u2508" * 4
    )
    course = Course(half, deadline=1.0)
    one = replace(course.progress["a"], actual=320 * MIB)
    assert str(rebalance_text.bar(half.lines[0], one, RAM, 16)).count("\u2508") == 6, "it follows the guest"
