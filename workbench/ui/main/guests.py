"""Guest actions of the main screen: start, stop, pause, reset; asks before data is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work

from workbench.domain.guest.lifecycle import Phase
from workbench.domain.host.hugepages import HugepageShortage, Supply
from workbench.errors import WorkbenchError
from workbench.ui.common.dialogs import confirm
from workbench.ui.guests.list import GuestList
from workbench.ui.main.profiles import PROFILE_ACTIONS, ProfileActions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.base import Guest

POWER_DOWN_PATIENCE = 10.0
"""Seconds for a guest to power down before the screen offers to kill it."""


class GuestActions(ProfileActions):
    """The part of the main screen that serves the list of guests."""

    @on(GuestList.ActionRequested)
    @work(group="lifecycle")
    async def _act(self, message: GuestList.ActionRequested) -> None:
        snapshot = next((guest for guest in self._engine.guests() if guest.name == message.name), None)
        if message.action in PROFILE_ACTIONS:
            await self._act_on_profile(message.action, snapshot)
            return
        if snapshot is None:
            return
        if message.action == "rebalance":
            self._rebalance()
        elif message.action == "start":
            await self._start_guest(snapshot)
        elif not snapshot.phase.alive:
            self.notify(f"{snapshot.name} is not running: s starts it", severity="warning", timeout=3, markup=False)
        elif message.action == "stop":
            await self._stop(snapshot)
        elif message.action == "pause":
            guest = self._guest(snapshot.name)
            await self._try(guest.resume if snapshot.phase is Phase.PAUSED else guest.pause)
        elif message.action == "reset":
            await self._reset(snapshot)

    def _rebalance(self) -> None:
        from workbench.ui.rebalance.screen import RebalanceScreen

        if not any(guest.phase.alive for guest in self._engine.guests()):
            self.notify("No guest is running: s starts the chosen one", severity="warning", timeout=3, markup=False)
            return
        self.app.push_screen(RebalanceScreen(self._engine))

    async def _start_guest(self, snapshot: GuestSnapshot) -> None:
        if snapshot.phase.alive:
            self.notify(f"{snapshot.name} is already running", severity="warning", timeout=3, markup=False)
            return
        for caution in snapshot.cautions:
            self.notify(caution, title=snapshot.name, severity="warning", timeout=15, markup=False)
        try:
            await self._engine.start(snapshot.name)
        except HugepageShortage as error:
            await self._offer_hugepages(snapshot.name, error)
        except WorkbenchError as error:
            self._show_error(error)

    async def _offer_hugepages(self, name: str, error: HugepageShortage) -> None:
        """Offer to grow a hugepage pool that is too small; the commands for root are shown too."""
        answer = await self.app.push_screen_wait(
            confirm(
                f"Allocate hugepages for {name}?",
                f"{error.message[:1].upper()}{error.message[1:]}.\n\n{error.hint}\n\n"
                "The workbench can do this if it has permission, and then start the guest. A partial allocation is undone.",
                ("return", "Allocate, free later", "primary"),
                ("keep", "Allocate and keep", "primary"),
            )
        )
        if answer:
            await self._try(lambda: self._engine.start(name, Supply(answer)))

    async def _stop(self, snapshot: GuestSnapshot) -> None:
        """Power down or kill; if the guest does not power down, offer to kill it."""
        paused = "It is paused and reacts only once resumed. " if snapshot.phase is Phase.PAUSED else ""
        answer = await self.app.push_screen_wait(
            confirm(
                f"Stop {snapshot.name}?",
                "Power down presses the guest's power button, and the guest shuts down by itself. "
                + paused
                + "Kill ends QEMU now; data that the guest has not written is lost.",
                ("down", "Power down", "primary"),
                ("kill", "Kill", "error"),
            )
        )
        if not self._still_runs(snapshot):
            return  # it ended or restarted while the question was open
        if answer == "kill":
            await self._try(lambda: self._guest(snapshot.name).kill())
        elif answer == "down" and await self._try(lambda: self._guest(snapshot.name).power_down()):
            self.set_timer(POWER_DOWN_PATIENCE, lambda: self._offer_kill(snapshot))

    def _still_runs(self, snapshot: GuestSnapshot) -> bool:
        """Whether this run of the guest is still alive."""
        return any(
            guest.name == snapshot.name and guest.pid == snapshot.pid and guest.phase.alive
            for guest in self._engine.guests()
        )

    @work(group="offer-kill")
    async def _offer_kill(self, snapshot: GuestSnapshot) -> None:
        if not self._still_runs(snapshot):
            return
        answer = await self.app.push_screen_wait(
            confirm(
                f"{snapshot.name} is still running",
                f"It did not power down within {POWER_DOWN_PATIENCE:g} s. It may need longer, or it ignores its power "
                "button. Kill ends QEMU now; data that the guest has not written is lost.",
                ("kill", "Kill", "error"),
            )
        )
        if answer == "kill" and self._still_runs(snapshot):
            await self._try(lambda: self._guest(snapshot.name).kill())

    async def _reset(self, snapshot: GuestSnapshot) -> None:
        answer = await self.app.push_screen_wait(
            confirm(
                f"Reset {snapshot.name}?",
                "It restarts at once, as with a reset button; data that it has not written is lost.",
                ("reset", "Reset", "warning"),
            )
        )
        if answer == "reset" and self._still_runs(snapshot):
            await self._try(lambda: self._guest(snapshot.name).reset())

    async def _try(self, request: Callable[[], Awaitable[object]]) -> bool:
        """Run a request, show an error if it fails, and return whether it succeeded."""
        try:
            await request()
        except WorkbenchError as error:
            self._show_error(error)
            return False
        return True

    def _guest(self, name: str) -> Guest:
        return self._engine.guest(name)
