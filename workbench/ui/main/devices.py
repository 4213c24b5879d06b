"""Device actions of the main screen: reads what the device tree asks for, and sets properties."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from textual import on, work
from textual.css.query import NoMatches

from workbench.domain.devices.qom_values import set_arguments
from workbench.domain.profile.problems import ProfileError
from workbench.domain.qmp.record.record import Origin
from workbench.errors import CommandFailed, HostError, NotFound, WorkbenchError
from workbench.ui.common.dialogs import confirm
from workbench.ui.devices.pane import DeviceTreePane
from workbench.ui.devices.set_property import SetBar
from workbench.ui.devices.store import Question, Want
from workbench.ui.main.balloon import BalloonActions

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from workbench.domain.compare.drift import Difference
    from workbench.domain.devices.tree import DeviceTree
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.base import Devices, Engine

DEVICES_INTERVAL = 3.0
"""Seconds between reads of a running guest's device tree; an event that may have changed it triggers one at once."""


class DeviceActions(BalloonActions):
    """The part of the main screen that serves the device tree."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._late_tree: asyncio.Future[DeviceTree] | None = None
        """A read of the tree that began before the screen existed."""
        self._devices_revision = -1
        self._profile_lines: Mapping[str, str] | None = None
        """Where the current profile has each device; None until read."""

    def _show_devices(self, snapshot: GuestSnapshot) -> None:
        """Pass a new snapshot of the chosen guest to the pane."""
        pane = self.query_one(DeviceTreePane)
        pane.guest = snapshot.name
        pane.profile_lines = snapshot.device_lines if self._profile_lines is None else self._profile_lines
        pane.version = snapshot.qemu_version
        pane.trouble = devices_trouble(snapshot)
        pane.pending = {one.id: str(one.state) for one in snapshot.unplugs}
        if snapshot.devices_revision != self._devices_revision and snapshot.balloon is not None:
            self._devices_revision = snapshot.devices_revision
            self._read_devices()

    def _forget_devices(self) -> None:
        """Clear the pane for another guest, or another run of the same one."""
        pane = self.query_one(DeviceTreePane)
        pane.tree, pane.differences, pane.no_drift = None, (), ""
        self._devices_revision, self._profile_lines = -1, None

    def _refresh_devices(self) -> None:
        chosen = self._chosen
        if (
            self.is_active
            and chosen is not None
            and chosen.phase.alive
            and chosen.answering
            and chosen.balloon is not None
        ):
            self._read_devices()

    @on(DeviceTreePane.RefreshRequested)
    def _refresh_tree(self) -> None:
        self._read_devices()

    @work(group="devices", exclusive=True)
    async def _read_devices(self) -> None:
        chosen = self._chosen
        if chosen is None:
            return
        # The pane shows that QEMU does not answer; the tree is read again when it does.
        with suppress(WorkbenchError, NoMatches):
            begun, self._late_tree = self._late_tree, None
            devices = self._guest(chosen.name).devices
            tree = await (begun or devices.tree())
            if self._still_shown(chosen):
                pane = self.query_one(DeviceTreePane)
                pane.tree = tree
                pane.look_again()
            differences: tuple[Difference, ...] = ()
            why_not = ""
            try:
                differences, lines = await devices.drift(), await devices.places()
            except (HostError, NotFound, ProfileError) as error:  # no profile to compare with
                lines = {name: f"{place} at the start" for name, place in chosen.device_lines.items()}
                why_not = error.message
            if self._still_shown(chosen):
                self._profile_lines = lines
                pane = self.query_one(DeviceTreePane)
                pane.differences, pane.profile_lines, pane.no_drift = differences, lines, why_not

    @on(DeviceTreePane.Wanted)
    def _answer(self, message: DeviceTreePane.Wanted) -> None:
        self._read(message.question)

    @work(group="node")
    async def _read(self, question: Question) -> None:
        """Read one thing of the guest shown, and pass it to the pane if that still shows this run."""
        chosen = self._chosen
        if chosen is None:
            return
        with suppress(NoMatches):  # the screen may be gone
            pane = self.query_one(DeviceTreePane)
            try:
                give = await read_answer(self._guest(chosen.name).devices, question, pane)
            except CommandFailed as error:
                give = partial(pane.set_failure, question, error.message)
            except WorkbenchError:  # the pane already shows that QEMU does not answer
                give = partial(pane.set_failure, question)
            if self._still_shown(chosen):
                give()

    @on(SetBar.Requested)
    @work(group="qom-set")
    async def _set_property(self, message: SetBar.Requested) -> None:
        """Set a property of the guest shown; ask first if that may do harm."""
        chosen, change = self._chosen, message.change
        if chosen is None:
            return
        bar = message.control
        if change.harm and not change.undo:
            question = confirm(
                f"Set {change.old.name} of {chosen.name}?",
                f"{change.harm} {change.words}",
                ("send", "Set it", "warning"),
            )
            if await self.app.push_screen_wait(question) != "send" or not self._still_shown(chosen):
                return
        arguments = set_arguments(change.path, change.old.name, change.value)
        try:
            await self._guest(chosen.name).execute("qom-set", arguments, origin=Origin.ACTION)
        except CommandFailed as error:
            bar.refused(change, error.description)
        except WorkbenchError as error:
            bar.refused(change, error.message)
        else:
            bar.done(change)

    def _still_shown(self, snapshot: GuestSnapshot) -> bool:
        """Whether the panes still show this run of this guest."""
        now = self._chosen
        return now is not None and (now.name, now.pid) == (snapshot.name, snapshot.pid)


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
