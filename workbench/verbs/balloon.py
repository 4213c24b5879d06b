"""``workbench balloon NAME [TARGET] [--wait [SECONDS]]``: show the balloon, or set its target."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import guest_monitor, json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from workbench.domain.balloon import Balloon, Reading
    from workbench.engine.balloon import BalloonProbe
    from workbench.engine.monitor import Monitor
    from workbench.settings import Settings

WAIT = 30.0
"""Seconds that ``--wait`` without a number waits."""
LOOK = 0.25
"""Seconds between two readings that tell whether a diff moves."""


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
@json_option
@pass_settings
def command(settings: Settings, name: str, target: str | None, wait: float | None, as_json: bool) -> None:
    """Show the balloon of guest NAME, or ask the guest to have TARGET: 256M, 50%, +64M, max."""
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
        probe = BalloonProbe(monitor, StateDirectory(settings.state).running(name), origin=Origin.USER)
        await probe.open()
        reading = await probe.read()
        if target is not None:
            await _set(probe, _required(reading), target)
        if wait is not None:
            await _wait(probe, wait)
        balloon = await _look(monitor, probe)
        return balloon, wait is not None and balloon.verdict.state is not State.SETTLED


def _required(reading: Reading | None) -> Reading:
    """A reading; without a balloon device there is nothing to set, and nothing to wait for."""
    from workbench.errors import WorkbenchError

    if reading is None:
        raise WorkbenchError("the guest has no balloon device", hint="give its profile a [balloon] section")
    return reading


async def _set(probe: BalloonProbe, reading: Reading, text: str) -> None:
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
    from workbench.domain.balloon import Circumstances, State, judge

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        reading = _required(await probe.read())
        seen = Circumstances(now=time.time(), device=probe.present, driver_status=probe.driver_status)
        if judge(reading, seen).state is State.SETTLED:
            return
        await asyncio.sleep(0.05)


async def _look(monitor: Monitor, probe: BalloonProbe) -> Balloon:
    """Two readings, if need be: one alone cannot tell a diff that moves from one that stays."""
    from workbench.domain.balloon import Balloon, Circumstances, judge

    reply = await monitor.execute("query-status")
    status = str(reply["status"]) if isinstance(reply, dict) else ""
    reading = await probe.read()
    moved_at, rate = 0.0, 0.0
    if reading is not None and reading.diff:
        await asyncio.sleep(LOOK)
        later = await probe.read()
        if later is not None and later.actual != reading.actual:
            moved_at, rate = later.time, (later.actual - reading.actual) / (later.time - reading.time)
        reading = later
    stats = await probe.stats()
    seen = Circumstances(
        now=time.time(),
        device=probe.present,
        driver_status=probe.driver_status,
        status=status,
        target_since=probe.record.since if probe.record else 0.0,
        moved_at=moved_at,
        started=probe.started,
        stats=stats,
    )
    ours = probe.record.ours if probe.record else True
    return Balloon(judge(reading, seen), reading, rate, stats, probe.look_at_host(), ours)


def as_object(name: str, balloon: Balloon) -> dict[str, object]:
    """What ``--json`` prints. Sizes are bytes; what is not known is null."""
    reading, host, verdict = balloon.reading, balloon.host, balloon.verdict
    known = reading is not None
    share = host.returned_share(reading) if host and reading else None
    return {
        "guest": name,
        "ram": reading.ram if reading else None,
        "target": reading.target if reading else None,
        "actual": reading.actual if reading else None,
        "diff": reading.diff if reading else None,
        "diff_pages": reading.diff_pages if reading else None,
        "source": reading.source.value if reading else None,
        "state": verdict.state.value,
        "cause": verdict.cause,
        "advice": verdict.advice,
        "evidence": list(verdict.evidence),
        "rate": round(balloon.rate),
        "ours": balloon.ours,
        "guest_stats": asdict(balloon.stats) if balloon.stats else None,
        "host": {
            "resident": host.resident,
            "reclaimed": host.reclaimed,
            "unreturned": host.unreturned(reading.actual) if known and reading else None,
            "yield": round(share, 4) if share is not None else None,
        }
        if host
        else None,
    }


def as_lines(name: str, balloon: Balloon) -> list[str]:
    """The same for people."""
    from workbench.domain.units import mib

    reading, host, verdict = balloon.reading, balloon.host, balloon.verdict
    lines = [f"{name}: {verdict.state.value}" + (f": {verdict.cause}" if verdict.cause else "")]
    if reading is not None:
        direction = "inflate" if reading.diff > 0 else "deflate"
        pages = f"  {abs(reading.diff_pages):,} pages to {direction}" if reading.diff else ""
        lines += [
            f"  target  {mib(reading.target):>10}   ({reading.source.value})",
            f"  actual  {mib(reading.actual):>10}   of {mib(reading.ram)}",
            f"  diff    {mib(reading.diff):>10}{pages}",
        ]
    if host is not None and reading is not None:
        lines.append(
            f"  host    {mib(host.resident):>10} resident, {mib(host.reclaimed)} reclaimed, "
            f"{mib(host.unreturned(reading.actual))} unreturned"
        )
    if balloon.stats is not None and balloon.stats.available is not None:
        age = max(0.0, time.time() - balloon.stats.last_update)
        lines.append(f"  guest   {mib(balloon.stats.available):>10} available, {age:.0f} s ago")
    lines += [f"  - {line}" for line in verdict.evidence]
    if verdict.advice:
        lines.append(f"  {verdict.advice}")
    return lines
