"""``workbench compare``: two profiles, or a running guest and its profile, by keys and by QEMU options."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from workbench.domain.compare.drift import Difference, Live
    from workbench.domain.compare.keys import Comparison, KeyChange
    from workbench.domain.compare.options import Change
    from workbench.engine.local.profiles import ProfileFiles
    from workbench.settings import Settings


@click.command("compare")
@click.argument("name")
@click.argument("other", required=False)
@json_option
@pass_settings
def command(settings: Settings, name: str, other: str | None, as_json: bool) -> None:
    """Compare profile OTHER with NAME, by keys and by QEMU options.

    Without OTHER, show what a restart of the running guest NAME would change. Exit 1 when something differs.
    """
    if run(_pair(settings, name, other, as_json) if other is not None else _restart(settings, name, as_json)):
        raise click.exceptions.Exit(1)


async def _pair(settings: Settings, name: str, other: str, as_json: bool) -> bool:
    """Two profiles; whether they differ."""
    files = _files(settings)
    known = await files.read(other)
    found = await files.compare(known, known.text, name)
    if as_json:
        print_json(_comparison_json(found))
    elif found:
        _print(_key_lines(found.keys), _lines(found.options))
    else:
        click.echo(f"{name} and {other} are equal")
    return bool(found)


async def _restart(settings: Settings, name: str, as_json: bool) -> bool:
    """The running guest and its profile; whether a restart would change something."""
    from pathlib import Path

    from workbench.domain.command_line.checked import ProfileText
    from workbench.engine.profiles.store import read_text
    from workbench.verbs.common import open_guest
    from workbench.verbs.devices.tree_json import drift_json

    async with open_guest(settings, name) as guest:
        differences, live = await guest.devices.drift(), await guest.devices.live()
        path = Path(guest.snapshot.profile_path)  # that it was started from, wherever that is

    async def look(name: str) -> Live:
        return live

    known = ProfileText(name, str(path), read_text(path))
    found = await _files(settings, look).compare(known, known.text, "")
    if as_json:
        print_json(_comparison_json(found) | {"differences": drift_json(differences)})
    elif found:
        _print(_key_lines(found.keys), _lines(found.options), _other_lines(found.others))
    else:
        click.echo(f"{name} matches its profile")
    return bool(found)


def _files(settings: Settings, look: Callable[[str], Awaitable[Live]] | None = None) -> ProfileFiles:
    from workbench.engine.local.profiles import ProfileFiles
    from workbench.engine.profiles.store import ProfileStore

    return ProfileFiles(ProfileStore(settings.profiles), settings, look)


def _print(*lines: Iterator[str]) -> None:
    """Print lines whose names and values may hold control characters."""
    from workbench.domain.text import visible

    click.echo("\n".join(visible(line) for some in lines for line in some))


def _key_lines(keys: Sequence[KeyChange]) -> Iterator[str]:
    for key in keys:
        yield f"{key.mark} {key.key}: {key.one} \u2192 {key.other}{'  (no QEMU option)' if key.no_option else ''}"


def _lines(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        if change.one is None and change.other is not None:
            yield f"+ {' '.join(change.other.options)}"
        elif change.other is None and change.one is not None:
            yield f"- {' '.join(change.one.options)}"
        else:
            yield f"~ {change.name}: {change.words}"


def _other_lines(others: Sequence[Difference]) -> Iterator[str]:
    from workbench.domain.compare.drift import Kind

    for one in others:
        gone = one.kind is Kind.EXTRA
        words = (
            "plugged in by another client, gone after a restart"
            if gone
            else "unplugged by another client, back after a restart"
        )
        yield f"{'-' if gone else '+'} {one.name}: {one.type}, {words}"


def _comparison_json(found: Comparison) -> dict[str, object]:
    return {"keys": [_key_json(key) for key in found.keys], "options": [_json(one) for one in found.options]}


def _key_json(key: KeyChange) -> dict[str, object]:
    return {"key": key.key, "one": key.one, "other": key.other, "option": not key.no_option}


def _json(change: Change) -> dict[str, object]:
    one, other = change.one, change.other
    made = one or other
    return {
        "option": change.name,
        "key": made.key if made else "",
        "one": list(one.options) if one else None,
        "other": list(other.options) if other else None,
    }
