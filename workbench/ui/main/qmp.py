"""QMP actions of the main screen: sends console commands, saves messages; asks before data is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import on, work

from workbench.domain.balloon.target import commanded_target
from workbench.domain.preferences import Preferences
from workbench.domain.qmp.effects import effects_of
from workbench.domain.qmp.lookups import Kind, Lookup
from workbench.domain.text import visible
from workbench.errors import WorkbenchError
from workbench.ui.balloon.panel import BalloonPanel
from workbench.ui.balloon.text import risk_words
from workbench.ui.common.dialogs import confirm
from workbench.ui.devices.pane import DeviceTreePane
from workbench.ui.main.balloon import BalloonActions
from workbench.ui.qmp.console import QmpConsole
from workbench.ui.qmp.record.pane import RecordPane

if TYPE_CHECKING:
    from workbench.domain.qmp.typed_line import Request
    from workbench.engine.base import Guest


NAMED = 44
"""Characters of a command in a question's title, so that the guest's name fits after it."""


class QmpActions(BalloonActions):
    """The part of the main screen that serves the QMP console."""

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
            self.query_one(QmpConsole).explain(WorkbenchError(f"{request.command}: not sent, {chosen.name} has ended"))
            return
        # QEMU's replies reach the console through the record; other errors are shown here.
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
        """Ask before a command that loses something; return whether to send it."""
        if not self.preferences.ask:
            return True
        target = commanded_target(request.command, request.arguments)
        plan = self.query_one(BalloonPanel).plan(target) if target is not None else None
        if plan is not None and plan.risky:
            ask = confirm(*risk_words(name, plan), ("send", "Send it", "warning"))
            return await self.app.push_screen_wait(ask) == "send"
        words = await lost_by(self._guest(name), request)
        if not words:
            return True
        line = f"!{request.arguments.get('command-line', '')}" if request.hmp else request.command
        line = line if len(line) <= NAMED else f"{line[: NAMED - 1]}\N{HORIZONTAL ELLIPSIS}"
        question = confirm(f"{visible(line)} on {name}?", words, ("send", "Send it", "warning"))
        return await self.app.push_screen_wait(question) == "send"

    @on(RecordPane.DeviceWanted)
    @work(group="device", exclusive=True)
    async def _show_device(self, message: RecordPane.DeviceWanted) -> None:
        """Go to the device named in an event, if the guest still has it."""
        chosen = self._chosen
        if chosen is None:
            return
        what = message.device
        path = what if what.startswith("/") else f"/machine/peripheral/{what}"
        try:
            beside = await self._guest(chosen.name).lookups.known(Lookup(Kind.CHILD, path.rpartition("/")[0] or "/"))
        except WorkbenchError as error:
            self.notify(f"{visible(what)}: {error.message}", timeout=3, markup=False)
            return
        if any(one.value == path for one in beside) and self.query_one(DeviceTreePane).reveal(what):
            await self.run_action("pane('devices')")
        else:
            self.notify(f"{visible(what)} is not a device of this guest", timeout=5, markup=False)

    @on(RecordPane.SaveWanted)
    @work(group="save")
    async def _save_record(self) -> None:
        """Save the messages exchanged with the guest shown, and show the path."""
        pane, chosen = self.query_one(RecordPane), self._chosen
        if pane.record is None or chosen is None or not len(pane.record):
            self.notify("No messages yet", timeout=2)
            return
        messages = tuple(pane.record)
        try:
            file = await self._engine.keep_record(chosen.name, messages)
        except WorkbenchError as error:
            self.notify(f"Not saved: {error.message}", severity="error", markup=False)
            return
        self.notify(f"{len(messages):,} messages: {file}", title="Saved", timeout=8, markup=False)


async def lost_by(guest: Guest, request: Request) -> str:
    """The irreversible effects of a command, one per line; empty when there are none."""
    effects = [
        effect
        for effect in effects_of(request.command, request.arguments, guest.snapshot.qemu_version)
        if not effect.file or await guest.lookups.has_file(effect.file)
    ]
    named = request.command in ("transaction",) or len(effects) > 1
    return "\n".join(f"{effect.command}: {effect.words}" if named else effect.words for effect in effects)
