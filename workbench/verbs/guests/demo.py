"""``workbench demo``: the demo guest, from nothing to a running guest on the screen."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from workbench.engine.state.directory import Running
    from workbench.settings import Settings

NAME = "demo"


@click.command("demo")
@click.option("--no-screen", is_flag=True, help="Stay on the command line.")
@json_option
@pass_settings
def command(settings: Settings, no_screen: bool, as_json: bool) -> None:
    """Build the demo guest if needed, start it, and open the screen."""
    running = run(_ready(settings))
    if as_json:
        print_json({"name": NAME, "state": "running", "pid": running.pid, "accelerator": running.facts.accelerator})
    elif no_screen:
        click.echo(f"{NAME} runs: pid {running.pid}, {running.facts.accelerator.upper()}")
        click.echo(f"try: workbench balloon {NAME} 256M --wait")
        click.echo("     workbench            (the screen)")
        click.echo(f"     workbench stop {NAME}")
    if not no_screen and not as_json:
        from workbench.verbs.screen import open_screen

        open_screen(settings, choose=NAME)


async def _ready(settings: Settings) -> Running:
    """The demo guest, running: built and started if it was not."""
    from workbench.engine.demo import build
    from workbench.engine.state.directory import StateDirectory
    from workbench.errors import NotFound
    from workbench.verbs.guests.start import start_guest

    with suppress(NotFound):
        return StateDirectory(settings.state).running(NAME)
    await build(settings.cache, lambda line: click.echo(line, err=True))
    return await start_guest(settings, NAME)
