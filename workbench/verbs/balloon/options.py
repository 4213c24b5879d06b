"""Other forms of ``workbench balloon``: one line for each guest, the history, a picture."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click

from workbench.verbs.common import open_engine, print_json, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.settings import Settings

OPTIONS = (
    click.option("--all", "everyone", is_flag=True, help="Show one line for each running guest."),
    click.option("--history", is_flag=True, help="Print the recorded history."),
    click.option("--csv", "as_csv", is_flag=True, help="With --history: print CSV, sizes in bytes."),
    click.option("--since", metavar="TIME", help="With --history and --picture: only the last 15m, 1h, 2d."),
    click.option(
        "--picture",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Write the history as a picture: .svg or .png.",
    ),
    click.option("--light", is_flag=True, help="With --picture: white background."),
)


class More(TypedDict):
    """The values of these options."""

    everyone: bool
    history: bool
    as_csv: bool
    since: str | None
    picture: Path | None
    light: bool


def more_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def is_wanted(more: More, name: str | None, *, changes: bool) -> bool:
    """Whether one of these options is given.

    :param changes: whether a target, or an option for one, is given too.
    :raise click.UsageError: for options that do not go together.
    """
    back = bool(more["history"] or more["picture"] or more["as_csv"] or more["since"] or more["light"])
    if more["everyone"]:
        if name is not None or back or changes:
            raise click.UsageError("--all takes no guest name and no option but --json")
        return True
    if name is None:
        raise click.UsageError("missing guest name (or --all)")
    if back and changes:
        raise click.UsageError("--history and --picture take no target and no --wait")
    return back


def do(settings: Settings, name: str | None, more: More, *, as_json: bool) -> None:
    if more["everyone"] or name is None:
        _show_all(settings, as_json=as_json)
    else:
        _look_back(settings, name, more, as_json=as_json)


def _look_back(settings: Settings, name: str, more: More, *, as_json: bool) -> None:
    from workbench.domain.balloon.history.window import parse_length
    from workbench.errors import UsageError
    from workbench.verbs.balloon import history as balloon_history

    history, file, as_csv = more["history"], more["picture"], more["as_csv"]
    if not history and file is None:
        raise click.UsageError("--since and --csv need --history, --since and --light need --picture")
    if history and file is not None:
        raise click.UsageError("--history and --picture exclude each other")
    if (as_csv and (as_json or not history)) or (more["light"] and file is None):
        raise click.UsageError("--csv needs --history and excludes --json, --light needs --picture")
    try:
        since = None if more["since"] is None else parse_length(more["since"])
    except ValueError as error:
        raise UsageError(str(error)) from error
    if file is not None:
        balloon_history.picture(settings, name, file, since, light=more["light"])
    else:
        balloon_history.show(settings, name, since, as_json=as_json, as_csv=as_csv)


def _show_all(settings: Settings, *, as_json: bool) -> None:
    """Ask all guests at the same time; the line of one that does not answer says why."""
    from workbench.verbs.balloon.watch_words import row_object, table

    seen = run(_read_all(settings))
    if as_json:
        now = time.time()
        print_json([row_object(guest, now) for guest in seen])
    else:
        for line in table(seen) if seen else ["no guest is running"]:
            click.echo(line)


async def _read_all(settings: Settings) -> Sequence[GuestSnapshot]:
    from workbench.verbs.balloon.words import LOOK

    async with open_engine(settings) as engine:
        return await engine.refresh(settle=LOOK)
