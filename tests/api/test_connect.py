"""``workbench.connect()``: the same names, blocking, with nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, assert_type

import pytest

import workbench
from tests.commandline import CHECKOUT, DEADLINE, CommandLine
from workbench.domain.devices.tree import DeviceTree
from workbench.domain.host.snapshot import HostSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable

INTERRUPTED = Path(__file__).with_name("interrupted.py")


@pytest.fixture
def line(workbench: CommandLine) -> CommandLine:
    """A guest with firmware only runs."""
    workbench.profile("fw", 'memory.size = "64M"\naccelerator = "tcg"\n')
    workbench.start("fw")
    return workbench


def connected(line: CommandLine) -> workbench.BlockingEngine:
    return workbench.connect(state=line.state, profiles=line.profiles)


def test_a_target_is_reached(running_demo: CommandLine) -> None:
    with connected(running_demo) as engine:
        guest = engine.guest("demo")
        for size in (256 * workbench.MIB, 512 * workbench.MIB):
            guest.set_target(size)
            snapshot = guest.wait_until(workbench.settled, 30)
            assert snapshot.balloon is not None
            assert snapshot.balloon.reading is not None
            assert snapshot.balloon.reading.actual == size
        assert snapshot == guest.snapshot


def test_a_guest_from_start_to_end(line: CommandLine) -> None:
    line.profile("other", 'memory.size = "64M"\naccelerator = "tcg"\n')
    with connected(line) as engine:
        engine.start("other")
        assert [guest.name for guest in engine.guests() if guest.phase.alive] == ["fw", "other"]
        assert [guest.answering for guest in engine.refresh()] == [True, True]
        guest = engine.guest("other")
        with guest.hold():
            assert guest.execute("query-name") == {"name": "other"}
            assert guest.version()
        with guest.events() as events:
            guest.pause()
            guest.resume()
            assert [next(events).name, next(events).name] == ["STOP", "RESUME"]
            guest.kill()
            assert [event.name for event in events] == [], "the iterator ends with the guest"
        ended = guest.wait_ended(DEADLINE)
        assert ended == engine.guest("other").snapshot.ended == workbench.Exit(128 + signal.SIGKILL)
        with pytest.raises(workbench.NotFound):
            engine.guest("other").stop()
        assert engine.guest("fw").stop(0, kill=True) == ended


def test_what_has_no_method_is_run_as_a_coroutine(line: CommandLine) -> None:
    with connected(line) as engine:
        tree = engine.guest("fw").run(lambda guest: guest.devices.tree())
        host = engine.run(lambda engine: engine.host())
    assert_type(tree, DeviceTree)
    assert_type(host, HostSnapshot)
    assert "virtio-balloon" in {device.name for device in tree}
    assert host.cpus > 0


async def test_it_works_inside_a_running_loop(line: CommandLine) -> None:
    before = asyncio.all_tasks()
    with connected(line) as engine:
        assert engine.guest("fw").refresh().answering
    assert asyncio.all_tasks() == before


def test_no_thread_and_no_connection_is_left(line: CommandLine) -> None:
    before = set(threading.enumerate())
    gc.collect()  # what earlier tests left
    files = len(os.listdir("/proc/self/fd"))
    engine = connected(line)
    with engine.guest("fw").hold():
        engine.guest("fw").refresh()
        engine.guest("fw").run(lambda guest: asyncio.to_thread(guest.snapshot.phase.__str__))
        assert set(threading.enumerate()) > before
        engine.close()
    assert set(threading.enumerate()) == before
    assert len(os.listdir("/proc/self/fd")) == files


def test_a_task_that_still_runs_is_cancelled_at_the_end(line: CommandLine) -> None:
    ends: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("cancelled")

    async def begin() -> asyncio.Task[None]:
        task = asyncio.create_task(forever())
        await asyncio.sleep(0)
        return task

    with connected(line) as engine:
        task = engine.run(lambda _engine: begin())
        assert not task.done()
    assert (ends, task.cancelled()) == (["cancelled"], True)


def test_an_error_in_the_block_closes_it(line: CommandLine) -> None:
    before = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError), connected(line) as engine:
        engine.guest("fw").wait_until(lambda _snapshot: bool(1 // 0), 10)
    assert set(threading.enumerate()) == before


def test_a_call_after_the_end_is_refused(line: CommandLine) -> None:
    with connected(line) as engine:
        guest = engine.guest("fw")
    for call in (guest.refresh, engine.guests, engine.refresh):
        with pytest.raises(RuntimeError, match="closed"):
            call()
    engine.close()


def test_a_blocking_call_in_a_condition_is_refused(line: CommandLine) -> None:
    with connected(line) as engine:
        guest = engine.guest("fw")
        with pytest.raises(RuntimeError, match="event loop"):
            guest.wait_until(lambda _snapshot: guest.refresh().answering, 10)
        assert guest.refresh().answering


@pytest.mark.parametrize("kind", ["condition", "event"])
def test_ctrl_c_ends_the_wait_and_nothing_else(line: CommandLine, kind: str) -> None:
    process = subprocess.Popen(
        [sys.executable, INTERRUPTED, kind],
        env={**line.environment, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=DEADLINE)
    lines = [line for line in out.splitlines() if line != "waiting"]
    assert (err, process.returncode) == ("", 0)
    assert lines == ["interrupted", "2 tasks", "{'name': 'fw'}", "events", "1 thread"]


PAIRS = [(workbench.BlockingEngine, workbench.Engine), (workbench.BlockingGuest, workbench.Guest)]


@pytest.mark.parametrize(
    ("blocking", "asynchronous"),
    [
        pytest.param(member, getattr(protocol, name), id=f"{facade.__name__}.{name}")
        for facade, protocol in PAIRS
        for name, member in inspect.getmembers(facade, inspect.isfunction)
        if not name.startswith("_") and name != "run"
    ],
)
def test_a_method_is_called_as_the_one_it_blocks_for(
    blocking: Callable[..., object], asynchronous: Callable[..., object]
) -> None:
    own = inspect.signature(blocking).parameters
    theirs = inspect.signature(asynchronous).parameters
    assert [str(own[name]) for name in own] == [str(theirs[name]) for name in theirs if name in own]
