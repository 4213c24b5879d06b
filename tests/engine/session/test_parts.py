"""What the session may count on: the parts of a guest on this host, with a real QEMU, and of the fake."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.commandline import DEADLINE, wait_until
from tests.engine.session.fake_parts import FakeParts
from workbench.domain.guest.lifecycle import Silence
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.qmp.record.record import Record
from workbench.engine.local.parts import SHARED, LocalParts
from workbench.engine.session.protocols import Capability
from workbench.engine.state.directory import StateDirectory
from workbench.errors import CommandFailed, MonitorClosed, MonitorError, MonitorUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.commandline import CommandLine
    from workbench.engine.session.protocols import Monitor, Parts

FIRMWARE = 'memory.size = "64M"\naccelerator = "tcg"\n[balloon]\n'


@pytest.fixture(params=["local", "fake"])
def parts(request: pytest.FixtureRequest, workbench: CommandLine, tmp_path: Path) -> Parts:
    if request.param == "fake":
        return FakeParts(tmp_path)
    workbench.profile("fw", FIRMWARE)
    workbench.start("fw")
    state = StateDirectory(workbench.state)
    return LocalParts(state.running("fw"), state, socket=SHARED)


async def connected(parts: Parts) -> Monitor:
    return await parts.monitors.connect(Record(), deadline=DEADLINE)


async def status(monitor: Monitor) -> object:
    reply = await monitor.execute("query-status")
    assert isinstance(reply, dict)
    return reply["status"]


async def test_a_monitor_executes_refuses_and_ends(parts: Parts) -> None:
    monitor = await connected(parts)
    closed: list[bool] = []
    monitor.on_closed(lambda: closed.append(True))
    assert monitor.version[0].isdigit()
    assert await status(monitor) == "running"
    with pytest.raises(CommandFailed) as caught:
        await monitor.execute("no-such-command")
    assert caught.value.error_class == "CommandNotFound"
    assert monitor.record, "the messages are recorded"
    await monitor.close()
    assert (monitor.closed, closed) == (True, [True])
    await monitor.wait_closed()
    with pytest.raises(MonitorClosed):
        await monitor.execute("query-status")


async def test_a_monitor_for_events_hears_what_another_one_does(parts: Parts) -> None:
    monitor, listener = await connected(parts), await parts.monitors.connect_for_events()
    came: asyncio.Queue[str] = asyncio.Queue()

    def hear(name: str, _data: Mapping[str, object], when: float) -> None:
        assert when > 0
        came.put_nowait(name)

    listener.on_event(hear)
    await parts.power.pause(monitor)
    assert await asyncio.wait_for(came.get(), DEADLINE) == "STOP"
    await listener.close()
    await monitor.close()


async def test_power_changes_the_run_state_and_resets(parts: Parts) -> None:
    monitor = await connected(parts)
    reset = asyncio.Event()
    monitor.on_event(lambda name, _data, _when: reset.set() if name == "RESET" else None)
    await parts.power.pause(monitor)
    assert await status(monitor) == "paused"
    await parts.power.resume(monitor)
    assert await status(monitor) == "running"
    await parts.power.reset(monitor)
    await asyncio.wait_for(reset.wait(), DEADLINE)
    await parts.power.power_down(monitor)
    await monitor.close()


async def test_a_process_has_one_run_until_it_is_killed(parts: Parts) -> None:
    process, run = parts.process, parts.process.run
    assert run
    assert (process.alive, process.stopped, process.run) == (True, False, run)
    silence, words = process.silence()
    assert isinstance(silence, Silence)
    assert words
    monitor = await connected(parts)
    assert parts.power.can_kill
    parts.power.kill()
    await asyncio.wait_for(monitor.wait_closed(), DEADLINE)
    await asyncio.to_thread(wait_until, lambda: not process.alive, "the end")
    assert (await process.end()).code == 137
    with pytest.raises(MonitorUnavailable):
        await connected(parts)
    assert process.run == run


async def test_what_cannot_be_done_has_a_reason(parts: Parts) -> None:
    for can in (parts.console.can_type, parts.power.can_kill, parts.store.can_write, parts.source.can_keep):
        assert isinstance(can, Capability)
        assert bool(can) != bool(can.why_not)
    if not parts.console.can_type:
        with pytest.raises(MonitorError):
            await parts.console.type("x")
    forget = parts.console.listen(lambda _text: None)
    forget()
    forget()
    await parts.console.close()


async def test_store_and_source_describe_the_guest(parts: Parts) -> None:
    place = parts.store.place
    assert place.directory.is_dir()
    assert place.memory > 0
    described = parts.source.describe(GuestSnapshot("fw", pid=7, run=parts.process.run))
    assert (described.name, described.pid, described.run) == ("fw", 7, parts.process.run)
    assert isinstance(parts.source.device_lines(), dict)
    held = parts.host_look().look(place.memory, place.memory)
    assert held is None or held.resident >= 0
