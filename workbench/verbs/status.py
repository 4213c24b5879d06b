"""``workbench status NAME``: everything that is known of one guest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from msgspec import to_builtins

from workbench.verbs.common import json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from workbench.engine.listing import Listed
    from workbench.settings import Settings

SOCKETS = {"monitor": "qmp-user.sock", "serial": "serial.sock", "serial_log": "serial.log", "log": "qemu.log"}
"""What of a running guest's directory is for the user."""


@click.command("status")
@click.argument("name")
@json_option
@pass_settings
def command(settings: Settings, name: str, as_json: bool) -> None:
    """State, pid, accelerator and why, and where the sockets and logs of guest NAME are."""
    guest = run(_find(settings, name))
    places = {key: f"{guest.directory}/{file}" for key, file in SOCKETS.items()} if guest.directory else {}
    if as_json:
        print_json({**to_builtins(guest), **places})
        return
    for label, value in _lines(guest, places):
        click.echo(f"{label:<13}{value}")


async def _find(settings: Settings, name: str) -> Listed:
    """:raise NotFound: when there is no guest and no profile of that name."""
    from workbench.engine.listing import list_guests
    from workbench.engine.profiles import ProfileStore

    for guest in await list_guests(settings):
        if guest.name == name:
            return guest
    ProfileStore(settings.profiles).load(name)  # raises NotFound with the nearest name, unless it is a sample
    from workbench.errors import NotFound

    raise NotFound(f"no guest {name!r}", hint=f"to start it from the shipped sample: workbench start {name}")


def _lines(guest: Listed, places: dict[str, str]) -> list[tuple[str, str]]:
    from workbench.domain.units import format_size

    lines = [("name", guest.name), ("state", guest.state)]
    if guest.pid:
        lines.append(("pid", str(guest.pid)))
    if guest.memory:
        lines.append(("memory", format_size(guest.memory) + (f" on {guest.backing}" if guest.backing else "")))
    reason = f" ({guest.accelerator_reason})" if guest.accelerator_reason else ""
    lines.append(("accelerator", guest.accelerator + reason))
    if guest.qemu:
        lines.append(("QEMU", guest.qemu))
    if guest.ended:
        lines.append(("last run", guest.ended))
    if guest.ended_cause:
        lines.append(("", guest.ended_cause))
    lines.append(("profile", guest.profile))
    return lines + [(key.replace("_", " "), value) for key, value in places.items()]
