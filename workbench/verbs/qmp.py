"""``workbench qmp NAME COMMAND [key=value…]``: one QMP or HMP command, its reply on stdout."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import guest_monitor, json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.qmp_input import Request
    from workbench.engine.monitor import Monitor
    from workbench.settings import Settings


# Words that look like options belong to the command: `workbench qmp demo --hmp info mtree -f`.
@click.command("qmp", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("words", nargs=-1, required=True, metavar="COMMAND [KEY=VALUE]…", type=click.UNPROCESSED)
@click.option("--hmp", is_flag=True, help="A line for the human monitor instead; its output is text.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=5.0, metavar="S", help="Default: 5.")
@json_option
@pass_settings
def command(settings: Settings, name: str, words: tuple[str, ...], hmp: bool, timeout: float, as_json: bool) -> None:
    """Run one QMP command and print its reply as JSON.

    Arguments are KEY=VALUE, with A.B=C inside a struct and JSON for lists, or one JSON object. A whole QMP command may be
    given as one JSON object; it is sent as it stands. Sizes may be written as 256M.
    """
    run(_run(settings, name, words, hmp, timeout, as_json))


async def _run(settings: Settings, name: str, words: Sequence[str], hmp: bool, timeout: float, as_json: bool) -> None:
    from workbench.domain.qmp_input import hmp_request
    from workbench.errors import CommandFailed, WorkbenchError

    async with guest_monitor(settings, name) as monitor:
        request = hmp_request(" ".join(words)) if hmp else await _read(settings, monitor, words)
        try:
            reply = await monitor.execute(request.command, request.arguments, deadline=timeout)
        except CommandFailed as error:
            raise WorkbenchError(f"{error.error_class}: {error.message}") from error
    if request.hmp and isinstance(reply, str) and not as_json:
        _print_text(reply)
    else:
        print_json(reply)


async def _read(settings: Settings, monitor: Monitor, words: Sequence[str]) -> Request:
    """Read the words with the running QEMU's schema, and check what is no whole JSON command against it."""
    from workbench.domain.qmp_input import checked, parse_words
    from workbench.engine.schema import read_schema

    if words[0].lstrip().startswith(("{", "!")):
        return parse_words(words)
    schema = await read_schema(monitor, settings.cache)
    return checked(parse_words(words, schema), schema)


def _print_text(text: str) -> None:
    """HMP's output. On a terminal, control characters that a guest may have put into it are written as escapes."""
    from workbench.domain.text import visible

    lines = text.replace("\r\n", "\n").rstrip("\n")
    if lines and sys.stdout.isatty():
        lines = "\n".join(visible(line.expandtabs()) for line in lines.split("\n"))
    if lines:
        click.echo(lines)
