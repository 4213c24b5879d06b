"""The record of QMP messages: saves it, and goes to the device of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.qmp.lookups import Kind, Lookup
from workbench.domain.text import visible
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.qmp.record.record import Record
    from workbench.ui.main.desk import Desk


class RecordRequests:
    """Carries out what the record of the guest shown asks for."""

    def __init__(self, desk: Desk, go_to_device: Callable[[str], bool]) -> None:
        """:param go_to_device: goes to a device in the tree, by id or QOM path; false if it has none."""
        self._desk = desk
        self._go_to_device = go_to_device

    async def show_device(self, device: str) -> None:
        """Go to the device named in an event, by its id or QOM path, if the guest still has it."""
        chosen = self._desk.chosen
        if chosen is None:
            return
        path = device if device.startswith("/") else f"/machine/peripheral/{device}"
        lookup = Lookup(Kind.CHILD, path.rpartition("/")[0] or "/")
        try:
            beside = await self._desk.guest(chosen.name).lookups.known(lookup)
        except WorkbenchError as error:
            self._desk.tell(f"{visible(device)}: {error.message}", seconds=3)
            return
        if not (any(one.value == path for one in beside) and self._go_to_device(device)):
            self._desk.tell(f"{visible(device)} is not a device of this guest", seconds=5)

    async def save(self, record: Record | None) -> None:
        """Save the messages exchanged with the guest shown, and show the path."""
        chosen = self._desk.chosen
        if record is None or chosen is None or not len(record):
            self._desk.tell("No messages yet", seconds=2)
            return
        messages = tuple(record)
        try:
            file = await self._desk.engine.keep_record(chosen.name, messages)
        except WorkbenchError as error:
            self._desk.tell(f"Not saved: {error.message}", severity="error")
        else:
            self._desk.tell(f"{len(messages):,} messages: {file}", title="Saved", seconds=8)
