"""``workbench export``: a profile as a QEMU command line, a script or libvirt XML."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from workbench.engine.start.plan import Plan
    from workbench.settings import Settings


@click.command("export")
@click.argument("name")
@click.option(
    "--to",
    "target",
    type=click.Choice(["qemu", "script", "libvirt"]),
    required=True,
    help="A command line, a shell script, or libvirt domain XML.",
)
@json_option
@pass_settings
def command(settings: Settings, name: str, target: str, as_json: bool) -> None:
    """Print profile NAME as a QEMU command line, a shell script or libvirt domain XML.

    What the output cannot express is listed on standard error.
    """
    from workbench.engine.profiles.store import ProfileStore
    from workbench.engine.start.plan import plan

    planned = run(plan(ProfileStore(settings.profiles).load(name), settings, check=False))
    text, notes = {"qemu": _line, "script": _script, "libvirt": _libvirt}[target](planned)
    if as_json:
        print_json({"guest": name, "to": target, "text": text, "notes": notes})
        return
    click.echo(text, nl=False)
    for note in notes:
        click.echo(f"workbench: not exported: {note}", err=True)


def _left(planned: Plan) -> list[str]:
    """What the workbench does for a guest besides running QEMU."""
    notes = []
    for index, scsi in enumerate(planned.profile.scsi):
        notes += [
            f"scsi[{index}].disk[{lun}].size: the image is created by workbench start"
            for lun, disk in enumerate(scsi.disk)
            if disk.size is not None
        ]
    if planned.launch.flash is not None and planned.profile.firmware.vars is None:
        notes.append(f"firmware.vars: created by workbench start: {planned.launch.flash.vars}")
    if planned.profile.cpu.pin:
        notes.append("cpu.pin: workbench pins the threads after the start")
    return notes


def _line(planned: Plan) -> tuple[str, list[str]]:
    notes = [f"the directory {planned.launch.directory} must exist"]
    if planned.profile.qemu.args:
        notes.append(f"relative paths in qemu.args start at {planned.launch.base}: run it there")
    return shlex.join(planned.argv) + "\n", [*notes, *_left(planned)]


def _script(planned: Plan) -> tuple[str, list[str]]:
    """A script that makes the directory of sockets and logs and executes QEMU."""
    notes = _left(planned)
    words = [shlex.join(part.options) for part in planned.parts]
    lines = [
        "#!/bin/sh",
        f"# Guest {planned.name}, exported from its workbench profile.",
        *(f"# Not exported: {' '.join(note.split())}" for note in notes),
        "set -eu",
        f"mkdir -p -m 700 {shlex.quote(planned.launch.directory)}",
        *([f"cd {shlex.quote(planned.launch.base)}"] if planned.profile.qemu.args else ()),
        " \\\n    ".join([f"exec {shlex.quote(planned.launch.binary)}", *words]),
    ]
    return "\n".join(lines) + "\n", notes


def _libvirt(planned: Plan) -> tuple[str, list[str]]:
    from workbench.domain.convert.libvirt.exporter import export_libvirt

    exported = export_libvirt(planned.profile, planned.launch)
    return exported.text, [*exported.notes, *_left(planned)]
