"""Verbs that send one QMP command: ``pause``, ``resume`` and ``reset``."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import guest_monitor, json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.settings import Settings

EVENT = 2.0
"""Seconds to wait for an event that follows the reply to its command."""


def verb(name: str, qmp: str, words: str, doc: str) -> click.Command:
    """Make a verb that runs one QMP command without arguments and prints the state after it.

    :param words: printed after the guest's name, such as ``is paused``.
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
    from workbench.domain.balloon.history.marks import mark_of_event
    from workbench.engine.balloon.record.marks import MarksFile
    from workbench.engine.state.directory import StateDirectory

    async with guest_monitor(settings, guest) as monitor:
        marks = MarksFile(StateDirectory(settings.state).running(guest).path)
        reset = asyncio.Event()

        def keep(event: str, data: Mapping[str, object], when: float) -> None:
            if (mark := mark_of_event(event, data, when)) is not None:
                marks.add(mark)
            if event == "RESET":
                reset.set()

        # Without an open screen, this is the only place that records it in the balloon's history.
        monitor.on_event(keep)
        await monitor.execute(qmp)
        if qmp == "system_reset":
            with suppress(TimeoutError):  # its event comes after the reply
                await asyncio.wait_for(reset.wait(), EVENT)
        reply = await monitor.execute("query-status")
        return str(reply["status"]) if isinstance(reply, dict) else ""
