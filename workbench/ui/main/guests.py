"""What the user asks of a guest as a whole: start, stop, pause, reset; with the questions that come before a loss."""

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
"""Seconds that a guest may take to power down until the screen offers to kill it."""


class GuestActions(ProfileActions):
    """The part of the screen that carries them out."""

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
            self.notify(f"{snapshot.name} does not run: s starts it", severity="warning", timeout=3, markup=False)
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
            self.notify("no guest runs: s starts the chosen one", severity="warning", timeout=3, markup=False)
            return
        self.app.push_screen(RebalanceScreen(self._engine))

    async def _start_guest(self, snapshot: GuestSnapshot) -> None:
        if snapshot.phase.alive:
            self.notify(f"{snapshot.name} runs already", severity="warning", timeout=3, markup=False)
            return
        for caution in snapshot.cautions:
            self.notify(caution, title=snapshot.name, severity="warning", timeout=15, markup=False)
        try:
            await self._engine.start(snapshot.name)
        except HugepageShortage as error:
            await self._offer_hugepages(snapshot.name, error)
        except WorkbenchError as error:
            self._tell(error)

    async def _offer_hugepages(self, name: str, error: HugepageShortage) -> None:
        """A pool that is too small can be grown from here; what root types for it stands there all the same."""
        answer = await self.app.push_screen_wait(
            confirm(
                f"Hugepages for {name}?",
                f"{error.message[:1].upper()}{error.message[1:]}.\n\n{error.hint}\n\n"
                "The workbench can do that, where it may, and start the guest. What it cannot make whole it undoes.",
                ("return", "Make, return later", "primary"),
                ("keep", "Make and keep", "primary"),
            )
        )
        if answer:
            await self._try(lambda: self._engine.start(name, Supply(answer)))

    async def _stop(self, snapshot: GuestSnapshot) -> None:
        """Power down, and when the guest does not follow, ask whether to kill it."""
        paused = "It is paused, and follows only when it runs on. " if snapshot.phase is Phase.PAUSED else ""
        answer = await self.app.push_screen_wait(
            confirm(
                f"Stop {snapshot.name}?",
                "Power down presses the guest's power button: it ends in its own order. "
                + paused
                + "Kill ends QEMU now, and what the guest has not written is lost.",
                ("down", "Power down", "primary"),
                ("kill", "Kill", "error"),
            )
        )
        if not self._still_runs(snapshot):
            return  # it ended, or ended and started anew, while the question stood there
        if answer == "kill":
            await self._try(lambda: self._guest(snapshot.name).kill())
        elif answer == "down" and await self._try(lambda: self._guest(snapshot.name).power_down()):
            self.set_timer(POWER_DOWN_PATIENCE, lambda: self._offer_kill(snapshot))

    def _still_runs(self, snapshot: GuestSnapshot) -> bool:
        """Whether this run of the guest is still there."""
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
                f"{snapshot.name} still runs",
                f"It did not power down within {POWER_DOWN_PATIENCE:g} s. It may need longer, or not listen to its power "
                "button. Kill ends QEMU now, and what the guest has not written is lost.",
                ("kill", "Kill", "error"),
            )
        )
        if answer == "kill" and self._still_runs(snapshot):
            await self._try(lambda: self._guest(snapshot.name).kill())

    async def _reset(self, snapshot: GuestSnapshot) -> None:
        answer = await self.app.push_screen_wait(
            confirm(
                f"Reset {snapshot.name}?",
                "It starts over at once, as with its reset button: what it has not written is lost.",
                ("reset", "Reset", "warning"),
            )
        )
        if answer == "reset" and self._still_runs(snapshot):
            await self._try(lambda: self._guest(snapshot.name).reset())

    async def _try(self, request: Callable[[], Awaitable[object]]) -> bool:
        """Do what the user asked for, and say whether it was done; an error is told, and nothing else ends."""
        try:
            await request()
        except WorkbenchError as error:
            self._tell(error)
            return False
        return True

    def _guest(self, name: str) -> Guest:
        return self._engine.guest(name)
