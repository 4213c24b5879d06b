"""Whether the screen and every command say the same of one guest at the same time."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from tests.commandline import DEADLINE
from tests.engine.local.opened import balloon_of

if TYPE_CHECKING:
    from tests.commandline import CommandLine
    from workbench.engine.session.guest import SessionGuest

FIGURES = ("target", "actual")


async def all_agree(workbench: CommandLine, guest: SessionGuest, *, moving: bool = False) -> None:
    """Compare state, cause and figures of a guest that is at rest.

    What changes while the commands run is compared again.

    :param moving: the figures never rest: only state and cause are compared.
    """
    end = time.monotonic() + DEADLINE
    while True:
        before = _of_screen(guest)
        said = {name: await asyncio.to_thread(_said, workbench, name) for name in COMMANDS}
        after = _of_screen(guest)
        keys = ("state", "cause_code") if moving else ("state", "cause", "cause_code", *FIGURES)
        wanted = {key: before[key] for key in keys}
        found = {name: {key: one[key] for key in keys} for name, one in said.items()}
        if all(one == wanted for one in found.values()):
            return
        assert time.monotonic() < end or before != after, (wanted, found)
        assert time.monotonic() < 2 * end, "it never rests"


def _of_screen(guest: SessionGuest) -> dict[str, object]:
    balloon = balloon_of(guest)
    verdict, reading = balloon.verdict, balloon.reading
    assert reading is not None
    code = verdict.code.value if verdict.code else None
    figures = {"target": reading.target, "actual": reading.actual}
    return {"state": verdict.state.value, "cause": verdict.cause, "cause_code": code, **figures}


COMMANDS = {
    "balloon": ("balloon", "demo", "--json"),
    "balloon --all": ("balloon", "--all", "--json"),
    "watch": ("watch", "demo", "--count", "1", "--json"),
    "list": ("list", "--json"),
    "rebalance": ("rebalance", "demo", "--budget", "max", "--dry-run", "--json"),
}


def _said(workbench: CommandLine, name: str) -> dict[str, Any]:
    done = workbench(*COMMANDS[name])
    found = json.loads(done.stdout)
    match name:
        case "rebalance":
            (found,) = found["guests"]
        case "balloon --all":
            (found,) = found
        case "list":
            (one,) = [one for one in found if one["name"] == "demo"]
            found = one["balloon"]
    assert isinstance(found, dict), done
    return found
