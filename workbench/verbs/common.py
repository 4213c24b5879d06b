"""Shared by the verbs: run a coroutine, print JSON, connect to a running guest's monitor."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from workbench.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable

    from workbench.engine.profiles.store import LoadedProfile
    from workbench.engine.qmp.monitor import Monitor
    from workbench.engine.state.directory import Running, StateDirectory
    from workbench.errors import MonitorClosed

T = TypeVar("T")

pass_settings = click.make_pass_decorator(Settings)
"""Gives a verb the :class:`Settings` as its first argument."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def run(coroutine: Coroutine[object, object, T]) -> T:
    """Run a verb's coroutine."""
    return asyncio.run(coroutine)


def print_json(value: object) -> None:
    """Print a value as JSON, indented, keys in the order given."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def warn_of(loaded: Iterable[LoadedProfile]) -> None:
    """Print the cautions of profiles on standard error."""
    from workbench.domain.profile.cautions import cautions

    for each in loaded:
        for path, words in cautions(each.profile) if each.profile else ():
            click.echo(f"workbench: warning: {each.parsed.problem(each.file, path, words)}", err=True)


@asynccontextmanager
async def guest_monitor(
    settings: Settings, name: str, socket: str = "qmp-cli.sock", *, deadline: float = 5.0
) -> AsyncIterator[Monitor]:
    """The monitor of a running guest that is reserved for the command line.

    :param deadline: seconds until a monitor that accepts and sends no greeting counts as busy or frozen.
    :raise workbench.errors.NotFound: when no guest of that name runs.
    :raise workbench.errors.MonitorTimeout: when QEMU does not answer, and at once when its process is stopped.
    :raise workbench.errors.MonitorClosed: when the connection ends; with the exit status of QEMU, if it ended.
    """
    from workbench.engine.qmp.monitor import Monitor
    from workbench.engine.qmp.silence import is_stopped, stopped_error
    from workbench.engine.state.directory import StateDirectory
    from workbench.errors import MonitorClosed, MonitorTimeout

    state = StateDirectory(settings.state)
    running = state.running(name)
    if is_stopped(running.pid):
        raise stopped_error(name, running.pid)
    try:
        monitor = await Monitor.connect(running.path / socket, deadline=deadline)
        try:
            yield monitor
        finally:
            await monitor.close()
    except MonitorTimeout as error:
        if is_stopped(running.pid):
            raise stopped_error(name, running.pid, sent=error.sent) from error
        raise
    except MonitorClosed as error:
        if state.find(name) is None:
            await _add_exit(error, state, running)
        raise


async def _add_exit(error: MonitorClosed, state: StateDirectory, running: Running) -> None:
    """Put how QEMU ended in front of the message."""
    from workbench.domain.guest.lifecycle import exit_words
    from workbench.engine.start.launch import find_end

    ended = await find_end(state, running)
    error.message = f"{running.name}: {exit_words(ended.code)}: {error.message}"
    error.hint = error.hint or ended.cause or f"to start it again: workbench start {running.name}"
