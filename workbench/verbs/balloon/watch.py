"""``workbench watch [NAME…]``: one line for each guest, updated in place."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, pass_settings, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.engine.balloon.watching import Seen, Watched
    from workbench.engine.state.directory import StateDirectory
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
    from workbench.engine.state.directory import StateDirectory
    from workbench.verbs.balloon.live_lines import InPlace

    state = StateDirectory(settings.state)
    for name in names:
        state.running(name)  # raises NotFound
    watched: dict[str, Watched] = {}
    place = InPlace(sys.stdout)
    if not as_json:
        asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, place.again)
    rounds = 0
    while True:
        begun = time.monotonic()
        seen = await _round(state, names, watched)
        _print(seen, place, as_json=as_json)
        rounds += 1
        if rounds == count or (names and all(one.ended for one in seen)):
            return
        await asyncio.sleep(max(0.0, begun + interval - time.monotonic()))


async def _round(state: StateDirectory, names: Sequence[str], watched: dict[str, Watched]) -> list[Seen]:
    """Read every guest. A named guest that has ended is reported, and may come back."""
    from workbench.engine.balloon.watching import Seen, Watched, look_at_all

    wanted = list(dict.fromkeys(names)) or state.names()
    for name in wanted:
        running = state.find(name)
        if running is None:
            watched.pop(name, None)
        elif name not in watched or watched[name].running.pid != running.pid:
            watched[name] = Watched(running)
    looks = {seen.name: seen for seen in await look_at_all([watched[name] for name in wanted if name in watched])}
    gone = {name: Seen(name, time.time(), trouble="its QEMU has ended", ended=True) for name in names}
    found = {**gone, **looks}
    return [found[name] for name in wanted if name in found]


def _print(seen: Sequence[Seen], place: InPlace, *, as_json: bool) -> None:
    from workbench.verbs.balloon.live_lines import terminal_size
    from workbench.verbs.balloon.watch_words import json_line, table

    if as_json:
        for one in seen:
            click.echo(json_line(one))  # flushes
    else:
        place.show(table(seen, terminal_size()[0]) if seen else ["no guest is running"])
