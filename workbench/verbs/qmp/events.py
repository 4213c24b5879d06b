"""``workbench events NAME``: print a guest's QMP events, one line each."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, open_guest, pass_settings, run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from workbench.engine.base import Event
    from workbench.settings import Settings


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
    async with open_guest(settings, name) as guest, guest.events() as events:
        await _print_events(events, timeout, count, as_json)


async def _print_events(events: AsyncIterator[Event], timeout: float | None, count: int | None, as_json: bool) -> None:
    from workbench.errors import NotReached

    printed = 0
    try:
        async with asyncio.timeout(timeout):
            while count is None or printed < count:
                event = await anext(events, None)
                if event is None:
                    break
                click.echo(_line(event, as_json))  # flushes
                printed += 1
    except TimeoutError:
        if count is not None:
            words = "event" if count == 1 else "events"
            raise NotReached(f"{printed} of {count} {words} within {timeout:g} s") from None


def _line(event: Event, as_json: bool) -> str:
    name, data, when = event.name, event.data, event.time
    if as_json:
        return json.dumps({"time": when, "event": name, "data": data}, ensure_ascii=False)
    from workbench.domain.text import visible

    clock = time.strftime("%H:%M:%S", time.localtime(when)) + f".{int(when % 1 * 1000):03}"
    return visible(f"{clock}  {name}  {json.dumps(data, ensure_ascii=False) if data else ''}".rstrip())
