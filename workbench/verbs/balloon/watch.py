"""``workbench watch [NAME…]``: one line for each guest, updated in place."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, open_engine, pass_settings, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.settings import Settings
    from workbench.verbs.balloon.live_lines import InPlace

INTERVAL = 2.0
"""Seconds between rounds: the default interval of guest statistics."""


@click.command("watch")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=INTERVAL,
    show_default=True,
    metavar="S",
    help="Seconds between two reads.",
)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="Stop after N rounds.")
@json_option
@pass_settings
def command(settings: Settings, names: tuple[str, ...], interval: float, count: int | None, as_json: bool) -> None:
    """Watch running guests, or those named: one line each, updated in place until Ctrl-C or until they end.

    Prints JSON lines with --json and when the output is not a terminal. The readings are recorded in the history.
    """
    try:
        run(_watch(settings, names, interval, count, as_json or not sys.stdout.isatty()))
    except KeyboardInterrupt:
        return  # the normal way to stop


async def _watch(settings: Settings, names: Sequence[str], interval: float, count: int | None, as_json: bool) -> None:
    from workbench.verbs.balloon.live_lines import InPlace

    place = InPlace(sys.stdout)
    if not as_json:
        asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, place.again)
    wanted = list(dict.fromkeys(names))
    rounds = 0
    async with open_engine(settings) as engine:
        for name in wanted:
            if not (guest := engine.guest(name)).snapshot.phase.alive:
                await guest.refresh()  # raises NotFound
        while True:
            begun = time.monotonic()
            seen = await engine.refresh(wanted or None)
            _print(seen, place, as_json=as_json)
            rounds += 1
            if rounds == count or (wanted and not any(guest.phase.alive for guest in seen)):
                return
            await asyncio.sleep(max(0.0, begun + interval - time.monotonic()))


def _print(seen: Sequence[GuestSnapshot], place: InPlace, *, as_json: bool) -> None:
    from workbench.verbs.balloon.live_lines import terminal_size
    from workbench.verbs.balloon.watch_words import json_line, table

    if as_json:
        now = time.time()
        for guest in seen:
            click.echo(json_line(guest, now))  # flushes
    else:
        place.show(table(seen, terminal_size()[0]) if seen else ["no guest is running"])
