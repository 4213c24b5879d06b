"""Reads what the device tree of the guest shown asks for."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from workbench.domain.profile.problems import ProfileError
from workbench.errors import CommandFailed, HostError, NotFound, WorkbenchError
from workbench.ui.devices.store import Question, Want

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from workbench.domain.compare.drift import Difference
    from workbench.domain.devices.tree import DeviceTree
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.base import Devices
    from workbench.ui.devices.pane import DeviceTreePane
    from workbench.ui.main.desk import Desk

DEVICES_INTERVAL = 3.0
"""Seconds between reads of a running guest's device tree; an event that may have changed it triggers one at once."""


class DeviceReads:
    """Fills the device pane. Once the pane was removed, answers are dropped."""

    def __init__(self, desk: Desk, pane: DeviceTreePane, late_tree: asyncio.Future[DeviceTree] | None = None) -> None:
        """:param late_tree: a read of the tree that began before the screen existed."""
        self._desk = desk
        self._pane = pane
        self._late_tree = late_tree
        self._revision = -1
        """Revision of the devices that was read last."""
        self._profile_lines: Mapping[str, str] | None = None
        """Where the current profile has each device; None until read."""

    def show(self, snapshot: GuestSnapshot) -> bool:
        """Pass a new snapshot of the guest shown to the pane; return whether its tree has to be read."""
        pane = self._pane
        pane.guest = snapshot.name
        pane.profile_lines = snapshot.device_lines if self._profile_lines is None else self._profile_lines
        pane.version = snapshot.qemu_version
        pane.trouble = devices_trouble(snapshot)
        pane.pending = {one.id: str(one.state) for one in snapshot.unplugs}
        if snapshot.devices_revision == self._revision or snapshot.balloon is None:
            return False
        self._revision = snapshot.devices_revision
        return True

    def forget(self) -> None:
        """Clear the pane for another guest, or another run of the same one."""
        pane = self._pane
        pane.tree, pane.differences, pane.no_drift = None, (), ""
        self._revision, self._profile_lines = -1, None

    @property
    def readable(self) -> bool:
        """Whether the guest shown can be asked for its tree."""
        chosen = self._desk.chosen
        return chosen is not None and chosen.phase.alive and chosen.answering and chosen.balloon is not None

    async def read(self) -> None:
        """Read the tree, and how it differs from the profile."""
        chosen = self._desk.chosen
        if chosen is None:
            return
        # The pane shows that QEMU does not answer; the tree is read again when it does.
        with suppress(WorkbenchError):
            begun, self._late_tree = self._late_tree, None
            devices = self._desk.guest(chosen.name).devices
            tree = await (begun or devices.tree())
            if self._still_shown(chosen):
                self._pane.tree = tree
                self._pane.look_again()
            await self._read_drift(chosen, devices)

    async def _read_drift(self, chosen: GuestSnapshot, devices: Devices) -> None:
        differences: tuple[Difference, ...] = ()
        why_not = ""
        try:
            differences, lines = await devices.drift(), await devices.places()
        except (HostError, NotFound, ProfileError) as error:  # no profile to compare with
            lines = {name: f"{place} at the start" for name, place in chosen.device_lines.items()}
            why_not = error.message
        if self._still_shown(chosen):
            pane, self._profile_lines = self._pane, lines
            pane.differences, pane.profile_lines, pane.no_drift = differences, lines, why_not

    async def answer(self, question: Question) -> None:
        """Read one thing of the guest shown, and pass it to the pane if that still shows this run."""
        chosen = self._desk.chosen
        if chosen is None:
            return
        try:
            give = await read_answer(self._desk.guest(chosen.name).devices, question, self._pane)
        except CommandFailed as error:
            give = partial(self._pane.set_failure, question, error.message)
        except WorkbenchError:  # the pane already shows that QEMU does not answer
            give = partial(self._pane.set_failure, question)
        if self._still_shown(chosen):
            give()

    def _still_shown(self, snapshot: GuestSnapshot) -> bool:
        return self._desk.still_shown(snapshot) and self._pane.is_attached


async def read_answer(devices: Devices, question: Question, pane: DeviceTreePane) -> Callable[[], None]:
    """Read what a question asks for, and return the call that passes it to the pane."""
    path = question.path
    match question.want:
        case Want.NODE:
            return partial(pane.set_node, await devices.node(path))
        case Want.VALUES:
            return partial(pane.set_values, path, await devices.values(path, question.kinds))
        case Want.VIRTIO:
            return partial(pane.set_virtio, path, await devices.virtio(path))
        case Want.BUSES:
            return partial(pane.set_buses, await devices.buses())
        case Want.TYPE:
            return partial(pane.set_type, await devices.describe(path))
        case Want.WALK:
            return partial(pane.set_walk, await devices.walk())
        case Want.EVERYTHING:
            return partial(pane.set_walk, await devices.walk(values=True), values=True)


def devices_trouble(snapshot: GuestSnapshot) -> str:
    """Why there is no tree, or an old one; empty when all is well."""
    if not snapshot.phase.alive:
        return f"{snapshot.name} is stopped"
    if not snapshot.answering:
        return snapshot.trouble
    return ""
