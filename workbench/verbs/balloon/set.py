"""Set a target from the command line: parse it, check the floor, carry out ramp and guard, wait."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.balloon.reading import Reading
    from workbench.domain.balloon.safety.protection import Safety
    from workbench.domain.balloon.safety.ramp import Ramp, Ramping
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.base import Guest
    from workbench.errors import NotReached


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


def _ignore(_snapshot: GuestSnapshot) -> None:
    """Ignore a snapshot."""


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


async def check_floor(guest: Guest, size: int, *, yes: bool) -> None:
    """Before a target that may leave the guest with too little: ask on a terminal, else warn.

    :raise WorkbenchError: when the answer is no.
    """
    from workbench.domain.balloon.safety.forecast import Risk, forecast
    from workbench.domain.units import mib
    from workbench.errors import WorkbenchError

    name, floor = guest.snapshot.name, guest.snapshot.safety.floor
    plan = forecast(balloon_of(guest.snapshot), size, 0.0, floor=floor)
    if plan.risky:
        # The last report may be older than the last change, when the guest had another size.
        plan = forecast(balloon_of(await guest.refresh(report=True)), size, 0.0, floor=floor)
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


def balloon_of(snapshot: GuestSnapshot) -> Balloon:
    assert snapshot.balloon is not None, "it was read"
    return snapshot.balloon


def required(snapshot: GuestSnapshot) -> Reading:
    """The reading, or an error for a guest without a balloon device."""
    from workbench.errors import WorkbenchError

    reading = balloon_of(snapshot).reading
    if reading is None:
        raise WorkbenchError("the guest has no balloon device", hint="add a [balloon] section to its profile")
    return reading


async def change(
    guest: Guest,
    reading: Reading,
    text: str,
    care: Care,
    wait: float | None,
    *,
    each: Callable[[GuestSnapshot], None] = _ignore,
) -> NotReached | None:
    """Send a target and wait for it if ``wait`` is given.

    :param each: called with every snapshot.
    :return: why the target was not reached, if known: the guard, a ramp that took too long, another client.
    """
    from workbench.domain.balloon.safety.protection import Safety

    size = size_of(text, reading, guest.snapshot.safety)
    if size < reading.actual:
        await check_floor(guest, size, yes=care.yes)
    if wait is None or not (care.ramp or care.guard):
        await guest.set_target(size)
        if care.ramp is not None and care.ramp.steps(reading.actual, size) > 1:
            warn(
                f"sent in one step: without --wait the ramp {care.ramp} is not followed",
                f"to use the ramp: workbench balloon {guest.snapshot.name} TARGET --wait",
            )
        if wait is not None:
            await wait_for(guest, wait, each)
        return None
    await guest.set_target(size, safety=Safety(ramp=care.ramp, guard=care.guard))
    return await follow(guest, size, wait, each)


async def wait_for(guest: Guest, seconds: float, each: Callable[[GuestSnapshot], None] = _ignore) -> None:
    """Wait until the balloon is settled or the time is over."""
    from workbench.domain.guest.snapshot import settled
    from workbench.errors import NotReached

    def over(snapshot: GuestSnapshot) -> bool:
        required(snapshot)
        return settled(snapshot)

    with suppress(NotReached):
        await guest.wait_until(over, seconds, each=each)


async def follow(
    guest: Guest, size: int, seconds: float, each: Callable[[GuestSnapshot], None] = _ignore
) -> NotReached | None:
    """Wait until a ramp, or a target with the guard armed, has reached it or the time is over.

    :param seconds: how long to wait; the pauses of the ramp come on top.
    :return: why it was not reached, if known.
    """
    from workbench.domain.balloon.safety.guard import alarm_words
    from workbench.domain.guest.snapshot import settled
    from workbench.domain.units import format_size
    from workbench.errors import MonitorTimeout, NotReached

    name = guest.snapshot.name

    def over(snapshot: GuestSnapshot) -> bool:
        protection = snapshot.protection
        if protection.alarm is not None:
            return True
        return protection.ramping is None and settled(snapshot)

    ramping = guest.snapshot.protection.ramping
    waits = (ramping.steps - 1) * ramping.ramp.seconds if ramping else 0.0
    try:
        last_snapshot = await guest.wait_until(over, seconds + waits, each=each)
    except NotReached:
        last_snapshot = guest.snapshot
    except (asyncio.CancelledError, MonitorTimeout):  # Ctrl-C, or a QEMU that is stopped
        if (left := guest.snapshot.protection.ramping) is not None and left.at != left.goal:
            _report_left(name, left)
        raise
    protection = last_snapshot.protection
    if protection.alarm is not None:
        least = format_size(size)
        hint = f"stop something in the guest, or set a target above {least}"
        return NotReached(alarm_words(name, protection.alarm), hint=hint)
    now = required(last_snapshot)
    if now.target == size:
        return None
    if protection.ramping is not None:
        hint = f"the ramp stopped there; to continue: workbench balloon {name} {format_size(size)} --wait"
        return NotReached(f"{name} is at {format_size(now.target)}, a step of the ramp, after {seconds:g} s", hint=hint)
    return NotReached(f"another client has set the target of {name} to {format_size(now.target)}")


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
