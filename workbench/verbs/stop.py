"""``workbench stop NAME``: press the power button, wait, and kill only when told."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import guest_monitor, json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.engine.state import Ended
    from workbench.settings import Settings


@click.command("stop")
@click.argument("name")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long the guest may take to power down.",
)
@click.option("--kill", is_flag=True, help="Kill QEMU when the time is over: what the guest has not written is lost.")
@json_option
@pass_settings
def command(settings: Settings, name: str, timeout: float, kill: bool, as_json: bool) -> None:
    """Power the guest NAME down and wait until it has ended."""
    from workbench.domain.lifecycle import exit_words

    ended = run(stop_guest(settings, name, timeout, kill))
    words = exit_words(ended.code)
    if as_json:
        print_json({"name": name, "state": "stopped", "ended": words, "exit_status": ended.code})
    else:
        click.echo(f"{name}: {words}")


async def stop_guest(settings: Settings, name: str, timeout: float, force: bool) -> Ended:
    """
    :raise NotFound: when it does not run.
    :raise NotReached: when it still runs after ``timeout`` seconds and ``force`` is not given.
    """
    from workbench.engine.launch import find_end, kill
    from workbench.engine.state import StateDirectory
    from workbench.errors import MonitorError, NotReached

    state = StateDirectory(settings.state)
    running = state.running(name)
    trouble = ""
    if timeout > 0 or not force:
        try:
            async with guest_monitor(settings, name) as monitor:
                await monitor.execute("system_powerdown")
        except MonitorError as error:
            trouble = f"; its monitor: {error.message}"
            timeout = 0 if force else min(timeout, 1.0)
    if not await _wait_end(running.path, running.pid, timeout):
        if not force:
            raise NotReached(
                f"{name} still runs after {timeout:g} s{trouble}",
                hint=f"a guest that was still starting did not hear its power button: workbench stop {name}\n"
                f"give it longer with --timeout, or end it now, losing what it has not written: "
                f"workbench stop {name} --timeout 0 --kill",
            )
        kill(running.pid)
        await _wait_end(running.path, running.pid, 10.0)
    return await find_end(state, running)


async def _wait_end(directory: Path, pid: int, timeout: float) -> bool:
    """Whether QEMU has ended within the time, and its keeper has written how."""
    from workbench.engine.launch import wait_for_end
    from workbench.engine.liveness import live_pid

    deadline = time.monotonic() + timeout
    while live_pid(directory) == pid:
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(0.02)
    await wait_for_end(directory)
    return True
