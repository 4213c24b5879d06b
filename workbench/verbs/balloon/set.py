"""Set a target from the command line: parse it, check the floor, carry out ramp and guard, wait."""

from __future__ import annotations

import asyncio
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import click
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.balloon.reading import Reading
    from workbench.domain.balloon.safety.guard import Alarm
    from workbench.domain.balloon.safety.protection import Safety
    from workbench.domain.balloon.safety.ramp import Ramp, Ramping
    from workbench.engine.balloon.probe import BalloonProbe
    from workbench.engine.balloon.readings import Readings
    from workbench.engine.state.directory import Running
    from workbench.errors import NotReached

STEP = 0.05
"""Seconds between two readings while it waits."""
FRESH = 1.0
"""Seconds that a guest's report may be late."""
REST = 1.0
"""Seconds between two reads of everything else."""


class Care(Struct, frozen=True):
    """How to send a target."""

    ramp: Ramp | None = None
    """Steps of a large inflation; None: one step."""
    guard: bool = False
    yes: bool = False
    """Do not ask."""
    stays: bool = False
    """Whether the command waits for the guest, as ramp and guard need."""


class Wanted(Struct, frozen=True):
    """The command-line options for it."""

    ramp: str | None = None
    """``64M/2s`` or ``off``; None: as in the profile."""
    guard: bool = False
    yes: bool = False


def _ignore(_reading: Reading) -> None:
    """Ignore a reading."""


def care_of(safety: Safety, wanted: Wanted, *, wait: bool) -> Care:
    """Combine the options with the profile.

    :raise UsageError: for an invalid ramp.
    """
    from workbench.domain.balloon.safety.ramp import parse_ramp
    from workbench.domain.units import SizeError
    from workbench.errors import UsageError

    chosen = safety.ramp
    if wanted.ramp is not None:
        try:
            chosen = None if wanted.ramp == "off" else parse_ramp(wanted.ramp)
        except SizeError as error:
            raise UsageError(str(error), hint="write --ramp 64M/2s, or --ramp off") from error
    stays = wait or wanted.ramp is not None or wanted.guard
    return Care(chosen, wanted.guard or (safety.guard and stays), wanted.yes, stays)


def size_of(text: str, reading: Reading, safety: Safety) -> int:
    """Parse a target into bytes: ``256M``, ``+64M``, or a preset of the profile.

    :raise UsageError: for an invalid one.
    """
    from workbench.domain.balloon.target import parse_target
    from workbench.domain.units import SizeError
    from workbench.errors import UsageError

    presets = dict(safety.presets)
    try:
        return parse_target(presets.get(text, text), ram=reading.ram, target=reading.target)
    except SizeError as error:
        names = f", or one of its presets: {', '.join(presets)}" if presets else ""
        raise UsageError(str(error), hint=f"write 256M, 50%, +64M or max{names}") from error


async def check_floor(
    name: str, running: Running, probe: BalloonProbe, size: int, safety: Safety, *, yes: bool
) -> None:
    """Before a target that may leave the guest with too little: ask on a terminal, else warn.

    :raise WorkbenchError: when the answer is no.
    """
    from workbench.domain.balloon.safety.forecast import Risk, forecast
    from workbench.domain.units import mib
    from workbench.errors import WorkbenchError

    plan = forecast(await read_balloon(running, probe, fresh=False), size, 0.0, floor=safety.floor)
    if plan.risky:
        # The last report may be older than the last change, when the guest had another size.
        plan = forecast(await read_balloon(running, probe, fresh=True), size, 0.0, floor=safety.floor)
    if not plan.risky:
        return
    where = f" ({plan.floor.why})" if plan.floor is not None and plan.risk is Risk.BELOW_FLOOR else ""
    left = "" if plan.available is None else f"; about {mib(plan.available)} would be left"
    what = f"{mib(size)} is {plan.risk_words}{where}{left}"
    if yes:
        return
    if sys.stdin.isatty() and sys.stderr.isatty():
        click.echo(f"workbench: {what}", err=True)
        if not click.confirm(f"Send it to {name}?", err=True):
            raise WorkbenchError("nothing was sent")
        return
    warn(what, f"to give it back: workbench balloon {name} max; --yes sends it without this warning")


def required(reading: Reading | None) -> Reading:
    """The reading, or an error for a guest without a balloon device."""
    from workbench.errors import WorkbenchError

    if reading is None:
        raise WorkbenchError("the guest has no balloon device", hint="add a [balloon] section to its profile")
    return reading


async def change(
    name: str,
    probe: BalloonProbe,
    running: Running,
    reading: Reading,
    text: str,
    safety: Safety,
    care: Care,
    wait: float | None,
    *,
    each: Callable[[Reading], None] = _ignore,
) -> NotReached | None:
    """Send a target and wait for it if ``wait`` is given.

    :param each: called with every reading.
    :return: why the target was not reached, if known: the guard, a ramp that took too long, another client.
    """
    from workbench.domain.units import format_size
    from workbench.engine.balloon.place import place_of
    from workbench.engine.balloon.readings import Readings
    from workbench.engine.balloon.safety.guard import alarm_words
    from workbench.engine.balloon.safety.ramp import FILE
    from workbench.errors import NotReached

    size = size_of(text, reading, safety)
    if size < reading.actual:
        await check_floor(name, running, probe, size, safety, yes=care.yes)
    if wait is None or not (care.ramp or care.guard):
        await send(name, probe, running, reading, size, care)
        if wait is not None:
            await wait_for(probe, Readings(place_of(running), lasting=False), wait, each)
        return None
    alarm = await follow(probe, running, reading, size, care, wait, each)
    if alarm is not None:
        least = format_size(size)
        return NotReached(alarm_words(name, alarm), hint=f"stop something in the guest, or set a target above {least}")
    now = await probe.read()
    if now is None or now.target == size:
        return None
    if (running.path / FILE).exists():
        hint = f"the ramp stopped there; to continue: workbench balloon {name} {format_size(size)} --wait"
        return NotReached(f"{name} is at {format_size(now.target)}, a step of the ramp, after {wait:g} s", hint=hint)
    return NotReached(f"another client has set the target of {name} to {format_size(now.target)}")


