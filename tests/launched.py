"""A QEMU of a profile's command line, its CPUs not yet running, and what it tells of itself."""

from __future__ import annotations

import asyncio
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from workbench.domain.command_line.argv import Launch, qemu_argv
from workbench.engine.host.qemu import qemu_version
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.start.plan import OLDEST
from workbench.errors import MonitorUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from workbench.domain.profile.guest import GuestProfile


@asynccontextmanager
async def launched(guest: GuestProfile, planned: Launch) -> AsyncIterator[Monitor]:
    """With a monitor on the socket of the verbs. A QEMU that the workbench would not start skips the test."""
    if planned.version < OLDEST:
        pytest.skip(f"the workbench starts no QEMU before {OLDEST[0]}.{OLDEST[1]}")
    state = Path(planned.directory)
    with (state / "qemu.log").open("wb") as log:
        process = subprocess.Popen([*qemu_argv(guest, planned), "-S"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        socket = state / "qmp-cli.sock"
        async with asyncio.timeout(60):
            while not (socket.exists() and (state / "qmp-user.sock").exists()):
                assert process.poll() is None, (state / "qemu.log").read_text()
                await asyncio.sleep(0.005)
        try:
            monitor = await Monitor.connect(socket, deadline=60)
        except MonitorUnavailable as error:
            raise AssertionError((state / "qemu.log").read_text()) from error
        try:
            yield monitor
        finally:
            await monitor.close()
    finally:
        process.kill()
        process.wait()


def launch(qemu: str, state: Path, kernel: str | None = None, initrd: str | None = None) -> Launch:
    """Relative paths begin at the state directory."""
    return Launch(qemu, str(state), "tcg", qemu_version(qemu)[:2], base=str(state), kernel=kernel, initrd=initrd)


async def get(monitor: Monitor, path: str, name: str) -> object:
    return await monitor.execute("qom-get", {"path": path, "property": name})


async def ask(monitor: Monitor, command: str) -> Any:
    return await monitor.execute(command)
