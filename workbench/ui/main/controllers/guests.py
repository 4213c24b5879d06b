"""The life cycle of guests: start, stop, pause, reset; asks before data is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.guest.lifecycle import Phase
from workbench.domain.host.hugepages import HugepageShortage, Supply
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.base import Engine
    from workbench.ui.guests.list import Action
    from workbench.ui.main.desk import Desk

POWER_DOWN_PATIENCE = 10.0
"""Seconds for a guest to power down before the screen offers to kill it."""


class LifeCycle:
    """Carries out what the list of guests asks for, except for profiles."""

    def __init__(
        self,
        desk: Desk,
        open_rebalance: Callable[[Engine], object],
        offer_kill_later: Callable[[GuestSnapshot], object],
    ) -> None:
        """
        :param open_rebalance: opens the rebalance of all guests.
        :param offer_kill_later: calls :meth:`offer_kill` after ``POWER_DOWN_PATIENCE``.
        """
        self._desk = desk
        self._open_rebalance = open_rebalance
        self._offer_kill_later = offer_kill_later

    async def act(self, action: Action, name: str) -> None:
        """Carry out an action on a guest; nothing if there is no guest with this name."""
        snapshot = next((guest for guest in self._desk.engine.guests() if guest.name == name), None)
        if snapshot is None:
            return
        if action == "rebalance":
            self._rebalance()
        elif action == "start":
            await self._start(snapshot)
        elif not snapshot.phase.alive:
            self._desk.tell(f"{snapshot.name} is not running: s starts it", severity="warning", seconds=3)
        elif action == "stop":
            await self._stop(snapshot)
        elif action == "pause":
            guest = self._desk.guest(snapshot.name)
            await self._desk.attempt(guest.resume if snapshot.phase is Phase.PAUSED else guest.pause)
        elif action == "reset":
            await self._reset(snapshot)

    def _rebalance(self) -> None:
        if any(guest.phase.alive for guest in self._desk.engine.guests()):
            self._open_rebalance(self._desk.engine)
        else:
            self._desk.tell("No guest is running: s starts the chosen one", severity="warning", seconds=3)

    async def _start(self, snapshot: GuestSnapshot) -> None:
        if snapshot.phase.alive:
            self._desk.tell(f"{snapshot.name} is already running", severity="warning", seconds=3)
            return
        for caution in snapshot.cautions:
            self._desk.tell(caution, title=snapshot.name, severity="warning", seconds=15)
        try:
            await self._desk.engine.start(snapshot.name)
        except HugepageShortage as error:
            await self._offer_hugepages(snapshot.name, error)
        except WorkbenchError as error:
            self._desk.show_error(error)

    async def _offer_hugepages(self, name: str, error: HugepageShortage) -> None:
        """Offer to grow a hugepage pool that is too small; the commands for root are shown too."""
        answer = await self._desk.ask(
            f"Allocate hugepages for {name}?",
            f"{error.message[:1].upper()}{error.message[1:]}.\n\n{error.hint}\n\n"
            "The workbench can do this if it has permission, and then start the guest. A partial allocation is undone.",
            ("return", "Allocate, free later", "primary"),
            ("keep", "Allocate and keep", "primary"),
        )
        if answer:
            await self._desk.attempt(lambda: self._desk.engine.start(name, Supply(answer)))

    async def _stop(self, snapshot: GuestSnapshot) -> None:
        """Power down or kill; if the guest does not power down, offer to kill it."""
        paused = "It is paused and reacts only once resumed. " if snapshot.phase is Phase.PAUSED else ""
        answer = await self._desk.ask(
            f"Stop {snapshot.name}?",
            "Power down presses the guest's power button, and the guest shuts down by itself. "
            + paused
            + "Kill ends QEMU now; data that the guest has not written is lost.",
            ("down", "Power down", "primary"),
            ("kill", "Kill", "error"),
        )
        if not self._desk.still_runs(snapshot):
            return  # it ended or restarted while the question was open
        if answer == "kill":
            await self._kill(snapshot)
        elif answer == "down" and await self._desk.attempt(lambda: self._desk.guest(snapshot.name).power_down()):
            self._offer_kill_later(snapshot)

    async def offer_kill(self, snapshot: GuestSnapshot) -> None:
        """Offer to kill a guest that was powered down and still runs."""
        if not self._desk.still_runs(snapshot):
            return
        answer = await self._desk.ask(
            f"{snapshot.name} is still running",
            f"It did not power down within {POWER_DOWN_PATIENCE:g} s. It may need longer, or it ignores its power "
            "button. Kill ends QEMU now; data that the guest has not written is lost.",
            ("kill", "Kill", "error"),
        )
        if answer == "kill" and self._desk.still_runs(snapshot):
            await self._kill(snapshot)

    async def _kill(self, snapshot: GuestSnapshot) -> None:
        await self._desk.attempt(lambda: self._desk.guest(snapshot.name).kill())

    async def _reset(self, snapshot: GuestSnapshot) -> None:
        answer = await self._desk.ask(
            f"Reset {snapshot.name}?",
            "It restarts at once, as with a reset button; data that it has not written is lost.",
            ("reset", "Reset", "warning"),
        )
        if answer == "reset" and self._desk.still_runs(snapshot):
            await self._desk.attempt(lambda: self._desk.guest(snapshot.name).reset())
