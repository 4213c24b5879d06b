"""An engine that reads when it is asked, as commands and scripts use it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.engine.local.opened import until
from workbench.engine.local.engine import LocalEngine
from workbench.errors import StartError

if TYPE_CHECKING:
    from tests.commandline import CommandLine


async def test_a_guest_that_ended_unseen_can_be_started_again(workbench: CommandLine) -> None:
    workbench.profile("fw", 'memory.size = "64M"\naccelerator = "tcg"\n')
    engine = LocalEngine(workbench.settings, driven=False)
    await engine.start("fw")
    first = engine.guest("fw").snapshot
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    await until(lambda: workbench.settings.state.joinpath("fw", "exit").exists(), "QEMU to be gone")
    await engine.start("fw")
    second = engine.guest("fw").snapshot
    assert second.phase.alive
    assert second.run != first.run


async def test_a_guest_that_runs_is_not_started_again(workbench: CommandLine) -> None:
    workbench.profile("fw", 'memory.size = "64M"\naccelerator = "tcg"\n')
    pid = workbench.start("fw")
    engine = LocalEngine(workbench.settings, driven=False)
    with pytest.raises(StartError, match=f"pid {pid}") as error:
        await engine.start("fw")
    assert error.value.hint == "to stop it: workbench stop fw"
    assert engine.guest("fw").snapshot.phase.alive
