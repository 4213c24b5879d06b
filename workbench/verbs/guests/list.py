"""``workbench list``: profiles and running guests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from workbench.engine.local.list_guests import Listed
    from workbench.settings import Settings


@click.command("list")
@json_option
@pass_settings
def command(settings: Settings, as_json: bool) -> None:
    """List profiles and running guests: name, state, pid, memory, accelerator."""
    from workbench.engine.local.list_guests import list_guests

    guests = run(list_guests(settings))
    if as_json:
        print_json([guest.for_json() for guest in guests])
        return
    if not guests:
        click.echo(f"no profiles in {settings.profiles}")
    for line in table(guests):
        click.echo(line)


def table(guests: list[Listed]) -> list[str]:
    """Aligned columns under their names."""
    from workbench.domain.units import format_size

    rows = [("NAME", "STATE", "PID", "MEMORY", "ACCELERATOR", "")]
    for guest in guests:
        note = guest.backing or guest.description
        if guest.problems:
            note = f"{guest.problems} problem{'' if guest.problems == 1 else 's'} in the profile: workbench check {guest.name}"
        elif guest.ended and not guest.ended.orderly:
            note = f"last run: {guest.ended.words}"
        memory = format_size(guest.memory) if guest.memory else "-"
        rows.append((guest.name, guest.state, str(guest.pid or "-"), memory, guest.accelerator or "-", note))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return [
        f"{name:{widths[0]}}  {state:{widths[1]}}  {pid:>{widths[2]}}  {memory:>{widths[3]}}  "
        f"{accelerator:{widths[4]}}  {note}".rstrip()
        for name, state, pid, memory, accelerator, note in rows
    ]
