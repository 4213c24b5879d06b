"""``workbench start NAME``: start a guest, detached, and wait until its QMP answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from workbench.engine.state import Running
    from workbench.settings import Settings


@click.command("start")
@click.argument("name")
@json_option
@pass_settings
def command(settings: Settings, name: str, as_json: bool) -> None:
    """Start the guest of profile NAME, detached: it runs on when you leave."""
    running = run(start_guest(settings, name))
    facts = running.facts
    if as_json:
        print_json({"name": name, "state": "running", "pid": running.pid, "accelerator": facts.accelerator})
    else:
        click.echo(f"{name} runs: pid {running.pid}, {facts.accelerator.upper()} ({facts.accelerator_reason})")
        click.echo(
            f"its serial console: {running.path / 'serial.log'}; a monitor of your own: {running.path / 'qmp-user.sock'}"
        )


async def start_guest(settings: Settings, name: str) -> Running:
    """Load, plan and start; every mistake in the profile is told at once."""
    from workbench.engine.launch import start
    from workbench.engine.plan import plan
    from workbench.engine.profiles import ProfileStore
    from workbench.engine.state import StateDirectory

    loaded = ProfileStore(settings.profiles).load(name)
    return await start(StateDirectory(settings.state), await plan(loaded, settings))
