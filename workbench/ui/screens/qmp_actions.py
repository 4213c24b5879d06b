"""What the user wants sent from the QMP console, with the question before a loss."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import on, work

from workbench.domain.effects import effects_of
from workbench.domain.preferences import Preferences
from workbench.errors import WorkbenchError
from workbench.ui.dialogs import confirm
from workbench.ui.screens.balloon_actions import BalloonActions
from workbench.ui.widgets.qmp_console import QmpConsole

if TYPE_CHECKING:
    from workbench.domain.qmp_input import Request
    from workbench.engine.base import Guest


class QmpActions(BalloonActions):
    """The part of the screen that carries it out."""

    preferences = Preferences()

    @on(QmpConsole.Submitted)
    @work(group="qmp")
    async def _run_command(self, message: QmpConsole.Submitted) -> None:
        chosen = self._chosen
        if chosen is None:
            return
        request = message.request
        if not await self._agreed(chosen.name, request):
            return
        if not self._still_runs(chosen):
            self.query_one(QmpConsole).explain(WorkbenchError(f"{request.command}: {chosen.name} has ended meanwhile"))
            return
        # What QEMU answers stands in the record already, and so in the console; the rest is told there too.
        guest, console = self._guest(chosen.name), self.query_one(QmpConsole)
        sent = asyncio.ensure_future(guest.execute(request.command, request.arguments, oob=request.oob))
        wait = console.wait_for(request.command, sent.cancel)
        try:
            await asyncio.wait({sent})
            if not sent.cancelled() and isinstance(error := sent.exception(), WorkbenchError):
                console.explain(error)
            elif not sent.cancelled():
                sent.result()
        finally:
            sent.cancel()
            console.no_longer(wait)

    async def _agreed(self, name: str, request: Request) -> bool:
        """Whether the user wants what the command does, once it is named."""
        if not self.preferences.ask:
            return True
        words = await lost_by(self._guest(name), request)
        if not words:
            return True
        question = confirm(f"{request.command} on {name}?", words, ("send", "Send it", "warning"))
        return await self.app.push_screen_wait(question) == "send"


async def lost_by(guest: Guest, request: Request) -> str:
    """What a command would do that cannot be taken back, a line for each; empty for one that loses nothing."""
    effects = [
        effect
        for effect in effects_of(request.command, request.arguments)
        if not effect.file or await guest.lookups.has_file(effect.file)
    ]
    named = request.command in ("transaction",) or len(effects) > 1
    return "\n".join(f"{effect.command}: {effect.words}" if named else effect.words for effect in effects)
