"""What a screen, a command and a script may count on, whatever is behind ``engine/base.py``.

The same tests run against guests on this host, read continually or on request, against a session on fake parts, and
against the engine that the tests of the screen use.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.commandline import DEADLINE
from tests.engine.session.fake_parts import FakeParts
from tests.ui.fake_engine import FakeEngine, FakeGuest, balloon, running
from workbench.domain.guest.lifecycle import Exit, Phase
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.units import MIB
from workbench.engine.base import Event
from workbench.engine.local.engine import LocalEngine
from workbench.engine.session.guest import SessionGuest
from workbench.errors import NotFound, NotReached
from workbench.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tests.commandline import CommandLine
    from workbench.engine.base import Engine, Guest

FIRMWARE = 'memory.size = "64M"\naccelerator = "tcg"\n[balloon]\n'
TARGET = 48 * MIB


class World:
    """One guest ``fw`` that runs and has a balloon, and no driver for it."""

    def __init__(self, guest: Guest, engine: Engine | None = None) -> None:
        self.guest = guest
        self.engine = engine

    async def react(self) -> None:
        """Let a fake do what was asked last; a real guest needs no telling."""


class FakeWorld(World):
    """The screen's fake notes requests; a test lets it answer."""

    def __init__(self) -> None:
        self.fake = FakeEngine(running("fw", balloon=balloon(64 * MIB, 64 * MIB)))
        super().__init__(self.fake.guest("fw"), self.fake)

    async def react(self) -> None:
        guest = self.fake.guest("fw")
        now, request = guest.snapshot, guest.asked[-1]
        match request:
            case ("target", int(size)):
                assert now.balloon is not None
                assert now.balloon.reading is not None
                reading = replace(now.balloon.reading, target=size)
                now = replace(now, balloon=replace(now.balloon, reading=reading))
            case "pause" | "resume":
                status = "paused" if request == "pause" else "running"
                now = replace(now, status=status, phase=Phase.PAUSED if request == "pause" else Phase.RUNNING)
                guest.happened.append(Event("STOP" if request == "pause" else "RESUME", {}, 1.0))
            case "kill":
                now = GuestSnapshot("fw", ended=Exit(137))
        self.fake.publish(now)


@asynccontextmanager
async def world_of(kind: str, workbench: CommandLine, directory: Path) -> AsyncIterator[World]:
    if kind == "screen's fake":
        yield FakeWorld()
        return
    if kind == "fake parts":
        parts = FakeParts(directory)
        snapshot = GuestSnapshot("fw", phase=Phase.RUNNING, pid=1, run=parts.run)
        guest = SessionGuest(parts, snapshot, lambda _: None, Settings(), driven=False)
        try:
            yield World(guest)
        finally:
            await guest.close()
        return
    workbench.profile("fw", FIRMWARE)
    await asyncio.to_thread(workbench.start, "fw")
    engine = LocalEngine(workbench.settings, driven=kind == "driven")
    await engine.open()
    try:
        yield World(engine.guest("fw"), engine)
    finally:
        await engine.close()


