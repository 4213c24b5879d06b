"""``workbench demo``: build and start the demo guest, and open the screen."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, open_engine, pass_settings, print_json, run

if TYPE_CHECKING:
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.settings import Settings

NAME = "demo"


@click.command("demo")
@click.option("--no-screen", is_flag=True, help="Do not open the screen.")
@json_option
@pass_settings
def command(settings: Settings, no_screen: bool, as_json: bool) -> None:
    """Build the demo guest if needed, start it, and open the screen."""
    guest = run(_ready(settings))
    if as_json:
        print_json({"name": NAME, "state": "running", "pid": guest.pid, "accelerator": guest.accelerator})
    elif no_screen:
        click.echo(f"{NAME} is running: pid {guest.pid}, {guest.accelerator.upper()}")
        click.echo(f"try: workbench balloon {NAME} 256M --wait")
        click.echo("     workbench            (the screen)")
        click.echo(f"     workbench stop {NAME}")
    if not no_screen and not as_json:
        from workbench.verbs.screen import open_screen

        open_screen(settings, choose=NAME)


async def _ready(settings: Settings) -> GuestSnapshot:
    """Build and start the demo guest unless it is running."""
    from workbench.engine.demo import build
    from workbench.errors import NotFound
    from workbench.verbs.guests.start import start_guest

    async with open_engine(settings) as engine:
        with suppress(NotFound):  # not built yet
            guest = engine.guest(NAME).snapshot
            if guest.phase.alive:
                return guest
    await build(settings.cache, lambda line: click.echo(line, err=True))
    return await start_guest(settings, NAME)
