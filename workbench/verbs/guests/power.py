"""Verbs that change a guest's run state: ``pause``, ``resume`` and ``reset``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, open_guest, pass_settings, print_json, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from workbench.engine.base import Guest
    from workbench.settings import Settings


def verb(name: str, change: Callable[[Guest], Awaitable[None]], words: str, doc: str) -> click.Command:
    """Make a verb that makes one change and prints the state after it.

    :param words: printed after the guest's name, such as ``is paused``.
    """

    @click.command(name, help=doc)
    @click.argument("guest", metavar="NAME")
    @json_option
    @pass_settings
    def command(settings: Settings, guest: str, as_json: bool) -> None:
        status = run(_change(settings, guest, change))
        if as_json:
            print_json({"name": guest, "state": status})
        else:
            click.echo(f"{guest} {words}")

    return command


async def _change(settings: Settings, name: str, change: Callable[[Guest], Awaitable[None]]) -> str:
    async with open_guest(settings, name) as guest:
        await change(guest)
        reply = await guest.execute("query-status")
        return str(reply["status"]) if isinstance(reply, dict) else ""
