"""``workbench plug NAME KIND [key=value…]``: plug a device into a running guest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, open_guest, pass_settings, print_json, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.hotplug.plan import Offer
    from workbench.domain.hotplug.unplug import Plan
    from workbench.settings import Settings

PATHS = frozenset({"file", "path", "source"})
"""Keys that hold a path; a relative one starts at the current directory."""


@click.command("plug")
@click.argument("name")
@click.argument("kind", type=click.Choice(["net", "disk", "serial", "rng"]))
@click.argument("words", nargs=-1, metavar="[KEY=VALUE]…")
@click.option("--keep", is_flag=True, help="Also add it to the guest's profile.")
@click.option("--dry-run", is_flag=True, help="Print the QMP commands and exit.")
@json_option
@pass_settings
def command(
    settings: Settings, name: str, kind: str, words: tuple[str, ...], keep: bool, dry_run: bool, as_json: bool
) -> None:
    """Plug a device into a running guest.

    Keys are those of the device in a profile (file, mac, backend …) and the properties of its QEMU type; id and bus set
    its name and place. The backend is created first, and removed again if QEMU refuses the device.
    """
    run(_plug(settings, name, kind, words, keep, dry_run, as_json))


async def _plug(
    settings: Settings, name: str, kind: str, words: Sequence[str], keep: bool, dry_run: bool, as_json: bool
) -> None:
    from workbench.domain.hotplug.unplug import Kind

    place = ""
    async with open_guest(settings, name) as guest:
        hotplug = guest.hotplug
        offered = await hotplug.offer(Kind(kind))
        plan = _planned(offered, words)
        if keep:
            await hotplug.keeping(plan.id, plan)  # fail before anything is changed
        if dry_run:
            _print_steps(plan, as_json)
            return
        await hotplug.plug(offered, plan)
        if keep:
            place = await hotplug.keep(await hotplug.keeping(plan.id, plan))
    if as_json:
        print_json({"guest": name, "id": plan.id, "driver": plan.driver, "bus": plan.bus, "kept": place or None})
        return
    controller = f" of the new controller {plan.controller}" if plan.controller else ""
    click.echo(f"{plan.id} ({plan.driver}) plugged into {name} on {plan.bus}{controller}")
    if place:
        click.echo(f"added to {place}")


def _planned(offered: Offer, words: Sequence[str]) -> Plan:
    from workbench.domain.hotplug.plan import PlanProblems, plan
    from workbench.errors import UsageError, WorkbenchError

    values = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UsageError(f"{word!r} is not KEY=VALUE")
        if key in values:
            raise UsageError(f"{key} is given twice")
        values[key] = os.path.abspath(os.path.expanduser(value)) if key in PATHS and value else value
    if offered.no_room:
        raise WorkbenchError(offered.no_room)
    try:
        return plan(offered, values)
    except PlanProblems as error:
        raise UsageError(str(error)) from error


def _print_steps(plan: Plan, as_json: bool) -> None:
    if as_json:
        print_json([{"execute": step.command, "arguments": step.arguments} for step in plan.steps])
        return
    for step in plan.steps:
        click.echo(step.words)
