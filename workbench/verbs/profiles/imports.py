"""``workbench import``: a profile from a QEMU command line, a script, libvirt XML or a running QEMU."""

from __future__ import annotations

import os
import shlex
import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, pass_settings, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from workbench.domain.convert.qemu.importer import Imported
    from workbench.settings import Settings


@click.group("import")
def command() -> None:
    """Make a profile from a QEMU command line, libvirt XML or a running QEMU, and print it."""


write_option = click.option("--write", metavar="NAME", help="Write profile NAME instead of printing.")


@command.command("qemu", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@write_option
@json_option
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
@pass_settings
def qemu(settings: Settings, argv: Sequence[str], write: str | None, as_json: bool) -> None:
    """Import a command line given after --, or a script read from standard input."""
    from workbench.domain.convert.qemu.importer import import_qemu
    from workbench.domain.convert.shell.qemu_commands import PROGRAM
    from workbench.domain.convert.shell.script import Script, read_script
    from workbench.engine.host.foreign_qemu import command_outputs, read_config
    from workbench.errors import UsageError

    if argv:
        start = next((index for index, word in enumerate(argv) if PROGRAM.match(word)), None)
        notes = [f"{' '.join(argv[:start])} before QEMU: left out, the workbench starts QEMU directly"] if start else []
        found = Script(tuple(argv[start:]), notes) if start is not None else read_script(shlex.join(argv))
        if not found.argv:
            raise UsageError(
                "the command line does not run QEMU",
                hint="for example: workbench import qemu -- qemu-system-x86_64 …",
            )
        imported = import_qemu(found.argv, found.notes, read=partial(read_config, os.getcwd()))
    else:
        yours = {name: os.environ[name] for name in ("HOME", "USER", "LOGNAME") if name in os.environ}
        script = read_script(sys.stdin.read(), yours, command_outputs())
        if not script.argv:
            raise UsageError(
                "no command on standard input runs QEMU",
                hint="pass a script, or a command line after --: workbench import qemu -- qemu-system-x86_64 …\n"
                "for a script that builds its command at run time: run it, then workbench import running PID",
            )
        imported = import_qemu(
            script.argv, script.notes, source="a shell script", read=partial(read_config, os.getcwd())
        )
    _deliver(settings, imported, write, as_json)


@command.command("running")
@write_option
@json_option
@click.argument("pid", type=click.IntRange(min=1))
@pass_settings
def running(settings: Settings, pid: int, write: str | None, as_json: bool) -> None:
    """Import a running QEMU by its PID."""
    from workbench.domain.convert.qemu.importer import import_qemu
    from workbench.engine.host.foreign_qemu import command_line_of, read_config

    argv, directory = command_line_of(pid)
    imported = import_qemu(
        argv,
        ["devices that were plugged in or changed since the start are not included"],
        source=f"the QEMU with pid {pid}",
        directory=directory,
        read=partial(read_config, directory),
    )
    _deliver(settings, imported, write, as_json)


@command.command("libvirt")
@write_option
@json_option
@click.argument("file", type=click.File("r", encoding="utf-8"))
@pass_settings
def libvirt(settings: Settings, file: TextIO, write: str | None, as_json: bool) -> None:
    """Import libvirt domain XML from FILE, or from standard input: virsh dumpxml NAME | workbench import libvirt -"""
    from workbench.domain.convert.libvirt.importer import LibvirtError, import_libvirt
    from workbench.errors import UsageError

    try:
        imported = import_libvirt(file.read())
    except LibvirtError as error:
        raise UsageError(f"{file.name}: {error}", hint="virsh dumpxml NAME prints a domain") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file.name} is not UTF-8") from error
    _deliver(settings, imported, write, as_json)


def _deliver(settings: Settings, imported: Imported, write: str | None, as_json: bool) -> None:
    """Print or write the profile; notes on what differs go to standard error."""
    path = None
    if write is not None:
        path = _write(settings, write, imported.text)
    if as_json:
        print_json(
            {
                "name": imported.name or None,
                "profile": imported.text,
                "notes": list(imported.notes),
                "path": str(path) if path else None,
            }
        )
        return
    if path is None:
        click.echo(imported.text, nl=False)
    for note in imported.notes:
        click.echo(f"workbench: note: {note}", err=True)
    if path is not None:
        click.echo(f"{path}")


def _write(settings: Settings, name: str, text: str) -> object:
    """:raise HostError: when a profile of that name exists, or it cannot be written."""
    from workbench.engine.profiles.store import ProfileStore
    from workbench.errors import HostError

    store = ProfileStore(settings.profiles)
    if (settings.profiles / f"{name}.toml").exists():
        raise HostError(
            f"profile {name} already exists: {settings.profiles / f'{name}.toml'}",
            hint="choose another name, or remove it first",
        )
    return store.write(name, text)
