"""``workbench.open()`` on real guests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, assert_type

import pytest

import workbench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.commandline import CommandLine

FIRMWARE = 'memory.size = "64M"\naccelerator = "tcg"\n'


def opened(line: CommandLine) -> AbstractAsyncContextManager[workbench.Engine]:
    return workbench.open(state=line.state, profiles=str(line.profiles))


@pytest.fixture
async def demo(running_demo: CommandLine) -> AsyncIterator[workbench.Guest]:
    """The demo guest, up, with all its RAM before and after."""
    async with opened(running_demo) as engine:
        guest = engine.guest("demo")
        yield guest
        await guest.set_target(512 * workbench.MIB)
        await guest.wait_until(workbench.settled, 30)


def reading(snapshot: workbench.GuestSnapshot) -> tuple[int, int]:
    assert snapshot.balloon is not None
    assert snapshot.balloon.reading is not None
    return snapshot.balloon.reading.target, snapshot.balloon.reading.actual


async def names(context: AbstractAsyncContextManager[workbench.Engine]) -> list[str]:
    async with context as engine:
        return [guest.name for guest in engine.guests() if not guest.profile_path.startswith(SAMPLES)]


SAMPLES = str(workbench.__path__[0])


async def test_places_are_named_as_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "profiles").mkdir(parents=True)
        (tmp_path / name / "profiles" / f"{name}.toml").write_text(FIRMWARE)
    monkeypatch.setenv("WORKBENCH_PROFILES", str(tmp_path / "one" / "profiles"))
    monkeypatch.setenv("WORKBENCH_STATE", str(tmp_path / "one" / "state"))
    assert await names(workbench.open()) == ["one"]
    assert await names(workbench.open(profiles=tmp_path / "two" / "profiles")) == ["two"]
    async with workbench.open(state=str(tmp_path / "two" / "state")) as engine:
        await engine.start("one")
        assert (tmp_path / "two" / "state" / "one" / "pid").exists()
        await engine.guest("one").stop(0, kill=True)


async def test_a_target_is_reached_and_the_guest_runs_on(demo: workbench.Guest, running_demo: CommandLine) -> None:
    size = 256 * workbench.MIB
    await demo.set_target(size)
    snapshot = await demo.wait_until(workbench.settled, 30)
    assert_type(snapshot, workbench.GuestSnapshot)
    assert reading(snapshot) == (size, size)
    async with opened(running_demo) as engine:
        again = engine.guest("demo").snapshot
        assert again.balloon is None, "nothing was read yet"
        assert reading(await engine.guest("demo").refresh()) == (size, size)


async def test_a_ramp_goes_in_steps(demo: workbench.Guest) -> None:
    ramp = workbench.Ramp(step=32 * workbench.MIB, seconds=0.1)
    targets: list[int] = []

    def over(snapshot: workbench.GuestSnapshot) -> bool:
        targets.append(reading(snapshot)[0] // workbench.MIB)
        return snapshot.protection.ramping is None and workbench.settled(snapshot)

    async with demo.hold():
        await demo.set_target(416 * workbench.MIB, safety=workbench.Safety(ramp=ramp))
        await demo.wait_until(over, 60)
    assert sorted(set(targets), reverse=True) == [480, 448, 416]


async def test_a_condition_that_is_not_met_is_an_error(demo: workbench.Guest) -> None:
    with pytest.raises(workbench.NotReached, match=r"demo: .* 0\.1 s"):
        await demo.wait_until(lambda _snapshot: False, 0.1)


async def test_errors_are_the_exported_ones(demo: workbench.Guest, running_demo: CommandLine) -> None:
    with pytest.raises(workbench.CommandFailed) as error:
        await demo.execute("device_del", {"id": "nowhere"})
    assert error.value.error_class == "DeviceNotFound"
    async with opened(running_demo) as engine:
        with pytest.raises(workbench.NotFound):
            engine.guest("nowhere")


async def test_events_come_as_they_happen(demo: workbench.Guest) -> None:
    async with demo.events() as events, asyncio.timeout(30):
        await demo.pause()
        first = await anext(events)
        await demo.resume()
        assert_type(first, workbench.Event)
        assert [first.name, (await anext(events)).name] == ["STOP", "RESUME"]


async def test_a_guest_is_started_and_killed_and_no_task_is_left(workbench: CommandLine) -> None:
    workbench.profile("fw", FIRMWARE)
    before = asyncio.all_tasks()
    async with opened(workbench) as engine:
        await engine.start("fw")
        guest = engine.guest("fw")
        assert guest.snapshot.phase.alive
        async with guest.hold():
            assert await guest.execute("query-name") == {"name": "fw"}
        assert (await guest.stop(0, kill=True)).words == "killed by signal 9"
        assert await guest.wait_ended(0) == guest.snapshot.ended
    assert asyncio.all_tasks() == before
