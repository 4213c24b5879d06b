"""``workbench unplug NAME ID``: unplug a device from a running guest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, open_guest, pass_settings, print_json, run

if TYPE_CHECKING:
    from workbench.domain.hotplug.unplug import Unplug
    from workbench.settings import Settings


@click.command("unplug")
@click.argument("name")
@click.argument("device", metavar="ID")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="S",
    help="How long to wait for the guest to release the device.",
)
@json_option
@pass_settings
def command(settings: Settings, name: str, device: str, timeout: float, as_json: bool) -> None:
    """Unplug a device from a running guest, and remove its backend.

    The guest decides: exit 0 when the device is gone, 1 when QEMU or the guest refused, 4 when the guest did not release
    it in time. The request stays pending: the device may still go later.
    """
    end = run(_unplug(settings, name, device, timeout))
    if as_json:
        print_json(
            {"guest": name, "id": device, "state": end.state.name.lower(), "left": [one.words for one in end.left]}
        )
    report(name, end, timeout, quiet=as_json)


async def _unplug(settings: Settings, name: str, device: str, timeout: float) -> Unplug:
    async with open_guest(settings, name) as guest:
        return await guest.hotplug.unplug(device, timeout)


def report(name: str, end: Unplug, timeout: float, *, quiet: bool) -> None:
    """Report the outcome.

    :raise WorkbenchError: when it was refused.
    :raise NotReached: when it is still there.
    """
    from workbench.domain.hotplug.unplug import State, overdue_hint
    from workbench.errors import NotReached, WorkbenchError

    if end.state is State.REFUSED:
        raise WorkbenchError(f"{name} refused to release {end.id}", hint="it is in use; the guest's log shows by what")
    if end.state is not State.GONE:
        raise NotReached(f"{name} did not release {end.id} within {timeout:g} s", hint=overdue_hint(end))
    if not quiet:
        stayed = {one.what for one in end.left}
        removed = [one.words for one in end.rest if one not in stayed]
        if end.late_removal:
            click.echo(f"{end.id} was already unplugged from {name}; removed: {', '.join(removed) or 'nothing'}")
        else:
            click.echo(f"{end.id} unplugged from {name}")
        for one in end.left:
            click.echo(f"left behind: {one.words}")
