"""``workbench start NAME``: start a guest in the background and wait until QMP answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, open_engine, pass_settings, print_json, run, warn_of

if TYPE_CHECKING:
    from workbench.domain.guest.snapshot import GuestSnapshot
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
    guest = run(start_guest(settings, name, make or "nothing"))
    if as_json:
        print_json({"name": name, "state": "running", "pid": guest.pid, "accelerator": guest.accelerator})
    else:
        click.echo(f"{name} is running: pid {guest.pid}, {guest.accelerator.upper()} ({guest.accelerator_reason})")
        click.echo(f"serial log: {guest.directory}/serial.log; QMP socket for your tools: {guest.user_monitor}")


async def start_guest(settings: Settings, name: str, supply: str = "nothing") -> GuestSnapshot:
    """Load the profile, check it, and start the guest.

    :param supply: what to do about a hugepage pool that is too small: a value of
        :class:`workbench.domain.host.hugepages.Supply`.
    """
    from workbench.domain.host.hugepages import HugepageShortage, Supply
    from workbench.engine.profiles.store import ProfileStore

    warn_of([ProfileStore(settings.profiles).load(name)])
    async with open_engine(settings) as engine:
        try:
            await engine.start(name, Supply(supply))
        except HugepageShortage as error:
            offer = f"or let workbench grow the pool: workbench start {name} --make-hugepages"
            raise HugepageShortage(error.message, error.shortage, hint=f"{error.hint}\n{offer}") from error
        return engine.guest(name).snapshot
