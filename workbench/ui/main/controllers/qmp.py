"""Commands of the QMP console; asks before data is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from workbench.domain.balloon.target import commanded_target
from workbench.domain.qmp.effects import effects_of
from workbench.domain.text import visible
from workbench.errors import WorkbenchError
from workbench.ui.balloon.text import risk_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.balloon.safety.forecast import Forecast
    from workbench.domain.preferences import Preferences
    from workbench.domain.qmp.typed_line import Request
    from workbench.engine.base import Guest
    from workbench.ui.main.desk import Desk
    from workbench.ui.qmp.waits import Wait

NAMED = 44
"""Characters of a command in a question's title, so that the guest's name fits after it."""


class Console(Protocol):
    """What a command needs of :class:`workbench.ui.qmp.console.QmpConsole`."""

    def explain(self, error: WorkbenchError) -> None: ...

    def wait_for(self, command: str, give_up: Callable[[], object]) -> Wait: ...

    def no_longer(self, wait: Wait) -> None: ...


class QmpCommands:
    """Sends the commands of the console to the guest shown."""

    def __init__(
        self, desk: Desk, console: Console, plan: Callable[[int], Forecast | None], preferences: Preferences
    ) -> None:
        """:param plan: the effect of a balloon target in bytes on the guest shown; None if not known."""
        self._desk = desk
        self._console = console
        self._plan = plan
        self._preferences = preferences

    async def run(self, request: Request) -> None:
        """Send a command, after a question if it loses something, and wait until QEMU answers or the user gives up."""
        chosen = self._desk.chosen
        if chosen is None or not await self._agreed(chosen.name, request):
            return
        if self._desk.still_runs(chosen):
            await self._send(self._desk.guest(chosen.name), request)
        else:
            self._console.explain(WorkbenchError(f"{request.command}: not sent, {chosen.name} has ended"))

    async def _send(self, guest: Guest, request: Request) -> None:
        # QEMU's replies reach the console through the record; other errors are shown here.
        sent = asyncio.ensure_future(guest.execute(request.command, request.arguments, oob=request.oob))
        wait = self._console.wait_for(request.command, sent.cancel)
        try:
            await asyncio.wait({sent})
            if not sent.cancelled() and isinstance(error := sent.exception(), WorkbenchError):
                self._console.explain(error)
            elif not sent.cancelled():
                sent.result()
        finally:
            sent.cancel()
            self._console.no_longer(wait)

    async def _agreed(self, name: str, request: Request) -> bool:
        """Ask before a command that loses something; return whether to send it."""
        if not self._preferences.ask:
            return True
        target = commanded_target(request.command, request.arguments)
        plan = self._plan(target) if target is not None else None
        if plan is not None and plan.risky:
            return await self._ask(*risk_words(name, plan))
        words = await lost_by(self._desk.guest(name), request)
        return not words or await self._ask(f"{typed(request)} on {name}?", words)

    async def _ask(self, title: str, words: str) -> bool:
        return await self._desk.ask(title, words, ("send", "Send it", "warning")) == "send"


def typed(request: Request) -> str:
    """A command as the user typed it, shortened for a title."""
    line = f"!{request.arguments.get('command-line', '')}" if request.hmp else request.command
    return visible(line if len(line) <= NAMED else f"{line[: NAMED - 1]}\N{HORIZONTAL ELLIPSIS}")


async def lost_by(guest: Guest, request: Request) -> str:
    """The irreversible effects of a command, one per line; empty when there are none."""
    effects = [
        effect
        for effect in effects_of(request.command, request.arguments, guest.snapshot.qemu_version)
        if not effect.file or await guest.lookups.has_file(effect.file)
    ]
    named = request.command in ("transaction",) or len(effects) > 1
    return "\n".join(f"{effect.command}: {effect.words}" if named else effect.words for effect in effects)
