"""The click group of all verbs. The module of a verb is imported when the verb is called."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

from workbench import __version__
from workbench.settings import Settings

VERBS = {
    "list": "List profiles and running guests.",
    "status": "Show one guest in detail.",
    "check": "Check profiles and list their problems.",
    "command": "Print the QEMU command line of a profile.",
    "start": "Start a guest in the background.",
    "stop": "Power a guest down, or kill it.",
    "pause": "Stop a guest's CPUs.",
    "resume": "Resume a paused guest.",
    "reset": "Reset a guest.",
    "balloon": "Show the balloon, or set its target.",
    "rebalance": "Share one memory budget among guests.",
    "watch": "Watch the balloons of guests, one line each.",
    "qmp": "Run one QMP or HMP command.",
    "events": "Follow a guest's QMP events.",
    "tree": "Show the device tree of a guest.",
    "plug": "Plug a device into a running guest.",
    "unplug": "Unplug a device from a running guest.",
    "import": "Make a profile from a QEMU command line, a script, libvirt XML or a running QEMU.",
    "export": "Print a profile as a QEMU command line, a script or libvirt XML.",
    "compare": "Compare two profiles, or a running guest with its profile.",
    "doctor": "Check this host's setup.",
    "demo": "Build and start the demo guest, and open the screen.",
}

MODULES = {
    "list": "guests.list",
    "status": "guests.status",
    "check": "profiles.check",
    "command": "profiles.command",
    "start": "guests.start",
    "stop": "guests.stop",
    "pause": "guests.pause",
    "resume": "guests.resume",
    "reset": "guests.reset",
    "balloon": "balloon.command",
    "rebalance": "rebalance.command",
    "watch": "balloon.watch",
    "qmp": "qmp.command",
    "events": "qmp.events",
    "tree": "devices.tree",
    "plug": "devices.plug",
    "unplug": "devices.unplug",
    "import": "profiles.imports",
    "export": "profiles.export",
    "compare": "profiles.compare",
    "doctor": "guests.doctor",
    "demo": "guests.demo",
}
"""The module of each verb below ``workbench.verbs``, imported when the verb is called."""


class Verbs(click.Group):
    """Imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"workbench.verbs.{MODULES[cmd_name]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in VERBS:
            from difflib import get_close_matches

            near = get_close_matches(name, VERBS, 1)
            ctx.fail(f"no verb {name!r}" + (f": did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)


@click.group(
    cls=Verbs,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--profiles",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="WORKBENCH_PROFILES",
    metavar="DIR",
    help="Directory of profiles. Default: qemu-workbench/profiles in the XDG config home.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="WORKBENCH_STATE",
    metavar="DIR",
    help="Directory of running guests. Default: $XDG_RUNTIME_DIR/workbench.",
)
@click.version_option(__version__, prog_name="workbench", message="%(prog)s %(version)s")
@click.pass_context
def workbench(ctx: click.Context, profiles: Path | None, state: Path | None) -> None:
    """A terminal workbench for people who run QEMU themselves.

    Without a verb, open the screen. Guests keep running when you leave it.
    """
    ctx.obj = Settings(profiles_option=profiles, state_option=state)
    if ctx.invoked_subcommand is None:
        from workbench.verbs.screen import open_screen

        open_screen(ctx.obj)


def run() -> int:
    """Run the command line and return its exit code. Usage errors are printed here, other errors are raised.

    When the reader of the output goes away (``workbench list | head -1``), click exits with 1 silently.
    """
    try:
        code = workbench.main(prog_name="workbench", standalone_mode=False)
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        click.echo(f"workbench: {error.format_message()}", err=True)
        usage = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "workbench"
        click.echo(f"hint: {usage} --help", err=True)
        return error.exit_code
    return code if isinstance(code, int) else 0
