"""``workbench command``: print the QEMU command line of a profile."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.settings import Settings


@click.command("command")
@click.argument("name")
@json_option
@pass_settings
def command(settings: Settings, name: str, as_json: bool) -> None:
    """Print the QEMU command line that `start` would run, for a shell or (with --json) as a list."""
    from workbench.engine.profiles.store import ProfileStore
    from workbench.engine.start.plan import plan

    planned = run(plan(ProfileStore(settings.profiles).load(name), settings, check=False))
    if as_json:
        print_json(planned.argv)
    else:
        click.echo(shell_lines(planned.launch.binary, [part.options for part in planned.parts]))


def shell_lines(binary: str, options: Sequence[Sequence[str]]) -> str:
    """A command that can be pasted into a POSIX shell, one option on each line."""
    return " \\\n  ".join([shlex.quote(binary), *(shlex.join(words) for words in options)])
