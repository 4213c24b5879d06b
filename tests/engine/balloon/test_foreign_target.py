"""A target set by another QMP client is found in config space and attributed correctly."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.engine.local.opened import balloon_of, ledger_of, opened, reading_of, settled, until, watched
from workbench.domain.balloon.history.marks import MarkKind
from workbench.domain.balloon.reading import Source
from workbench.engine.qmp.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.commandline import CommandLine
    from workbench.engine.session.guest import SessionGuest

MIB = 1 << 20
RAM = 512 * MIB


@pytest.fixture
def demo(running_demo: CommandLine) -> CommandLine:
    return running_demo


@asynccontextmanager
async def stranger(workbench: CommandLine) -> AsyncIterator[Monitor]:
    """Somebody with a tool of their own, on the monitor that is theirs."""
    monitor = await Monitor.connect(workbench.state / "demo" / "qmp-user.sock")
    try:
        yield monitor
    finally:
        await monitor.close()


async def test_a_target_of_a_stranger_is_seen_at_once_and_is_not_ours(demo: CommandLine) -> None:
    async with opened(demo) as engine, stranger(demo) as other:
        guest = await watched(engine, "demo")
        await guest.set_target(RAM)
        await settled(guest, RAM)
        before, marked = ledger_of(guest).now, len(foreign_targets(guest))  # the guest is shared with other tests
        await other.execute("balloon", {"value": 300 * MIB})
        await until(lambda: reading_of(guest).target == 300 * MIB, "the stranger's target", deadline=10)
        seen = reading_of(guest)
        assert (seen.source, seen.diff) == (Source.CONFIG_SPACE, seen.actual - 300 * MIB)
        assert not balloon_of(guest).ours
        await settled(guest, 300 * MIB)
        ledger = ledger_of(guest)
        assert not ledger.ours
        assert (ledger.asked.before, ledger.asked.now) == (0, RAM - 300 * MIB)
        assert (ledger.held.before, ledger.held.now) == (0, RAM - 300 * MIB)
        assert ledger.host.before is not None
        assert before.resident is not None
        assert abs(ledger.host.before - before.resident) < 16 * MIB, "what was held before it, not in its midst"
        assert ledger.words[0] == "another client set this target"
        assert foreign_targets(guest)[marked:] == [300 * MIB]
        sample = balloon_of(guest).history[-1]
        assert (sample.target, sample.actual) == (300 * MIB, 300 * MIB)
        shown = await asyncio.to_thread(demo, "balloon", "demo", "--json")
        assert (shown.json["ours"], shown.json["target"]) == (False, 300 * MIB), "the command line knows it too"
        await guest.set_target(RAM)
        await settled(guest, RAM)
        assert balloon_of(guest).ours
        assert ledger_of(guest).ours


def test_a_target_that_is_typed_to_the_qmp_verb_is_ours(demo: CommandLine) -> None:
    """As one that is typed at the console: the user's own, with what stood before it."""
    assert demo("balloon", "demo", "max", "--wait").code == 0
    assert demo("qmp", "demo", "balloon", "value=400M").code == 0
    assert asked(demo) == (True, 0, 112 * MIB)
    assert demo("qmp", "demo", "-", typed="query-status\nballoon value=384M\n").code == 0
    assert asked(demo) == (True, 112 * MIB, 128 * MIB)
    demo("qmp", "demo", "balloon", "value=0").check_error(1, "balloon: GenericError")
    assert demo("balloon", "demo", "--json").json["target"] == 384 * MIB, "what QEMU refused is no target"
    assert demo("balloon", "demo", "max", "--wait").code == 0


def asked(demo: CommandLine) -> tuple[object, object, object]:
    """Whether the last change of the target was ours, and what was asked of the balloon before and is now."""
    shown = demo("balloon", "demo", "--wait", "--json").json
    ledger = shown["ledger"]
    assert isinstance(ledger, dict)
    return shown["ours"], ledger["asked"]["before"], ledger["asked"]["now"]


async def test_a_target_that_the_guest_cannot_follow_is_seen_without_any_event(demo: CommandLine) -> None:
    """A paused guest sends no BALLOON_CHANGE: only looking tells."""
    async with opened(demo) as engine, stranger(demo) as other:
        guest = await watched(engine, "demo")
        await guest.pause()
        await until(lambda: guest.snapshot.status == "paused", "the pause")
        await other.execute("balloon", {"value": 400 * MIB})
        await until(lambda: reading_of(guest).target == 400 * MIB, "the stranger's target", deadline=10)
        assert (reading_of(guest).diff, balloon_of(guest).ours) == (112 * MIB, False)
        assert ledger_of(guest).asked.change == 112 * MIB
        await guest.set_target(RAM)
        await guest.resume()
        await settled(guest, RAM)


async def test_a_target_of_another_workbench_is_not_foreign(demo: CommandLine) -> None:
    async with opened(demo) as engine:
        guest = await watched(engine, "demo")
        done = await asyncio.to_thread(demo, "balloon", "demo", "350M", "--wait", "--json")
        assert done.code == 0, done
        await settled(guest, 350 * MIB)
        assert balloon_of(guest).ours
        assert ledger_of(guest).ours
        assert ledger_of(guest).asked.before == 0
        await guest.set_target(350 * MIB)
        await until(lambda: len(requests(guest)) == 2, "the mark of the second request")
        assert ledger_of(guest).asked.before == 0, "the same target once more is no change of it"
        await guest.set_target(RAM)
        await settled(guest, RAM)
        assert ledger_of(guest).asked.before == RAM - 350 * MIB


def foreign_targets(guest: SessionGuest) -> list[int | None]:
    return [mark.size for mark in balloon_of(guest).marks if mark.kind is MarkKind.FOREIGN_REQUEST]


def requests(guest: SessionGuest) -> list[int | None]:
    marks = balloon_of(guest).marks
    return [mark.size for mark in marks if mark.kind is MarkKind.REQUEST and mark.size == 350 * MIB]