@pytest.fixture(params=["driven", "on request", "fake parts", "screen's fake"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def run(kind: str, workbench: CommandLine, tmp_path: Path) -> Callable[[Callable[[World], Awaitable[None]]], None]:
    """Runs a test in its world; everything of it is closed afterwards, and no task is left."""

    async def inside(test: Callable[[World], Awaitable[None]]) -> None:
        before = asyncio.all_tasks()
        async with asyncio.timeout(3 * DEADLINE), world_of(kind, workbench, tmp_path) as world:
            await test(world)
        assert {task for task in asyncio.all_tasks() - before if not task.done()} == set()

    return lambda test: asyncio.run(inside(test))


def test_a_reading_has_the_balloon_and_belongs_to_one_run(run: Callable[..., None]) -> None:
    async def test(world: World) -> None:
        first = await world.guest.refresh()
        assert first is world.guest.snapshot
        assert (first.name, first.answering, first.status, first.trouble) == ("fw", True, "running", "")
        assert first.balloon is not None
        assert first.balloon.reading is not None
        assert all(first.identity)
        assert (await world.guest.refresh(settle=0.1)).identity == first.identity
        assert (await world.guest.refresh(brief=True)).status == "running"
        assert (await world.guest.version())[0].isdigit()
        assert await world.guest.marks() is not None
        assert (await world.guest.past(0.0, 0.0)) is not None

    run(test)


def test_a_target_is_seen_in_the_next_snapshots(run: Callable[..., None]) -> None:
    async def test(world: World) -> None:
        seen: list[GuestSnapshot] = []
        async with world.guest.hold(), world.guest.hold():
            await world.guest.refresh()
            await world.guest.set_target(TARGET)
            await world.react()
            there = await world.guest.wait_until(has_target, DEADLINE, each=seen.append)
        assert has_target(there)
        assert seen[-1] == there

    run(test)


def has_target(snapshot: GuestSnapshot) -> bool:
    reading = snapshot.balloon.reading if snapshot.balloon is not None else None
    return reading is not None and reading.target == TARGET


def test_a_condition_that_is_never_met_ends_with_the_time(run: Callable[..., None]) -> None:
    async def test(world: World) -> None:
        with pytest.raises(NotReached):
            await world.guest.wait_until(lambda _: False, 0.2)
        assert await world.guest.wait_ended(0.1) is None

    run(test)


def test_pause_and_resume_change_the_status_and_are_events(run: Callable[..., None]) -> None:
    async def test(world: World) -> None:
        if isinstance(world, FakeWorld):  # it knows what will happen only once it has
            await world.guest.pause()
            await world.react()
        async with world.guest.events() as events:
            if not isinstance(world, FakeWorld):
                await world.guest.pause()
            event = await asyncio.wait_for(anext(events), DEADLINE)
            assert (event.name, dict(event.data)) == ("STOP", {})
            assert event.time > 0
        paused = await world.guest.refresh()
        assert (paused.status, paused.phase) == ("paused", Phase.PAUSED)
        await world.guest.resume()
        await world.react()
        assert (await world.guest.wait_until(lambda now: now.status == "running", DEADLINE)).phase is Phase.RUNNING

    run(test)


def test_a_command_is_executed_and_a_listener_is_forgotten_once_it_says_so(run: Callable[..., None]) -> None:
    async def test(world: World) -> None:
        assert isinstance(await world.guest.execute("query-status", deadline=DEADLINE), dict)
        for listen in (world.guest.console, world.guest.path):
            forget = listen(lambda _: None)
            forget()

    run(test)


def test_a_killed_guest_has_ended_and_refuses(run: Callable[..., None]) -> None:
    async def test(world: World) -> None:
        await world.guest.refresh()
        await world.guest.kill()
        await world.react()
        assert await world.guest.wait_ended(DEADLINE) == Exit(137)
        assert world.guest.snapshot.phase is Phase.STOPPED
        assert world.guest.snapshot.run == ""
        if world.engine is not None:
            ended = world.engine.guest("fw")
            assert ended.snapshot.ended == Exit(137)
            with pytest.raises(NotFound):
                await ended.execute("query-status")
            with pytest.raises(NotFound):
                await ended.set_target(TARGET)

    run(test)


def test_a_guest_is_stopped_and_how_it_ended_is_returned(run: Callable[..., None]) -> None:
    async def test(world: World) -> None:
        await world.guest.refresh()
        with pytest.raises(NotReached):
            await world.guest.stop(0)
        assert world.guest.snapshot.phase.alive
        stopping = asyncio.ensure_future(world.guest.stop(0, kill=True))
        await asyncio.sleep(0)
        await world.react()
        ended = await stopping
        assert ended == world.guest.snapshot.ended == Exit(137)
        assert world.guest.snapshot.phase is Phase.STOPPED

    run(test)


def test_an_engine_lists_its_guests_and_reports_their_changes(run: Callable[..., None], kind: str) -> None:
    async def test(world: World) -> None:
        if world.engine is None:
            pytest.skip("a session without an engine")
        assert [guest.name for guest in world.engine.guests()] == ["fw"]
        with pytest.raises(NotFound):
            world.engine.guest("nobody")
        (snapshot,) = await world.engine.refresh(["fw"])
        assert snapshot.answering
        seen: list[GuestSnapshot] = []
        forget = world.engine.watch(seen.append)
        await world.guest.pause()
        await world.react()
        await world.guest.refresh()
        assert seen[-1].status == "paused"
        forget()
        before = len(seen)
        await world.guest.resume()
        await world.react()
        await world.guest.refresh()
        assert len(seen) == before

    run(test)


def test_the_fakes_are_the_whole_interface() -> None:
    """A protocol that grows is implemented by the fakes, too: mypy checks these lines."""
    engine: Engine = FakeEngine()
    guest: Guest = FakeGuest(running())
    assert engine.guests() == []
    assert guest.snapshot.name == "demo"