async def wait_for(
    probe: BalloonProbe, readings: Readings, seconds: float, each: Callable[[Reading], None] = _ignore
) -> None:
    """Wait until the balloon is settled or the time is over, recording what is read.

    A diff of 0 is not enough: a booting guest has it too, before its driver is loaded.
    """
    from workbench.domain.balloon.diagnosis.causes import State
    from workbench.domain.balloon.diagnosis.judge import Circumstances, judge

    deadline, rest, still = time.monotonic() + seconds, 0.0, True
    try:
        while time.monotonic() < deadline:
            at_rest = still or time.monotonic() >= rest
            rest = time.monotonic() + REST if at_rest else rest
            await readings.look(probe, at_rest=at_rest)
            reading = required(readings.reading)
            each(reading)
            still = not reading.diff
            if still:
                await probe.look_at_driver()
            seen = Circumstances(now=time.time(), device=probe.present, driver_status=probe.driver_status)
            if judge(reading, seen).state is State.SETTLED:
                return
            await asyncio.sleep(STEP)
    finally:
        readings.close()


async def send(name: str, probe: BalloonProbe, running: Running, reading: Reading, size: int, care: Care) -> None:
    """Send it in one step, and warn if the profile asks for a ramp."""
    from workbench.engine.balloon.safety.ramp import Ramper

    Ramper(running.path).end()
    await probe.set_target(size)
    if care.ramp is not None and care.ramp.steps(reading.actual, size) > 1:
        warn(
            f"sent in one step: without --wait the ramp {care.ramp} is not followed",
            f"to use the ramp: workbench balloon {name} TARGET --wait",
        )


async def follow(
    probe: BalloonProbe,
    running: Running,
    reading: Reading,
    size: int,
    care: Care,
    seconds: float,
    each: Callable[[Reading], None] = _ignore,
) -> Alarm | None:
    """Send it in steps with the guard armed, and wait until the target is reached or the time is over.

    :param seconds: how long to wait; the pauses of the ramp come on top.
    :return: what the guard did, if anything.
    """
    from workbench.domain.balloon.diagnosis.causes import State
    from workbench.domain.balloon.safety.protection import Safety
    from workbench.engine.balloon.place import place_of
    from workbench.engine.balloon.readings import Readings
    from workbench.engine.balloon.safety.protection import Protector
    from workbench.errors import MonitorTimeout

    protector = Protector(running.path, Safety(ramp=care.ramp, guard=care.guard))
    readings = Readings(place_of(running), lasting=False)
    judge = partial(readings.verdict, probe)
    ramp = protector.ramp_of(probe.ram)
    waits = (ramp.steps(reading.actual, size) - 1) * ramp.seconds if ramp else 0.0
    deadline, rest = time.monotonic() + seconds + waits, 0.0
    try:
        await protector.set_target(probe, reading, size)
        while time.monotonic() < deadline:
            at_rest = time.monotonic() >= rest
            rest = time.monotonic() + REST if at_rest else rest
            await readings.look(probe, at_rest=at_rest, statistics=care.guard)
            balloon = readings.balloon(probe)
            if balloon.reading is not None:
                each(balloon.reading)
            await protector.after_reading(probe, balloon.reading, balloon.stats, judge, readings.status)
            state = protector.state(probe.ram)
            if state.alarm is not None:
                return state.alarm
            if state.ramping is None and balloon.verdict.state is State.SETTLED:
                break
            await asyncio.sleep(STEP)
    except (asyncio.CancelledError, MonitorTimeout):  # Ctrl-C, or a QEMU that is stopped
        if (left := protector.state(probe.ram).ramping) is not None and left.at != left.goal:
            _report_left(running.name, left)
        raise
    finally:
        readings.close()
        await protector.leave(probe)
    return None


def _report_left(name: str, left: Ramping) -> None:
    from workbench.domain.units import format_size

    goal = format_size(left.goal)
    click.echo(
        f"workbench: {name} stopped at {format_size(left.at)}, step {left.step} of {left.steps} of the ramp to {goal}\n"
        f"hint: to continue: workbench balloon {name} {goal} --ramp {left.ramp}",
        err=True,
    )


def warn(what: str, hint: str) -> None:
    """Print a warning on standard error."""
    click.echo(f"workbench: warning: {what}", err=True)
    click.echo(f"hint: {hint}", err=True)


async def read_balloon(running: Running, probe: BalloonProbe, *, fresh: bool) -> Balloon:
    """The balloon, read in one round.

    :param fresh: wait for the guest's next report, if it comes in time.
    """
    from workbench.engine.balloon.place import place_of
    from workbench.engine.balloon.readings import Readings

    readings = Readings(place_of(running), lasting=False)
    await readings.look(probe, at_rest=True)
    balloon = readings.balloon(probe)
    before = balloon.stats
    end = time.monotonic() + (before.interval + FRESH if fresh and before is not None and before.interval else 0)
    while time.monotonic() < end and before is not None and balloon.stats is not None:
        if balloon.stats.last_update != before.last_update:
            break
        await asyncio.sleep(STEP)
        await readings.look(probe, at_rest=False, statistics=True)
        balloon = readings.balloon(probe)
    readings.close()
    return balloon
