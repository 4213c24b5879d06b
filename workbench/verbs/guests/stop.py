"""``workbench stop NAME``: press the power button and wait; kill only with ``--kill``."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import guest_monitor, json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from workbench.engine.state.directory import Ended, Running
    from workbench.errors import MonitorError
    from workbench.settings import Settings

AGAIN = 3.0
"""Seconds between two presses of the power button."""


@click.command("stop")
@click.argument("name")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the guest to power down.",
)
@click.option("--kill", is_flag=True, help="Kill QEMU after that time. Data that the guest has not written is lost.")
@json_option
@pass_settings
def command(settings: Settings, name: str, timeout: float, kill: bool, as_json: bool) -> None:
    """Power guest NAME down and wait until it has ended."""
    from workbench.domain.guest.lifecycle import exit_words

    ended = run(stop_guest(settings, name, timeout, kill))
    words = exit_words(ended.code)
    if as_json:
        print_json({"name": name, "state": "stopped", "ended": words, "exit_status": ended.code})
    else:
        click.echo(f"{name}: {words}")


async def stop_guest(settings: Settings, name: str, timeout: float, force: bool) -> Ended:
    """
    :raise NotFound: when it is not running.
    :raise NotReached: when it is still running after ``timeout`` seconds and ``force`` is not given.
    """
    from workbench.engine.start.launch import find_end, kill
    from workbench.engine.state.directory import StateDirectory
    from workbench.errors import NotReached

    state = StateDirectory(settings.state)
    running = state.running(name)
    over, trouble = False, None
    if timeout > 0 or not force:
        over, trouble = await _power_down(settings, running, timeout, patience=0.0 if force else 1.0)
    if not over and not force:
        waited = f"{name} is still running after {timeout:g} s"
        raise NotReached(
            f"{waited}; its monitor: {trouble.message}" if trouble else waited,
            hint=f"the power button was pressed every {AGAIN:g} s; a booting guest may miss it, and firmware ignores it\n"
            f"wait longer with --timeout, or kill it (unwritten data is lost): workbench stop {name} --timeout 0 --kill",
        )
    if not over:
        kill(running.pid)
        await _wait_end(running, 10.0)
    return await find_end(state, running)


async def _power_down(
    settings: Settings, running: Running, timeout: float, patience: float
) -> tuple[bool, MonitorError | None]:
    """Press the power button repeatedly until the guest has ended or the time is over.

    A booting guest loses a press that comes before its kernel listens (Linux: drivers/acpi/acpica/evxface.c,
    ``acpi_install_fixed_event_handler`` clears the event). Each press holds the monitor only briefly, because other
    verbs use it too.

    :param patience: seconds to wait for the end when the first press failed.
    :return: whether the guest has ended, and why the button could not be pressed.
    """
    deadline = time.monotonic() + timeout
    trouble = await _press(settings, running.name)
    if trouble is not None:
        return await _wait_end(running, min(timeout, patience)), trouble
    while not await _wait_end(running, min(AGAIN, deadline - time.monotonic())):
        if time.monotonic() >= deadline:
            return False, None
        await _press(settings, running.name)  # may fail while it ends or another verb holds the monitor
    return True, None


async def _press(settings: Settings, name: str) -> MonitorError | None:
    """Press the power button once; return what prevented it, if anything."""
    from workbench.errors import MonitorError, NotFound

    try:
        async with guest_monitor(settings, name) as monitor:
            await monitor.execute("system_powerdown")
    except MonitorError as error:
        return error
    except NotFound:
        pass  # it has just ended
    return None


async def _wait_end(running: Running, timeout: float) -> bool:
    """Whether QEMU ends within ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while running.alive:
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(0.02)
    return True
