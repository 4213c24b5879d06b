"""Trace events are enabled while there are watchers and disabled afterwards, in any order of leaving."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.commandline import DEADLINE
from tests.engine.balloon.path.traced import enabled, started
from tests.real import each_qemu
from workbench.domain.balloon.path.trace_log import COMMAND, EVENTS, READ, TARGET, Sieve, parse_line
from workbench.engine.balloon.path.trace import (
    LOG,
    LOG_GONE,
    LONGEST_LINE,
    LOOKERS,
    NO_LOG,
    SWITCHED_OFF,
    TraceEvents,
    TraceLog,
)
from workbench.engine.devices.virtio_pci import balloon_bar, read_config
from workbench.errors import MonitorError

if TYPE_CHECKING:
    from pathlib import Path


@each_qemu()
async def test_events_and_lines_of_this_version(qemu: str, tmp_path: Path) -> None:
    async with started(tmp_path, binary=qemu) as (monitor, place):
        before = await enabled(monitor)
        events = TraceEvents(monitor, place)
        assert await events.begin() == ""
        assert set(EVENTS) <= await enabled(monitor)
        assert not any("handle_output" in name for name in await enabled(monitor))
        log, sieve = TraceLog(tmp_path / LOG), Sieve(place.pid)
        await monitor.execute("balloon", {"value": 100 << 20})
        lines = [line for text in log.lines() if (line := sieve.take(text))]
        assert [line.event for line in lines] == [COMMAND, TARGET]
        assert lines[1].values == (100 << 20, 28 << 8)
        assert lines[0].at is not None

        async with asyncio.timeout(DEADLINE):  # until the firmware has mapped the device's registers
            while (bar := balloon_bar(await monitor.execute("query-pci"))) is None:
                await asyncio.sleep(0.01)
        assert await read_config(monitor.execute, bar, 2) == (28 << 8, 0)
        texts = list(log.lines())
        found = [parse_line(text) for text in texts]
        assert READ in {line.event for line in found if line}, "a look is in the log"
        assert not [text for text in texts if sieve.take(text)], "and is not taken for the guest's own"

        await events.end()
        assert await enabled(monitor) == before


async def test_the_last_one_to_leave_switches_off(tmp_path: Path) -> None:
    async with started(tmp_path) as (monitor, place):
        before = await enabled(monitor)
        first, second = TraceEvents(monitor, place), TraceEvents(monitor, place)
        await first.begin()
        await second.begin()
        await first.end()
        assert set(EVENTS) <= await enabled(monitor), "the second still looks"
        await TraceEvents(monitor, place).sweep()
        assert set(EVENTS) <= await enabled(monitor), "nothing to sweep while somebody looks"
        await second.end()
        assert await enabled(monitor) == before
        assert (tmp_path / LOOKERS).read_text() == ""


async def test_two_that_leave_at_once_leave_nothing_on(tmp_path: Path) -> None:
    async with started(tmp_path) as (monitor, place):
        before = await enabled(monitor)
        for _ in range(10):
            looks = [TraceEvents(monitor, place) for _ in range(3)]
            await asyncio.gather(*(look.begin() for look in looks))
            await asyncio.gather(*(look.end() for look in looks))
            assert await enabled(monitor) == before


async def test_what_the_user_switched_on_stays_on(tmp_path: Path) -> None:
    async with started(tmp_path) as (monitor, place):
        await monitor.execute("trace-event-set-state", {"name": READ, "enable": True})
        events = TraceEvents(monitor, place)
        await events.begin()
        await events.end()
        assert READ in await enabled(monitor)
        assert TARGET not in await enabled(monitor)


async def test_what_a_killed_workbench_left_on_is_swept(tmp_path: Path) -> None:
    async with started(tmp_path) as (monitor, place):
        before = await enabled(monitor)
        for name in EVENTS:
            await monitor.execute("trace-event-set-state", {"name": name, "enable": True})
        (tmp_path / LOOKERS).write_text("\n".join([*EVENTS, "rm_everything"]))
        await TraceEvents(monitor, place).sweep()
        assert await enabled(monitor) == before


async def test_without_a_trace_log_nothing_is_switched_on(tmp_path: Path) -> None:
    async with started(tmp_path, "-msg", "timestamp=on") as (monitor, place):
        before = await enabled(monitor)
        events = TraceEvents(monitor, place)
        assert await events.begin() == NO_LOG
        assert await enabled(monitor) == before
        await events.end()


async def test_a_log_that_was_removed_is_missed(tmp_path: Path) -> None:
    """QEMU writes on into a file that has no name any more, and nobody can read it."""
    async with started(tmp_path) as (monitor, place):
        events = TraceEvents(monitor, place)
        assert await events.begin() == ""
        await monitor.execute("balloon", {"value": 100 << 20})
        assert await events.trouble() == ""
        (tmp_path / LOG).unlink()
        assert await events.trouble() == LOG_GONE
        (tmp_path / LOG).touch()
        assert await events.trouble() == LOG_GONE, "another file of that name is not the one that QEMU writes"
        assert await TraceEvents(monitor, place).begin() == LOG_GONE
        await events.end()


async def test_events_that_another_client_switches_off_are_missed(tmp_path: Path) -> None:
    async with started(tmp_path) as (monitor, place):
        events = TraceEvents(monitor, place)
        assert await events.begin() == ""
        await monitor.execute("trace-event-set-state", {"name": READ, "enable": False})
        assert await events.trouble() == SWITCHED_OFF
        await events.end()
        assert not set(EVENTS) & await enabled(monitor)


async def test_a_qemu_that_ended_leaves_no_lock_behind(tmp_path: Path) -> None:
    async with started(tmp_path) as (monitor, place):
        events = TraceEvents(monitor, place)
        await events.begin()
        await monitor.close()
        with pytest.raises(MonitorError):
            await events.end()
        assert (tmp_path / LOOKERS).read_text().split() == sorted(EVENTS), "for the next workbench"


def test_a_log_is_read_from_its_end(tmp_path: Path) -> None:
    path = tmp_path / LOG
    path.write_text("old\n" * 1000)
    log = TraceLog(path)
    assert list(log.lines()) == []
    with path.open("a") as file:
        file.write("one\ntw")
        file.flush()
        assert list(log.lines()) == ["one"]
        file.write("o\nthree\n")
    assert list(log.lines()) == ["two", "three"]
    path.write_text("new\n")
    assert list(log.lines()) == ["new"], "somebody emptied it"
    path.unlink()
    assert list(log.lines()) == []


def test_a_log_without_an_end_of_line_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / LOG
    path.write_bytes(b"")
    log = TraceLog(path)
    with path.open("ab") as file:
        file.truncate(1 << 26)
    assert list(log.lines()) == []
    with path.open("ab") as file:
        file.write(b"\n")
    assert [len(line) for line in log.lines()] == [LONGEST_LINE], "its end alone was kept"
