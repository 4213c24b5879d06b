"""Shared by the verbs: run a coroutine, print JSON, open the engine or one guest of it."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from workbench.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable
    from contextlib import AbstractAsyncContextManager

    from workbench.engine.base import Engine, Guest
    from workbench.engine.profiles.store import LoadedProfile

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


def open_engine(settings: Settings) -> AbstractAsyncContextManager[Engine]:
    """The guests of this host, each read when it is asked for."""
    from workbench.engine.local.opening import open_engine

    return open_engine(settings)


@asynccontextmanager
async def open_guest(settings: Settings, name: str) -> AsyncIterator[Guest]:
    """One guest, with one connection for all that the verb asks of it.

    :raise workbench.errors.NotFound: when no guest of that name runs, here or at the first request.
    """
    async with open_engine(settings) as engine:
        guest = engine.guest(name)
        async with guest.hold():
            yield guest
