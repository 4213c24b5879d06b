"""The verbs that only send one command: ``pause``, ``resume`` and ``reset``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workbench.verbs.common import guest_monitor, json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from workbench.settings import Settings


def verb(name: str, qmp: str, words: str, doc: str) -> click.Command:
    """A verb that runs one QMP command without arguments and tells the state after it.

    :param words: what is said when it is done, such as ``is paused``.
    """

    @click.command(name, help=doc)
    @click.argument("guest", metavar="NAME")
    @json_option
    @pass_settings
    def command(settings: Settings, guest: str, as_json: bool) -> None:
        status = run(_send(settings, guest, qmp))
        if as_json:
            print_json({"name": guest, "state": status})
        else:
            click.echo(f"{guest} {words}")

    return command


async def _send(settings: Settings, guest: str, qmp: str) -> str:
    async with guest_monitor(settings, guest) as monitor:
        await monitor.execute(qmp)
        reply = await monitor.execute("query-status")
        return str(reply["status"]) if isinstance(reply, dict) else ""
