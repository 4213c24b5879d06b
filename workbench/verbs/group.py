"""The verbs as click sees them: each one is a module of ``workbench.verbs`` that is loaded when it is called."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

from workbench import __version__
from workbench.settings import Settings

VERBS = {
    "list": "Profiles and running guests.",
    "status": "Everything that is known of one guest.",
    "check": "Every problem of a profile, with its line.",
    "command": "The QEMU command line that a profile gives.",
    "start": "Start a guest, detached.",
    "stop": "Power a guest down; kill it when told.",
    "pause": "Stop a guest's CPUs.",
    "resume": "Let a paused guest run on.",
    "reset": "Reset a guest, as its reset button does.",
    "balloon": "Show the balloon, or set its target.",
    "rebalance": "Share one budget out among guests.",
    "watch": "One line a guest, again and again.",
    "qmp": "Run one QMP or HMP command.",
    "events": "Follow a guest's QMP events.",
    "tree": "The device tree.",
    "plug": "Plug a device into a running guest.",
    "unplug": "Take a device out of a running guest.",
    "import": "A profile from a QEMU command line, a script, a libvirt domain or a QEMU that runs.",
    "export": "A profile as a QEMU command line, a script or a libvirt domain.",
    "compare": "Two profiles by their options, or a running guest with what its profile says now.",
    "doctor": "What this host can do, and what to mend.",
    "demo": "Build the demo guest if needed, start it, open the screen.",
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
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"workbench.verbs.{MODULES[cmd_name]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs without importing one of them."""
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
    help="Where the profiles are. Default: qemu-workbench/profiles below the XDG config home.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="WORKBENCH_STATE",
    metavar="DIR",
    help="Where running guests live. Default: $XDG_RUNTIME_DIR/workbench.",
)
@click.version_option(__version__, prog_name="workbench", message="%(prog)s %(version)s")
@click.pass_context
def workbench(ctx: click.Context, profiles: Path | None, state: Path | None) -> None:
    """A terminal workbench for people who run QEMU themselves.

    Without a verb: the screen. Guests run on when you leave it.
    """
    ctx.obj = Settings(profiles_option=profiles, state_option=state)
    if ctx.invoked_subcommand is None:
        from workbench.verbs.screen import open_screen

        open_screen(ctx.obj)


def run() -> int:
    """Run the command line and give its exit code; mistakes in it are told here, other errors are raised.

    When the reader of our output goes away (``workbench list | head -1``), click ends us with 1 and says nothing.
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
