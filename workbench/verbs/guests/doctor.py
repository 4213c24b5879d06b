"""``workbench doctor``: check this host's setup."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from msgspec import to_builtins

from workbench.verbs.common import json_option, pass_settings, print_json, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.engine.doctor import Finding
    from workbench.settings import Settings

ARROW = "\N{RIGHTWARDS ARROW}"
COLOURS = {"ok": "green", "note": "yellow", "missing": "red"}


@click.command("doctor")
@json_option
@pass_settings
def command(settings: Settings, as_json: bool) -> None:
    """Check this host's setup: QEMU, accelerators, hypervisor, memory, hugepages, directories, demo guest.

    Exit 1 when the demo guest cannot run.
    """
    from workbench.engine.doctor import Status, examine

    host, findings = run(examine(settings))
    missing = [finding.topic for finding in findings if finding.status is Status.MISSING]
    if as_json:
        print_json(
            {"ok": not missing, "host": to_builtins(host), "findings": [to_builtins(finding) for finding in findings]}
        )
    else:
        # None lets click detect a terminal; NO_COLOR (no-color.org) overrides it.
        colour = False if os.environ.get("NO_COLOR") else None
        for line in report_lines(findings):
            click.echo(line, color=colour)
        click.echo(f"missing: {', '.join(missing)}" if missing else "the demo guest can run: workbench demo")
    if missing:
        raise SystemExit(1)


def report_lines(findings: list[Finding]) -> Iterator[str]:
    """Each finding with its advice below."""
    width = max(len(finding.topic) for finding in findings)
    margin = " " * (8 + 1 + width + 2)
    for finding in findings:
        status = click.style(f"{finding.status:<8}", fg=COLOURS[finding.status], bold=True)
        first, *more = finding.text.splitlines()
        yield f"{status} {finding.topic:<{width}}  {first}"
        yield from (margin + line for line in more)
        yield from (f"{margin}{ARROW} {line}" for line in finding.advice.splitlines())
