"""``workbench status NAME``: one guest in detail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from msgspec import to_builtins

from workbench.domain.text import visible
from workbench.verbs.common import json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from workbench.engine.devices.endpoints import Endpoints
    from workbench.engine.local.list_guests import Listed
    from workbench.settings import Settings

SOCKETS = {"monitor": "qmp-user.sock", "serial": "serial.sock", "serial_log": "serial.log", "log": "qemu.log"}
"""Files in a running guest's directory that are for the user."""
PATIENCE = 2.0
"""Seconds to wait for QEMU to list its ports; the rest is known without it."""


@click.command("status")
@click.argument("name")
@json_option
@pass_settings
def command(settings: Settings, name: str, as_json: bool) -> None:
    """Show guest NAME in detail: state, pid, accelerator, sockets, serial ports, display, logs."""
    guest = run(_find(settings, name))
    places = {key: f"{guest.directory}/{file}" for key, file in SOCKETS.items()} if guest.directory else {}
    endpoints, unknown = run(_endpoints(settings, name)) if guest.directory else (None, "")
    if as_json:
        print_json({**guest.for_json(), **places, **(to_builtins(endpoints) if endpoints else {})})
        return
    lines = _lines(guest, places) + (_endpoint_lines(endpoints) if endpoints else [])
    if unknown:
        lines.append(("ports", f"not known: {unknown}"))
    room = max(13, *(len(label) + 2 for label, _ in lines))
    for label, value in lines:
        click.echo(visible(f"{label:<{room}}{value}"))


async def _find(settings: Settings, name: str) -> Listed:
    """:raise NotFound: when there is no guest and no profile of that name."""
    from workbench.engine.local.list_guests import list_guests
    from workbench.engine.profiles.store import ProfileStore

    for guest in await list_guests(settings):
        if guest.name == name:
            return guest
    ProfileStore(settings.profiles).load(name)  # raises NotFound with the nearest name, unless it is a sample
    from workbench.errors import NotFound

    raise NotFound(f"no guest {name!r}", hint=f"to start the shipped sample: workbench start {name}")


async def _endpoints(settings: Settings, name: str) -> tuple[Endpoints | None, str]:
    """Its ports and display, or the reason why they are not known."""
    from workbench.engine.compare.drift import started_argv
    from workbench.engine.devices.endpoints import read_endpoints
    from workbench.engine.state.directory import StateDirectory
    from workbench.errors import WorkbenchError
    from workbench.verbs.common import guest_monitor

    try:
        argv = started_argv(StateDirectory(settings.state).running(name).pid)
        async with guest_monitor(settings, name, deadline=PATIENCE) as monitor:
            return await read_endpoints(monitor.execute, argv), ""
    except WorkbenchError as error:
        return None, error.message


def _endpoint_lines(endpoints: Endpoints) -> list[tuple[str, str]]:
    lines = [
        (port.id, f"{port.where or 'nowhere'}{f' ({port.name})' if port.name else ''}") for port in endpoints.ports
    ]
    return lines + ([("VNC", endpoints.vnc)] if endpoints.vnc else [])


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
        lines.append(("last run", guest.ended.words))
    if guest.ended_cause:
        lines.append(("", guest.ended_cause))
    lines.append(("profile", guest.profile))
    return lines + [(key.replace("_", " "), value) for key, value in places.items()]
