"""A shared monitor is borrowed in turns: with a real QEMU, whose sockets serve one client and let one wait."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.commandline import DEADLINE
from workbench.engine.local.engine import LocalEngine
from workbench.errors import MonitorError, MonitorTimeout

if TYPE_CHECKING:
    from tests.commandline import CommandLine

FIRMWARE = 'memory.size = "64M"\naccelerator = "tcg"\n[balloon]\n'


@pytest.fixture
def firmware(workbench: CommandLine) -> CommandLine:
    workbench.profile("fw", FIRMWARE)
    workbench.start("fw")
    return workbench


async def test_many_clients_wait_their_turn(firmware: CommandLine) -> None:
    engines = [LocalEngine(firmware.settings, driven=False) for _ in range(20)]
    seen = await asyncio.gather(*(engine.guest("fw").refresh(patience=DEADLINE) for engine in engines))
    assert all(snapshot.answering and snapshot.balloon is not None for snapshot in seen)
    await asyncio.gather(*(engine.close() for engine in engines))


async def test_a_monitor_that_is_held_is_freed_for_the_next_client(firmware: CommandLine) -> None:
    one, other = (LocalEngine(firmware.settings, driven=False) for _ in range(2))
    async with one.guest("fw").hold():
        await one.guest("fw").refresh()
        with pytest.raises(MonitorError):
            await other.guest("fw").refresh(patience=0.2)
        waiting = asyncio.create_task(other.guest("fw").refresh(patience=DEADLINE))
    assert (await waiting).answering
    await asyncio.gather(one.close(), other.close())


async def test_a_stopped_qemu_is_named_at_once_and_gets_nothing(firmware: CommandLine) -> None:
    engine = LocalEngine(firmware.settings, driven=False)
    guest = engine.guest("fw")
    pid = guest.snapshot.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        with pytest.raises(MonitorTimeout, match="SIGSTOP"):
            await guest.pause()
        assert time.monotonic() - begun < DEADLINE, "without waiting for an answer"
        assert not guest.snapshot.answering or guest.snapshot.status == ""
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (await guest.refresh(patience=DEADLINE)).status == "running"
    await engine.close()


def test_a_loop_that_ends_while_clients_wait_does_not_hang(firmware: CommandLine) -> None:
    """It cancels every task at once, also those that watch a connection which another one closes."""

    async def one_fails() -> None:
        engines = [LocalEngine(firmware.settings, driven=False) for _ in range(3)]
        waits = [asyncio.ensure_future(engine.guest("fw").wait_until(lambda _: False, 3600.0)) for engine in engines]
        while not any(len(engine.guest("fw").record) for engine in engines):
            assert not any(wait.done() for wait in waits), waits
            await asyncio.sleep(0.01)

    asyncio.run(one_fails())
