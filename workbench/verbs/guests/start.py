"""``workbench start NAME``: start a guest in the background and wait until QMP answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, pass_settings, print_json, run, warn_of

if TYPE_CHECKING:
    from workbench.engine.state.directory import Running
    from workbench.settings import Settings


@click.command("start")
@click.argument("name")
@click.option(
    "--make-hugepages",
    "make",
    type=click.Choice(["keep", "return"]),
    is_flag=False,
    flag_value="keep",
    help="Grow a hugepage pool that is too small (as root), and keep the pages or return them when the guest ends.",
)
@json_option
@pass_settings
def command(settings: Settings, name: str, make: str | None, as_json: bool) -> None:
    """Start the guest of profile NAME in the background."""
    running = run(start_guest(settings, name, make or "nothing"))
    facts = running.facts
    if as_json:
        print_json({"name": name, "state": "running", "pid": running.pid, "accelerator": facts.accelerator})
    else:
        click.echo(f"{name} is running: pid {running.pid}, {facts.accelerator.upper()} ({facts.accelerator_reason})")
        click.echo(
            f"serial log: {running.path / 'serial.log'}; QMP socket for your tools: {running.path / 'qmp-user.sock'}"
        )


async def start_guest(settings: Settings, name: str, supply: str = "nothing") -> Running:
    """Load the profile, check it, and start the guest.

    :param supply: what to do about a hugepage pool that is too small: a value of
        :class:`workbench.domain.host.hugepages.Supply`.
    """
    from workbench.domain.host.hugepages import HugepageShortage, Supply
    from workbench.engine.profiles.store import ProfileStore
    from workbench.engine.start.launch import start
    from workbench.engine.start.plan import plan
    from workbench.engine.state.directory import StateDirectory

    wanted = Supply(supply)
    loaded = ProfileStore(settings.profiles).load(name)
    warn_of([loaded])
    try:
        planned = await plan(loaded, settings, short=wanted is not Supply.NOTHING)
    except HugepageShortage as error:
        offer = f"or let workbench grow the pool: workbench start {name} --make-hugepages"
        raise HugepageShortage(error.message, error.shortage, hint=f"{error.hint}\n{offer}") from error
    return await start(StateDirectory(settings.state), planned, supply=wanted)
