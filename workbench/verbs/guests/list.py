"""``workbench list``: profiles and running guests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workbench.verbs.balloon.words import LOOK
from workbench.verbs.common import json_option, open_engine, pass_settings, print_json, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.settings import Settings


@click.command("list")
@json_option
@pass_settings
def command(settings: Settings, as_json: bool) -> None:
    """List profiles and running guests: name, state, pid, memory, accelerator."""
    from workbench.verbs.guests.words import as_object

    guests = run(_list(settings, whole=as_json))
    if as_json:
        print_json([as_object(guest) for guest in guests])
        return
    if not guests:
        click.echo(f"no profiles in {settings.profiles}")
    for line in table(guests):
        click.echo(line)


async def _list(settings: Settings, *, whole: bool) -> Sequence[GuestSnapshot]:
    """:param whole: with their balloons."""
    async with open_engine(settings) as engine:
        await engine.refresh(settle=LOOK if whole else 0.0, brief=not whole)
        return engine.guests()


def table(guests: Sequence[GuestSnapshot]) -> list[str]:
    """Aligned columns under their names."""
    from workbench.domain.units import format_size
    from workbench.verbs.guests.words import state_of

    rows = [("NAME", "STATE", "PID", "MEMORY", "ACCELERATOR", "")]
    for guest in guests:
        note = guest.backing or guest.description
        if guest.problems:
            note = f"{guest.problems} problem{'' if guest.problems == 1 else 's'} in the profile: workbench check {guest.name}"
        elif guest.ended and not guest.ended.orderly:
            note = f"last run: {guest.ended.words}"
        memory = format_size(guest.memory) if guest.memory else "-"
        rows.append((guest.name, state_of(guest), str(guest.pid or "-"), memory, guest.accelerator or "-", note))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return [
        f"{name:{widths[0]}}  {state:{widths[1]}}  {pid:>{widths[2]}}  {memory:>{widths[3]}}  "
        f"{accelerator:{widths[4]}}  {note}".rstrip()
        for name, state, pid, memory, accelerator, note in rows
    ]
