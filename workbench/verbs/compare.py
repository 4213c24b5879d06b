"""``workbench compare``: two profiles by the options that they give, or a running guest with what its profile says now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from workbench.domain.argv import ArgvPart
    from workbench.domain.compare import Change
    from workbench.settings import Settings


@click.command("compare")
@click.argument("name")
@click.argument("other", required=False)
@json_option
@pass_settings
def command(settings: Settings, name: str, other: str | None, as_json: bool) -> None:
    """How the profile OTHER differs from NAME, by QEMU's options; without OTHER, what a restart of NAME would change.

    Exit 1 when they differ.
    """
    if other is None:
        from workbench.verbs.tree import show_diff

        if run(show_diff(settings, name, as_json)):
            raise click.exceptions.Exit(1)
        return
    from workbench.domain.compare import compare

    async def parts() -> tuple[tuple[ArgvPart, ...], tuple[ArgvPart, ...]]:
        return await _parts(settings, name), await _parts(settings, other)

    changes = compare(*run(parts()))
    if as_json:
        print_json([_json(change) for change in changes])
    else:
        click.echo("\n".join(_lines(changes)) or f"{name} and {other} give the same options")
    if changes:
        raise click.exceptions.Exit(1)


async def _parts(settings: Settings, name: str) -> tuple[ArgvPart, ...]:
    """The options of a profile as of a guest named GUEST: its name and directory are no difference."""
    from dataclasses import replace

    from msgspec.structs import replace as renamed

    from workbench.domain.argv import argv_parts
    from workbench.engine.plan import plan
    from workbench.engine.profiles import ProfileStore

    planned = await plan(ProfileStore(settings.profiles).load(name), settings, check=False)
    launch = replace(planned.launch, directory=str(settings.state / "GUEST"))
    return argv_parts(renamed(planned.profile, name="GUEST"), launch)


def _lines(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        if change.one is None and change.other is not None:
            yield f"+ {' '.join(change.other.options)}"
        elif change.other is None and change.one is not None:
            yield f"- {' '.join(change.one.options)}"
        else:
            yield f"~ {change.name}: {change.words}"


def _json(change: Change) -> dict[str, object]:
    one, other = change.one, change.other
    made = one or other
    return {
        "option": change.name,
        "key": made.key if made else "",
        "one": list(one.options) if one else None,
        "other": list(other.options) if other else None,
    }
