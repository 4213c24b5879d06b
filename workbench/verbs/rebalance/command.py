"""``workbench rebalance [NAME…] --budget SIZE``: share one memory budget among guests."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from workbench.verbs.common import json_option, open_engine, pass_settings, print_json, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.domain.rebalance.progress import Course, Stage
    from workbench.domain.rebalance.proposal import Proposal
    from workbench.settings import Settings


@click.command("rebalance")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--budget", required=True, metavar="SIZE", help="The sum of all targets: 2G, or 50% of the guests' RAM.")
@click.option("--dry-run", is_flag=True, help="Show what would change and exit.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Time limit. Default: 60 s plus the pauses of ramps. Exit 4 when a guest misses its target.",
)
@json_option
@pass_settings
def command(
    settings: Settings, names: tuple[str, ...], budget: str, dry_run: bool, yes: bool, wait: float | None, as_json: bool
) -> None:
    """Share one memory budget among all running guests, or those named.

    Idle memory is taken first, in proportion; no guest goes below its floor; what is left over goes to the guests with the
    least available memory. Guests give memory up before others get it.
    """
    from workbench.domain.rebalance.guests import ramp_of
    from workbench.domain.rebalance.progress import Course, patience
    from workbench.errors import UsageError
    from workbench.verbs.rebalance.words import as_object, proposal_lines

    if not (dry_run or yes or (sys.stdin.isatty() and sys.stderr.isatty())):
        raise UsageError(
            "cannot ask for confirmation: not a terminal",
            hint="use --yes to change the guests without asking, or --dry-run to see what would change",
        )
    snapshots = run(_read(settings, names))
    proposal = _propose(snapshots, budget)
    if not as_json:
        for line in proposal_lines(proposal):
            click.echo(line)
    if dry_run or proposal.short or not proposal.changes:
        if as_json:
            print_json(as_object(proposal))
        check_met(proposal)
        return
    if not yes:
        _ask(proposal)
    wait = patience(proposal, {one.name: ramp for one in snapshots if (ramp := ramp_of(one))}) if wait is None else wait
    course = Course(proposal, deadline=time.monotonic() + wait)
    try:
        run(_carry_out(settings, course, quiet=as_json))
    finally:  # report the outcome even when interrupted
        course.stop("interrupted")
        _report(proposal, course, as_json=as_json)
    check_reached(course, wait)


async def _read(settings: Settings, names: Sequence[str]) -> list[GuestSnapshot]:
    """The guests, with statistics that match their present size.

    :raise NotFound: when a named guest is not running, or none is.
    """
    from workbench.engine.rebalance.figures import figures_of
    from workbench.errors import NotFound

    async with open_engine(settings) as engine:
        wanted = list(dict.fromkeys(names)) or [guest.name for guest in engine.guests() if guest.phase.alive]
        if not wanted:
            raise NotFound("no guest is running", hint="to start one: workbench start NAME")
        return await figures_of([engine.guest(name) for name in wanted])


def _propose(snapshots: Sequence[GuestSnapshot], budget: str) -> Proposal:
    """Work out the new targets of the guests."""
    from workbench.domain.rebalance.guests import candidate_of, parse_budget
    from workbench.domain.rebalance.proposal import propose
    from workbench.domain.units import SizeError
    from workbench.errors import UsageError

    candidates = [candidate_of(snapshot, time.time()) for snapshot in snapshots]
    try:
        size = parse_budget(budget, ram=sum(guest.ram for guest in candidates))
    except SizeError as error:
        raise UsageError(str(error), hint="for example 2G, or 50% of the RAM of these guests") from error
    return propose(candidates, size)


def check_met(proposal: Proposal) -> None:
    """:raise WorkbenchError: when the budget is too small."""
    from workbench.domain.units import MIB
    from workbench.errors import WorkbenchError

    if proposal.short:
        least = -(-(proposal.budget + proposal.short) // MIB)
        raise WorkbenchError(
            proposal.words, hint=f"nothing was changed; use at least --budget {least}M, or stop something in a guest"
        )


def _ask(proposal: Proposal) -> None:
    """:raise WorkbenchError: when the answer is no."""
    from workbench.errors import WorkbenchError

    count = len(proposal.changes)
    if not click.confirm(f"Change {count} guest{'' if count == 1 else 's'}?", err=True):
        raise WorkbenchError("nothing was changed")


async def _carry_out(settings: Settings, course: Course, *, quiet: bool) -> None:
    from workbench.verbs.rebalance.words import progress_line

    shown: dict[str, Stage] = {}

    def report(course: Course) -> None:
        """Report each guest when it starts to move and when it is done."""
        for name, one in course.progress.items():
            if shown.get(name) is not one.stage and one.line.change:
                shown[name] = one.stage
                if not quiet and (line := progress_line(one)):
                    click.echo(line)

    async with open_engine(settings) as engine:
        await engine.carry_out(course, report)


def _report(proposal: Proposal, course: Course, *, as_json: bool) -> None:
    from workbench.verbs.rebalance.words import as_object, outcome_lines

    if as_json:
        print_json(as_object(proposal, course))
    else:
        for line in outcome_lines(course):
            click.echo(line)


def check_reached(course: Course, wait: float) -> None:
    """
    :raise WorkbenchError: when a guest failed.
    :raise NotReached: when a guest misses its target.
    """
    from workbench.domain.rebalance.progress import Stage
    from workbench.errors import NotReached, WorkbenchError

    hint = "to see the guests: workbench list; to continue, run the same command again"
    failed = [name for name, one in course.progress.items() if one.stage is Stage.FAILED]
    if failed:
        raise WorkbenchError(f"failed for: {', '.join(failed)}", hint=hint)
    if not course.complete:
        behind = [
            name
            for name, one in course.progress.items()
            if one.stage in (Stage.LATE, Stage.HELD, Stage.RELEASED) or one.goal != one.line.new
        ]
        raise NotReached(f"not at their targets after {wait:g} s: {', '.join(behind)}", hint=hint)
