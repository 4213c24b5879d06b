"""``workbench balloon NAME [TARGET] [--wait [SECONDS]]``: show the balloon, or set its target."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Unpack

import click

from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.balloon.safety.status import status_of
from workbench.verbs.balloon.options import More, do, is_wanted, more_options
from workbench.verbs.balloon.set import Wanted
from workbench.verbs.balloon.words import LOOK, as_lines, balloon_object
from workbench.verbs.common import json_option, open_guest, pass_settings, print_json, run

if TYPE_CHECKING:
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.errors import NotReached
    from workbench.settings import Settings

WAIT = 30.0
"""Seconds that ``--wait`` without a number waits."""


class BalloonCommand(click.Command):
    """Accepts ``-5`` as a target, to be rejected as negative, but not a mistyped option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        for word in args[: args.index("--")] if "--" in args else args:
            name = word.partition("=")[0]
            if word.startswith("-") and len(word) > 1 and not word[1].isdigit() and name not in known:
                near = get_close_matches(name, known)
                raise click.NoSuchOption(name, possibilities=near, ctx=ctx)
        return super().parse_args(ctx, args)


@click.command("balloon", cls=BalloonCommand, context_settings={"ignore_unknown_options": True})
@click.argument("name", required=False)
@click.argument("target", required=False)
@click.option(
    "--wait",
    is_flag=False,
    flag_value=WAIT,
    type=click.FloatRange(min=0),
    metavar="[SECONDS]",
    help=f"Wait until the diff is 0, for {WAIT:g} s if no number is given. Exit 4 if it is not.",
)
@click.option("--path", is_flag=True, help="Trace TARGET through QEMU and the guest. Waits like --wait.")
@click.option(
    "--ramp",
    metavar="STEP/SECONDS",
    help="Inflate in steps such as 64M/2s, or 'off'. Waits like --wait. Default with --wait: from the profile.",
)
@click.option("--guard", is_flag=True, help="Give all memory back if the guest runs short of it. Waits like --wait.")
@click.option("--yes", is_flag=True, help="Do not ask before setting a target below the floor.")
@more_options
@json_option
@pass_settings
def command(
    settings: Settings,
    name: str | None,
    target: str | None,
    wait: float | None,
    path: bool,
    ramp: str | None,
    guard: bool,
    yes: bool,
    as_json: bool,
    **more: Unpack[More],
) -> None:
    """Show the balloon of guest NAME, or set its TARGET: 256M, 50%, +64M, max, or a preset of its profile."""
    changes = target is not None or wait is not None or path or ramp is not None or guard or yes
    if is_wanted(more, name, changes=changes) or name is None:
        do(settings, name, more, as_json=as_json)
        return
    _check_options(name, target, path=path, protected=ramp is not None or guard)
    if wait is None and (path or ramp is not None or guard):
        wait = WAIT
    wanted = Wanted(ramp, guard, yes)
    if path and target is not None and wait is not None:
        from workbench.verbs.balloon import path as balloon_path

        balloon_path.show(settings, name, target, wait, wanted, as_json=as_json)
        return
    guest, why = run(_balloon(settings, name, target, wait, wanted))
    balloon = guest.balloon
    assert balloon is not None
    if as_json:
        print_json(balloon_object(guest))
    else:
        for line in as_lines(name, balloon, status_of(balloon, guest.safety, guest.protection)):
            click.echo(line)
    if why is not None:
        raise why
    verdict = balloon.verdict
    if wait is not None and verdict.state is not State.SETTLED:
        from workbench.errors import NotReached

        raise NotReached(
            f"{name} did not reach its target within {wait:g} s: {verdict.cause or verdict.state.value}",
            hint=verdict.advice or f"to see whether it still moves: workbench balloon {name}",
        )


def _check_options(name: str, target: str | None, *, path: bool, protected: bool) -> None:
    """:raise UsageError: for options that do not go together."""
    from workbench.errors import UsageError

    if path and target is None:
        raise UsageError("--path needs a target", hint=f"for example: workbench balloon {name} 256M --path")
    if protected and target is None:
        raise UsageError("--ramp and --guard need a target", hint=f"for example: workbench balloon {name} 256M --guard")


async def _balloon(
    settings: Settings, name: str, target: str | None, wait: float | None, wanted: Wanted
) -> tuple[GuestSnapshot, NotReached | None]:
    """The guest afterwards, and why its target was missed if known."""
    from workbench.verbs.balloon.set import care_of, change, required, wait_for

    async with open_guest(settings, name) as guest:
        why = None
        if target is not None:
            before = await guest.refresh()  # the guest's view before the change
            care = care_of(before.safety, wanted, wait=wait is not None)
            why = await change(guest, required(before), target, care, wait)
        elif wait is not None:
            await wait_for(guest, wait)
        # What takes longer to see is in the guest's directory from earlier reads.
        return await guest.refresh(settle=LOOK), why
