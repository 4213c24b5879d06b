"""Requests to a QEMU that does not reply: stopped by a signal, or busy with something else."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest import mock

import psutil
import pytest

from tests.commandline import wait_until
from tests.engine.local.opened import balloon_of, opened, reading_of, running, settled, until
from workbench.domain.balloon.diagnosis.causes import Cause, State
from workbench.domain.balloon.history.marks import MarkKind
from workbench.domain.guest.lifecycle import Phase
from workbench.domain.qmp.record.record import Kind
from workbench.engine.qmp.silence import is_stopped
from workbench.errors import MonitorTimeout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.commandline import CommandLine

MIB = 1 << 20
RAM = 512 * MIB


@contextmanager
def stopped(pid: int | None) -> Iterator[None]:
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: is_stopped(pid), "the process to stop")  # a busy host comes to it late
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_nothing_is_sent_to_a_stopped_qemu(running_demo: CommandLine) -> None:
    """It would wait in the socket, and take effect whenever QEMU is resumed."""
    async with opened(running_demo) as engine:
        guest = running(engine, "demo")
        await settled(guest, RAM)
        with stopped(guest.snapshot.pid):
            for request in (guest.set_target(400 * MIB), guest.pause(), guest.reset()):
                with pytest.raises(MonitorTimeout, match="nothing was sent") as caught:
                    await request
                assert "kill -CONT" in caught.value.hint
        await until(lambda: guest.snapshot.answering, "the answer")
        sent = [one.name for one in guest.record if one.kind is Kind.COMMAND]
        assert not {"balloon", "stop", "system_reset"} & set(sent)
        await settled(guest, RAM)


def test_the_command_line_sends_nothing_to_a_stopped_qemu(running_demo: CommandLine) -> None:
    pid = running_demo.listed("demo")["pid"]
    assert isinstance(pid, int)
    with stopped(pid):
        done = running_demo("balloon", "demo", "400M")
    done.check_error(1, "stopped (SIGSTOP); nothing was sent", f"kill -CONT {pid}")
    assert running_demo("balloon", "demo", "--json").json["target"] == RAM


async def test_a_target_that_waits_in_a_busy_qemu_is_reported(running_demo: CommandLine, tmp_path: Path) -> None:
    """Its main loop is blocked in open(2) of a pipe without a reader."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    async with opened(running_demo) as engine:
        guest = running(engine, "demo")
        await settled(guest, RAM)
        backend = {"type": "file", "data": {"out": str(fifo)}}
        adding = asyncio.create_task(guest.execute("chardev-add", {"id": "slow", "backend": backend}))
        try:
            await until(lambda: not guest.snapshot.answering, "the silence")
            assert balloon_of(guest).unanswered is None
            asking = asyncio.create_task(guest.set_target(400 * MIB))
            await until(lambda: balloon_of(guest).unanswered == 400 * MIB, "the target that waits")
            with pytest.raises(MonitorTimeout, match="no reply to balloon"):
                await asking
            wanted = (MarkKind.REQUEST, 400 * MIB)
            await until(lambda: wanted in [(m.kind, m.size) for m in balloon_of(guest).marks], "its mark")
        finally:
            os.close(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK))
            await adding
        await settled(guest, 400 * MIB)
        assert (balloon_of(guest).unanswered, balloon_of(guest).ours) == (None, True)
        await guest.execute("chardev-remove", {"id": "slow"})
        await guest.set_target(RAM)
        await settled(guest, RAM)


async def test_a_paused_guest_without_a_diff_says_so(running_demo: CommandLine) -> None:
    async with opened(running_demo) as engine:
        guest = running(engine, "demo")
        await settled(guest, RAM)
        await guest.pause()
        await until(lambda: guest.snapshot.phase is Phase.PAUSED, "the pause")
        verdict = balloon_of(guest).verdict
        assert (verdict.state, verdict.notes[0].code) == (State.SETTLED, Cause.PAUSED)
        await guest.resume()
        await until(lambda: balloon_of(guest).verdict.notes == (), "it runs on")


async def test_memory_that_no_driver_holds_after_a_reset_is_not_counted(running_demo: CommandLine) -> None:
    async with opened(running_demo) as engine:
        guest = running(engine, "demo")
        guest.watched = True
        await settled(guest, RAM)
        await guest.set_target(400 * MIB)
        await settled(guest, 400 * MIB)
        await guest.reset()
        await until(lambda: balloon_of(guest).verdict.code is Cause.STALE_AFTER_RESET, "the reset to show")
        book = balloon_of(guest).ledger
        assert book is not None
        assert reading_of(guest).held == RAM - 400 * MIB, "the device still says it"
        assert (book.held.now, book.unreturned, book.yield_, book.given, book.words) == (None, None, None, None, ())
        assert book.believed.now is None, "what the system before it believed"
        await settled(guest, 400 * MIB)
        book = balloon_of(guest).ledger
        assert book is not None
        assert (book.held.now, book.unreturned) == (RAM - 400 * MIB, 0)
        await guest.set_target(RAM)
        await settled(guest, RAM)


def test_a_process_that_is_gone_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pid may be reused by another process that is stopped."""
    process = subprocess.Popen(["sleep", "600"])
    assert not is_stopped(process.pid)
    process.kill()
    process.wait()
    assert not is_stopped(process.pid)
    another = mock.Mock(side_effect=[psutil.STATUS_STOPPED, psutil.NoSuchProcess(process.pid)])
    monkeypatch.setattr(psutil, "Process", lambda _pid: SimpleNamespace(status=another))
    assert is_stopped(process.pid), "another process has its pid"
    assert not is_stopped(process.pid)
