"""``workbench stop NAME``: press the power button and wait; kill only with ``--kill``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, open_engine, pass_settings, print_json, run

if TYPE_CHECKING:
    from workbench.domain.guest.lifecycle import Exit
    from workbench.settings import Settings


@click.command("stop")
@click.argument("name")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the guest to power down.",
)
@click.option("--kill", is_flag=True, help="Kill QEMU after that time. Data that the guest has not written is lost.")
@json_option
@pass_settings
def command(settings: Settings, name: str, timeout: float, kill: bool, as_json: bool) -> None:
    """Power guest NAME down and wait until it has ended."""
    ended = run(stop_guest(settings, name, timeout, kill))
    if as_json:
        print_json({"name": name, "state": "stopped", "ended": ended.words, "exit_status": ended.code})
    else:
        click.echo(f"{name}: {ended.words}")


async def stop_guest(settings: Settings, name: str, timeout: float, kill: bool) -> Exit:
    """
    :raise NotFound: when it is not running.
    :raise NotReached: when it is still running after ``timeout`` seconds, and ``kill`` is not given or does not help.
    """
    from workbench.errors import NotReached

    async with open_engine(settings) as engine:
        try:
            return await engine.guest(name).stop(timeout, kill=kill)
        except NotReached as error:
            if kill:
                raise
            options = "wait longer with --timeout, or kill it (unwritten data is lost): "
            killing = f"workbench stop {name} --timeout 0 --kill"
            raise NotReached(error.message, hint=f"{error.hint}\n{options}{killing}".strip()) from error
