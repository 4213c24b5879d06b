"""Stopping a guest: the power button until it has ended, or a kill."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from workbench.domain.guest.lifecycle import Exit, Phase
from workbench.domain.qmp.record.record import Kind
from workbench.engine.local.engine import LocalEngine
from workbench.errors import NotFound, NotReached

if TYPE_CHECKING:
    from tests.commandline import CommandLine
    from workbench.engine.base import Guest

KILLED = Exit(128 + signal.SIGKILL)


@pytest.fixture
def guest(workbench: CommandLine) -> Guest:
    """A guest with firmware only, which ignores its power button."""
    workbench.profile("fw", 'memory.size = "64M"\naccelerator = "tcg"\n')
    workbench.start("fw")
    return LocalEngine(workbench.settings, driven=False).guest("fw")


def presses(guest: Guest) -> int:
    return sum(one.kind is Kind.COMMAND and one.name == "system_powerdown" for one in guest.record)


async def test_a_guest_that_ignores_its_power_button_keeps_running(guest: Guest) -> None:
    with pytest.raises(NotReached) as error:
        await guest.stop(0.2)
    assert "still running" in error.value.message
    assert (presses(guest), (await guest.refresh()).phase.alive) == (1, True)


async def test_the_button_is_pressed_again(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.engine.session.stop.AGAIN", 0.05)
    with pytest.raises(NotReached):
        await guest.stop(1.0)
    assert presses(guest) > 1


async def test_a_kill_comes_after_the_button(guest: Guest) -> None:
    assert await guest.stop(0.2, kill=True) == KILLED
    assert presses(guest) == 1
    assert (guest.snapshot.phase, guest.snapshot.ended) == (Phase.STOPPED, KILLED)


async def test_a_kill_at_once_presses_nothing(guest: Guest) -> None:
    assert await guest.stop(0, kill=True) == KILLED
    assert presses(guest) == 0


async def test_a_frozen_guest_is_reported_soon_and_killed_at_once(guest: Guest) -> None:
    pid = guest.snapshot.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(NotReached) as error:
        await guest.stop(3600)
    assert "SIGSTOP" in error.value.message
    assert error.value.hint == f"to resume it: kill -CONT {pid}"
    assert await guest.stop(3600, kill=True) == KILLED


async def test_a_guest_that_is_not_running_is_not_found(workbench: CommandLine, guest: Guest) -> None:
    await guest.stop(0, kill=True)
    with pytest.raises(NotFound):
        await LocalEngine(workbench.settings, driven=False).guest("fw").stop(0, kill=True)
