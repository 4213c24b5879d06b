"""The balloon panel on a diff that stays, and the key that sends the target again."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from tests.ui.fake_engine import NOW, balloon, running
from tests.ui.main.opened import opened, text_of
from workbench.domain.balloon.diagnosis.causes import Cause, Circumstances, Finding, State, Verdict
from workbench.domain.balloon.diagnosis.judge import judge
from workbench.domain.balloon.reading import GuestStats
from workbench.domain.units import MIB
from workbench.ui.balloon.panel import BalloonPanel
from workbench.ui.balloon.text import ledger

TAKEN = Verdict(
    State.STALLED, "the guest took 55 MiB back on OOM", "send the target again", ("rose",), Cause.TAKEN_BACK
)  # fmt: skip
NOTE = Finding(Cause.RAM_CHANGED, "memory was plugged in: [the target] rose with it", "send 256 MiB")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_memory_taken_back_offers_the_key_that_sends_again(size: tuple[int, int]) -> None:
    taken = replace(balloon(256 * MIB, 311 * MIB), verdict=TAKEN)
    async with opened(running(balloon=taken), size=size) as (pilot, engine):
        words = text_of(pilot, "#balloon-situation")
        assert "stalled: the guest took 55 MiB back" in words
        assert "a sends it" in words
        await pilot.press("a")
        await pilot.pause()
        await pilot.app.workers.wait_for_complete()
        assert engine.guest("demo").asked == [("target", 256 * MIB)]


async def test_nothing_is_sent_again_to_a_guest_at_its_target() -> None:
    async with opened(running(balloon=balloon(256 * MIB, 256 * MIB))) as (pilot, engine):
        assert "sends it" not in text_of(pilot, "#balloon-situation")
        await pilot.press("a")
        await pilot.pause()
        await pilot.app.workers.wait_for_complete()
        assert engine.guest("demo").asked == []


async def test_a_settled_balloon_can_have_a_note() -> None:
    settled = replace(balloon(256 * MIB, 256 * MIB), verdict=Verdict(State.SETTLED, notes=(NOTE,)))
    async with opened(running(balloon=settled)) as (pilot, engine):
        words = text_of(pilot, "#balloon-situation")
        assert "note: memory was plugged in: [the target] rose with it" in words
        assert "stalled" not in words
        engine.publish(running(balloon=balloon(256 * MIB, 256 * MIB)))
        await pilot.pause()
        assert not pilot.app.screen.query_one(BalloonPanel).has_class("-situation")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_the_state_is_unknown_while_qemu_does_not_answer(size: tuple[int, int]) -> None:
    silent = running(answering=False, trouble="QEMU's process is stopped (SIGSTOP)", balloon=balloon())
    async with opened(silent, size=size) as (pilot, engine):
        head = text_of(pilot, "#balloon-head")
        assert "unknown" in head
        assert "settled" not in head
        assert re.search(r"read +\d+ \w+ ago", head)
        assert "was sent and is pending" not in text_of(pilot, "#balloon-situation")
        waiting = replace(balloon(), unanswered=128 * MIB)
        engine.publish(replace(silent, balloon=waiting))
        await pilot.pause()
        assert "a target of 128 MiB was sent and is pending" in " ".join(text_of(pilot, "#balloon-situation").split())
        engine.publish(running())
        await pilot.pause()
        assert "settled" in text_of(pilot, "#balloon-head")


async def test_a_pause_is_shown_once() -> None:
    reading = balloon().reading
    assert reading is not None
    old = GuestStats(NOW - 60, 2, available=400 * MIB)
    seen = Circumstances(NOW, driver_status=0x0F, status="paused", stats=old)
    paused = replace(balloon(), verdict=judge(reading, seen))
    assert [note.code for note in paused.verdict.notes] == [Cause.PAUSED, Cause.STATISTICS_PAUSED]
    async with opened(running(balloon=paused)) as (pilot, _):
        words = text_of(pilot, "#balloon-situation")
        assert "note: the guest is paused, so its driver is not running" in words
        assert words.count("note") == 1


@pytest.mark.parametrize(
    ("last", "interval", "words"),
    [
        (NOW - 300, 0, "guest figures are 5 min old; polling is off"),
        (0.0, 0, "no guest statistics: polling is off"),
        (0.0, 2, "no guest statistics: its driver never sent any"),
    ],
)
def test_why_there_are_no_new_figures(last: float, interval: int, words: str) -> None:
    old = replace(balloon(), stats=GuestStats(last, interval, available=MIB), ledger=None)
    assert [form.plain for form in ledger(old, NOW, 50)] == [words]


async def test_polling_that_another_client_switched_off_is_a_note() -> None:
    reading = balloon().reading
    assert reading is not None
    seen = Circumstances(NOW, driver_status=0x0F, statistics=2, stats=GuestStats(NOW - 60, 0, available=MIB))
    for statistics, shown in ((2, True), (0, False)):
        verdict = judge(reading, replace(seen, statistics=statistics))
        async with opened(running(balloon=replace(balloon(), verdict=verdict))) as (pilot, _):
            words = " ".join(text_of(pilot, "#balloon-situation").split())
            assert ("another client turned polling off" in words) == shown
