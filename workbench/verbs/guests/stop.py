"""``workbench stop NAME``: press the power button and wait; kill only with ``--kill``."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, open_engine, pass_settings, print_json, run

if TYPE_CHECKING:
    from workbench.domain.guest.lifecycle import Exit
    from workbench.engine.base import Guest
    from workbench.errors import MonitorError
    from workbench.settings import Settings

AGAIN = 3.0
"""Seconds between two presses of the power button."""
KILLED = 10.0
"""Seconds that the kernel may need to end a killed QEMU."""


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
    ended = run(stop_guest(settings, name, timeout, kill))
    if as_json:
        print_json({"name": name, "state": "stopped", "ended": ended.words, "exit_status": ended.code})
    else:
        click.echo(f"{name}: {ended.words}")


async def stop_guest(settings: Settings, name: str, timeout: float, force: bool) -> Exit:
    """
    :raise NotFound: when it is not running.
    :raise NotReached: when it is still running after ``timeout`` seconds and ``force`` is not given.
    """
    from workbench.domain.guest.lifecycle import Exit
    from workbench.errors import NotFound, NotReached

    async with open_engine(settings) as engine:
        guest = engine.guest(name)
        if not guest.snapshot.phase.alive:
            await guest.refresh()  # raises NotFound
        ended, trouble = None, None
        if timeout > 0 or not force:
            ended, trouble = await _power_down(guest, timeout, patience=0.0 if force else 1.0)
        if ended is None and not force:
            waited = f"{name} is still running after {timeout:g} s"
            raise NotReached(
                f"{waited}; its monitor: {trouble.message}" if trouble else waited,
                hint=f"the power button was pressed every {AGAIN:g} s; a booting guest may miss it, and firmware ignores it\n"
                "wait longer with --timeout, or kill it (unwritten data is lost): "
                f"workbench stop {name} --timeout 0 --kill",
            )
        if ended is None:
            with suppress(NotFound):  # it has just ended
                await guest.kill()
            ended = await guest.wait_ended(KILLED)
        return ended or Exit(None)


async def _power_down(guest: Guest, timeout: float, patience: float) -> tuple[Exit | None, MonitorError | None]:
    """Press the power button repeatedly until the guest has ended or the time is over.

    A booting guest loses a press that comes before its kernel listens (Linux: drivers/acpi/acpica/evxface.c,
    ``acpi_install_fixed_event_handler`` clears the event). Each press holds the monitor only briefly, because other
    verbs use it too.

    :param patience: seconds to wait for the end when the first press failed.
    :return: how the guest ended, if it did, and why the button could not be pressed.
    """
    deadline = time.monotonic() + timeout
    trouble = await _press(guest)
    if trouble is not None:
        return await guest.wait_ended(min(timeout, patience)), trouble
    while (ended := await guest.wait_ended(min(AGAIN, deadline - time.monotonic()))) is None:
        if time.monotonic() >= deadline:
            return None, None
        await _press(guest)  # may fail while it ends or another verb holds the monitor
    return ended, None


async def _press(guest: Guest) -> MonitorError | None:
    """Press the power button once; return what prevented it, if anything."""
    from workbench.errors import MonitorError

    try:
        await guest.power_down()
    except MonitorError as error:
        return error
    return None
