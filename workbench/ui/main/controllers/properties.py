"""Sets properties of devices; asks first if that may do harm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from workbench.domain.devices.qom_values import set_arguments
from workbench.domain.qmp.record.record import Origin
from workbench.errors import CommandFailed, WorkbenchError

if TYPE_CHECKING:
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.ui.devices.set_property import Change
    from workbench.ui.main.desk import Desk


class Answered(Protocol):
    """What is told how it went: a :class:`workbench.ui.devices.set_property.SetBar`."""

    def done(self, change: Change) -> None: ...

    def refused(self, change: Change, reason: str) -> None: ...


class PropertyRequests:
    """Sets properties of the guest shown."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def set(self, change: Change, bar: Answered) -> None:
        """Set a property, and tell the bar how it went; nothing if the user does not agree."""
        chosen = self._desk.chosen
        if chosen is None or not await self._agreed(chosen, change):
            return
        arguments = set_arguments(change.path, change.old.name, change.value)
        try:
            await self._desk.guest(chosen.name).execute("qom-set", arguments, origin=Origin.ACTION)
        except CommandFailed as error:
            bar.refused(change, error.description)
        except WorkbenchError as error:
            bar.refused(change, error.message)
        else:
            bar.done(change)

    async def _agreed(self, chosen: GuestSnapshot, change: Change) -> bool:
        """Ask before a change that may do harm; return whether to send it."""
        if not change.harm or change.undo:
            return True
        title = f"Set {change.old.name} of {chosen.name}?"
        answer = await self._desk.ask(title, f"{change.harm} {change.words}", ("send", "Set it", "warning"))
        return answer == "send" and self._desk.still_shown(chosen)
