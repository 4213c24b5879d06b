"""``workbench qmp NAME COMMAND [key=value…]``: run one QMP or HMP command, or many with ``-`` and ``--replay``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, open_guest, pass_settings, print_json, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.qmp.typed_line import Request
    from workbench.engine.base import Guest
    from workbench.settings import Settings


# Words that look like options belong to the command: `workbench qmp demo --hmp info mtree -f`.
@click.command("qmp", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("words", nargs=-1, metavar="[COMMAND [KEY=VALUE]… | -]", type=click.UNPROCESSED)
@click.option("--hmp", is_flag=True, help="Send an HMP line; the output is text.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=5.0, metavar="S", help="Default: 5.")
@click.option(
    "--replay", type=click.Path(path_type=Path), metavar="FILE", help="Send the user's commands from a saved record."
)
@click.option("--keep-going", is_flag=True, help="With many commands: continue after one that fails.")
@click.option(
    "--yes",
    is_flag=True,
    help="Also send commands known to crash this QEMU version; with --replay, commands that may end or harm the guest.",
)
@json_option
@pass_settings
def command(
    settings: Settings,
    name: str,
    words: tuple[str, ...],
    hmp: bool,
    timeout: float,
    replay: Path | None,
    keep_going: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Run one QMP command and print its reply as JSON.

    Arguments are KEY=VALUE, with A.B=C inside a struct and JSON for lists, or one JSON object. A whole QMP command can be
    given as a JSON object and is sent unchanged. Sizes can be written as 256M. A line that begins with ! goes to the
    human monitor.

    With - commands are read from standard input, one on each line as in the console. Each is answered by one line of
    JSON: {"line": 1, "command": "query-name", "return": {}}, or with "error" instead of "return". Blank lines and lines
    that begin with # are skipped. Stops at the first error without --keep-going.
    """
    from workbench.errors import UsageError

    if (replay is None) == (not words):
        hint = f"for example: workbench qmp {name} query-status"
        raise UsageError("give either a command, - to read from standard input, or --replay FILE", hint=hint)
    if replay is not None or words == ("-",):
        run(_run_many(settings, name, hmp, timeout, replay, keep_going, yes))
    else:
        run(_run(settings, name, words, hmp, timeout, yes, as_json))


async def _run(
    settings: Settings, name: str, words: Sequence[str], hmp: bool, timeout: float, yes: bool, as_json: bool
) -> None:
    from workbench.domain.qmp.record.transcript import json_line
    from workbench.domain.qmp.typed_line import hmp_request
    from workbench.errors import CommandFailed
    from workbench.verbs.qmp.many import failure_of, refuse_deadly

    async with open_guest(settings, name) as guest:
        request = hmp_request(" ".join(words)) if hmp else await _read(guest, words)
        if not yes:
            refuse_deadly(request, await guest.version())
        try:
            reply = await guest.execute(request.command, request.arguments, oob=request.oob, deadline=timeout)
        except CommandFailed as error:
            raise failure_of(error) from error
    if as_json:
        click.echo(json_line(reply))
    elif request.hmp and isinstance(reply, str):
        _print_text(reply)
    else:
        print_json(reply)


async def _run_many(
    settings: Settings, name: str, hmp: bool, timeout: float, replay: Path | None, keep_going: bool, yes: bool
) -> None:
    from workbench.verbs.qmp.many import Runner, read_steps, run_lines, run_steps

    async with open_guest(settings, name) as guest:
        runner = Runner(guest, await guest.version(), timeout, keep_going, yes)
        if replay is not None:
            await run_steps(runner, read_steps(replay, yes, guest.snapshot.pid or 0, runner.version))
        else:
            await run_lines(runner, await guest.schema(), hmp)
    if runner.failed is not None:
        raise runner.failed


async def _read(guest: Guest, words: Sequence[str]) -> Request:
    """Parse the words with the running QEMU's schema, and check them unless they are a whole JSON command."""
    from workbench.domain.qmp.typed_line import checked, hmp_request, parse_line, parse_words

    start = words[0].lstrip()
    if start.startswith("!"):
        return hmp_request(" ".join([start[1:], *words[1:]]).strip())
    if start.startswith("{"):
        return parse_words(words)
    schema = await guest.schema()
    if len(words) == 1:
        return checked(parse_line(words[0], schema), schema)  # a whole line, as in the console
    return checked(parse_words(words, schema), schema)


def _print_text(text: str) -> None:
    """Print HMP output; on a terminal, control characters are escaped."""
    from workbench.domain.text import visible

    lines = text.replace("\r\n", "\n").rstrip("\n")
    if lines and sys.stdout.isatty():
        lines = "\n".join(visible(line.expandtabs()) for line in lines.split("\n"))
    if lines:
        click.echo(lines)
