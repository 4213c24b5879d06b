"""``workbench balloon NAME [TARGET] [--wait [SECONDS]]``: show the balloon, or set its target."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import click

from workbench.verbs.balloon_words import as_lines, as_object
from workbench.verbs.common import guest_monitor, json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from workbench.domain.balloon import Balloon, Reading
    from workbench.engine.balloon import BalloonProbe
    from workbench.engine.state import Running
    from workbench.settings import Settings

WAIT = 30.0
"""Seconds that ``--wait`` without a number waits."""
LOOK = 0.5
"""Seconds in which a diff is read again and again, to tell whether it moves."""
STEP = 0.1
"""Seconds between two such readings."""


@click.command("balloon", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("target", required=False)
@click.option(
    "--wait",
    is_flag=False,
    flag_value=WAIT,
    type=click.FloatRange(min=0),
    metavar="[SECONDS]",
    help=f"Wait until the diff is 0; {WAIT:g} s if no number is given. Exit 4 when it is not reached.",
)
@click.option(
    "--path", is_flag=True, help="Show the way of TARGET through QEMU and the guest as it happens; waits like --wait."
)
@json_option
@pass_settings
def command(settings: Settings, name: str, target: str | None, wait: float | None, path: bool, as_json: bool) -> None:
    """Show the balloon of guest NAME, or ask the guest to have TARGET: 256M, 50%, +64M, max."""
    if path:
        from workbench.errors import UsageError
        from workbench.verbs import balloon_path

        if target is None:
            raise UsageError("a path is that of a change", hint=f"give a target: workbench balloon {name} 256M --path")
        balloon_path.show(settings, name, target, WAIT if wait is None else wait, as_json=as_json)
        return
    balloon, late = run(_balloon(settings, name, target, wait))
    if as_json:
        print_json(as_object(name, balloon))
    else:
        for line in as_lines(name, balloon):
            click.echo(line)
    if late:
        from workbench.errors import NotReached

        verdict = balloon.verdict
        raise NotReached(
            f"{name} did not reach its target within {wait:g} s: {verdict.cause or verdict.state.value}",
            hint=verdict.advice or f"to see whether it moves on: workbench balloon {name}",
        )


async def _balloon(settings: Settings, name: str, target: str | None, wait: float | None) -> tuple[Balloon, bool]:
    """The balloon after all that was asked, and whether the wait was in vain."""
    from workbench.domain.balloon import State
    from workbench.domain.traffic import Origin
    from workbench.engine.balloon import BalloonProbe
    from workbench.engine.state import StateDirectory

    async with guest_monitor(settings, name) as monitor:
        running = StateDirectory(settings.state).running(name)
        probe = BalloonProbe(monitor, running, origin=Origin.USER)
        await probe.open()
        reading = await probe.read()
        if target is not None:
            await set_target(probe, required(reading), target)
        if wait is not None:
            await _wait(probe, wait)
        balloon = await _look(running, probe)
        return balloon, wait is not None and balloon.verdict.state is not State.SETTLED


def required(reading: Reading | None) -> Reading:
    """A reading; without a balloon device there is nothing to set, and nothing to wait for."""
    from workbench.errors import WorkbenchError

    if reading is None:
        raise WorkbenchError("the guest has no balloon device", hint="give its profile a [balloon] section")
    return reading


async def set_target(probe: BalloonProbe, reading: Reading, text: str) -> None:
    """Set the target that a text means: ``256M``, ``+64M``.

    :raise UsageError: when it means none.
    """
    from workbench.domain.target import parse_target
    from workbench.domain.units import SizeError
    from workbench.errors import UsageError

    try:
        size = parse_target(text, ram=reading.ram, target=reading.target)
    except SizeError as error:
        raise UsageError(str(error), hint="write 256M, 50%, +64M or max") from error
    await probe.set_target(size)


async def _wait(probe: BalloonProbe, seconds: float) -> None:
    """Until the balloon is settled, or the time is over.

    A diff of 0 alone is no sign of that: a guest that still starts has it too, before its driver is there.
    """
    from workbench.domain.balloon import State
    from workbench.domain.diagnosis import Circumstances, judge

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        reading = required(await probe.read())
        seen = Circumstances(now=time.time(), device=probe.present, driver_status=probe.driver_status)
        if judge(reading, seen).state is State.SETTLED:
            return
        await asyncio.sleep(0.05)


async def _look(running: Running, probe: BalloonProbe) -> Balloon:
    """Two readings, if need be: one alone cannot tell a diff that moves from one that stays. What only time can tell, the
    guest's directory has from the looks before this one."""
    from workbench.engine.readings import Readings

    readings = Readings(running, lasting=False)
    await readings.look(probe, at_rest=True)
    balloon = readings.balloon(probe)
    end = time.monotonic() + LOOK
    while balloon.reading is not None and balloon.reading.diff and time.monotonic() < end:
        await asyncio.sleep(STEP)
        await readings.look(probe, at_rest=False)
        balloon = readings.balloon(probe)
    readings.close()
    return balloon
