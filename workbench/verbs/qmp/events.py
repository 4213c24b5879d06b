"""``workbench events NAME``: print a guest's QMP events, one line each."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import guest_monitor, json_option, pass_settings, run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.engine.qmp.monitor import Monitor
    from workbench.settings import Settings

SOCKET = "qmp-events.sock"
GREETING_DEADLINE = 2.0
"""Seconds without a greeting after which another client must hold this monitor; QEMU greets within milliseconds."""


@click.command("events")
@click.argument("name")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="S", help="Stop after S seconds.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="Stop after N events.")
@json_option
@pass_settings
def command(settings: Settings, name: str, timeout: float | None, count: int | None, as_json: bool) -> None:
    """Print a guest's QMP events until it ends, or until Ctrl-C.

    With --count and --timeout, exit 4 when fewer events came in time.
    """
    try:
        run(follow(settings, name, timeout, count, as_json))
    except KeyboardInterrupt:
        return  # the normal way to stop


async def follow(settings: Settings, name: str, timeout: float | None, count: int | None, as_json: bool) -> None:
    """Print the events of one guest as they come.

    :raise MonitorUnavailable: when another client is reading them.
    """
    from workbench.errors import MonitorCrowded, MonitorSilent, MonitorUnavailable

    try:
        async with guest_monitor(settings, name, SOCKET, deadline=GREETING_DEADLINE) as monitor:
            await _print_events(monitor, timeout, count, as_json)
    except (MonitorSilent, MonitorCrowded) as error:
        raise MonitorUnavailable(
            f"another client is reading the events of {name}: {SOCKET} serves one client at a time",
            hint="stop the other client, or connect your own tool to qmp-user.sock",
        ) from error


async def _print_events(monitor: Monitor, timeout: float | None, count: int | None, as_json: bool) -> None:
    """Print events as they come: here and not in the listener, so that a closed pipe ends the verb in order."""
    from workbench.errors import NotReached

    came: asyncio.Queue[str | None] = asyncio.Queue()
    monitor.on_event(lambda event, data, when: came.put_nowait(_line(event, data, when, as_json)))
    ending = asyncio.create_task(_signal_end(monitor, came))
    printed = 0
    try:
        async with asyncio.timeout(timeout):
            while count is None or printed < count:
                line = await came.get()
                if line is None:
                    break
                click.echo(line)  # flushes
                printed += 1
    except TimeoutError:
        if count is not None:
            words = "event" if count == 1 else "events"
            raise NotReached(f"{printed} of {count} {words} within {timeout:g} s") from None
    finally:
        ending.cancel()


async def _signal_end(monitor: Monitor, came: asyncio.Queue[str | None]) -> None:
    await monitor.wait_closed()
    came.put_nowait(None)


def _line(event: str, data: Mapping[str, object], when: float, as_json: bool) -> str:
    if as_json:
        return json.dumps({"time": when, "event": event, "data": data}, ensure_ascii=False)
    from workbench.domain.text import visible

    clock = time.strftime("%H:%M:%S", time.localtime(when)) + f".{int(when % 1 * 1000):03}"
    return visible(f"{clock}  {event}  {json.dumps(data, ensure_ascii=False) if data else ''}".rstrip())
