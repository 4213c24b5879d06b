"""``workbench status NAME``: one guest in detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from msgspec import to_builtins

from workbench.domain.text import visible
from workbench.verbs.common import json_option, open_engine, pass_settings, print_json, run
from workbench.verbs.guests.words import as_object, state_of

if TYPE_CHECKING:
    from workbench.domain.devices.endpoints import Endpoints
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.settings import Settings

FILES = {"monitor": "qmp-user.sock", "serial": "serial.sock", "serial_log": "serial.log", "log": "qemu.log"}
"""Files in a running guest's directory that are for the user."""
PATIENCE = 2.0
"""Seconds to wait for QEMU to list its ports; the rest is known without it."""


@click.command("status")
@click.argument("name")
@json_option
@pass_settings
def command(settings: Settings, name: str, as_json: bool) -> None:
    """Show guest NAME in detail: state, pid, accelerator, sockets, serial ports, display, logs."""
    guest, endpoints, unknown = run(_read(settings, name))
    places = {key: f"{guest.directory}/{file}" for key, file in FILES.items()} if guest.directory else {}
    if as_json:
        print_json({**as_object(guest), **places, **(to_builtins(endpoints) if endpoints else {})})
        return
    lines = _lines(guest, places) + (_endpoint_lines(endpoints) if endpoints else [])
    if unknown:
        lines.append(("ports", f"not known: {unknown}"))
    room = max(13, *(len(label) + 2 for label, _ in lines))
    for label, value in lines:
        click.echo(visible(f"{label:<{room}}{value}"))


async def _read(settings: Settings, name: str) -> tuple[GuestSnapshot, Endpoints | None, str]:
    """The guest, and its ports and display or the reason why they are not known.

    :raise NotFound: when there is no guest and no profile of that name.
    """
    from workbench.engine.profiles.store import ProfileStore
    from workbench.errors import NotFound, WorkbenchError

    async with open_engine(settings) as engine:
        try:
            guest = engine.guest(name)
        except NotFound:
            ProfileStore(settings.profiles).load(name)  # raises NotFound with the nearest name, unless it is a sample
            raise NotFound(f"no guest {name!r}", hint=f"to start the shipped sample: workbench start {name}") from None
        if not guest.snapshot.phase.alive:
            return guest.snapshot, None, ""
        async with guest.hold():
            try:
                await guest.refresh(patience=PATIENCE)
                return guest.snapshot, await guest.devices.endpoints(), ""
            except WorkbenchError as error:
                return guest.snapshot, None, error.message


def _endpoint_lines(endpoints: Endpoints) -> list[tuple[str, str]]:
    lines = [
        (port.id, f"{port.where or 'nowhere'}{f' ({port.name})' if port.name else ''}") for port in endpoints.ports
    ]
    return lines + ([("VNC", endpoints.vnc)] if endpoints.vnc else [])


def _lines(guest: GuestSnapshot, places: dict[str, str]) -> list[tuple[str, str]]:
    from workbench.domain.units import format_size

    lines = [("name", guest.name), ("state", state_of(guest))]
    if guest.pid:
        lines.append(("pid", str(guest.pid)))
    if guest.memory:
        lines.append(("memory", format_size(guest.memory) + (f" on {guest.backing}" if guest.backing else "")))
    reason = f" ({guest.accelerator_reason})" if guest.accelerator_reason else ""
    lines.append(("accelerator", guest.accelerator + reason))
    if guest.qemu_version:
        lines.append(("QEMU", guest.qemu_version))
    if guest.ended:
        lines.append(("last run", guest.ended.words))
    if guest.ended_cause:
        lines.append(("", guest.ended_cause))
    lines.append(("profile", guest.profile_path))
    return lines + [(key.replace("_", " "), value) for key, value in places.items()]
