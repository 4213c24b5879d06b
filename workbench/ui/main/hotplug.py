"""Devices that the user plugs in, takes out and keeps; with the questions that come before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work

from workbench.domain.hotplug.unplug import Kind, State, overdue_hint
from workbench.errors import CommandFailed, HostError, WorkbenchError
from workbench.ui.common.dialogs import confirm, error_dialog
from workbench.ui.devices.pane import DeviceTreePane
from workbench.ui.main.devices import DeviceActions

if TYPE_CHECKING:
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.domain.hotplug.unplug import Unplug
    from workbench.engine.base import Engine, Hotplug

PATIENCE = 15.0
"""Seconds that the guest gets to let a device go until the screen says that it did not; the device stays marked."""


class HotplugActions(DeviceActions):
    """The part of the screen that carries them out."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._told: dict[tuple[str, int | None], int] = {}
        """How many unplugs that ended late were told of each run of a guest."""

    @on(DeviceTreePane.HotplugRequested)
    @work(group="hotplug")
    async def _change_devices(self, message: DeviceTreePane.HotplugRequested) -> None:
        chosen = self._chosen
        if chosen is None or not chosen.phase.alive:
            return
        try:
            hotplug = self._guest(chosen.name).hotplug
            if message.what == "plug":
                await self._plug(chosen, hotplug)
            elif message.what == "unplug":
                await self._unplug(chosen, hotplug, message.name)
            else:
                await self._keep(chosen, hotplug, message.name)
        except WorkbenchError as error:
            self._tell(error)

    async def _plug(self, chosen: GuestSnapshot, hotplug: Hotplug) -> None:
        from workbench.ui.hotplug.form import KindDialog, PlugForm

        kind = await self.app.push_screen_wait(KindDialog(chosen.name))
        if not kind:
            return
        values: dict[str, str] = {}
        while True:
            offer = await hotplug.offer(Kind(kind))
            form = PlugForm(chosen.name, offer, values)
            plan = await self.app.push_screen_wait(form)
            if plan is None or not self._still_runs(chosen):
                return
            try:
                await hotplug.plug(offer, plan)
            except (CommandFailed, HostError) as error:
                values = form.values  # for mending
                await self.app.push_screen_wait(error_dialog(error))
            else:
                break
        bus = f"{plan.bus} of its new controller" if plan.controller else plan.bus
        text = f"{plan.id} ({plan.driver}) on {bus}; K keeps it in the profile"
        self.notify(text, title="Plugged in", timeout=6, markup=False)
        self.query_one(DeviceTreePane).seek(plan.id, pci=plan.kind in (Kind.NET, Kind.RNG))

    async def _unplug(self, chosen: GuestSnapshot, hotplug: Hotplug, name: str) -> None:
        stake = await hotplug.behind(name)
        lost = ", ".join((f"{name} ({stake.type})", *stake.devices, *(one.words for one in stake.behind)))
        body = (
            f"Lost with it: {lost}.\n\nThe guest is asked to let it go, and decides; what uses the device there may fail. "
            "It is gone when QEMU says so."
        )
        question = confirm(f"Take {name} out of {chosen.name}?", body, ("unplug", "Take it out", "warning"))
        if await self.app.push_screen_wait(question) != "unplug" or not self._still_runs(chosen):
            return
        self._tell_end(chosen.name, await hotplug.unplug(name, PATIENCE))

    def _tell_end(self, guest: str, end: Unplug) -> None:
        if end.state is State.GONE:
            left = "".join(f"\nleft behind: {one.words}" for one in end.left)
            text, title, bad = f"{end.id} is out of {guest}{left}", "Taken out", bool(left)
        elif end.state is State.REFUSED:
            text, title, bad = f"{guest} refused to let {end.id} go: it stays", "Refused", True
        else:
            text, title, bad = (
                f"{end.id} is still in {guest}: {overdue_hint(end)}",
                f"No answer in {PATIENCE:g} s",
                True,
            )
        self.notify(
            text, title=title, severity="warning" if bad else "information", timeout=12 if bad else 5, markup=False
        )

    def _show_devices(self, snapshot: GuestSnapshot) -> None:
        super()._show_devices(snapshot)
        run = (snapshot.name, snapshot.pid)
        for end in snapshot.unplugged[self._told.get(run, 0) :]:
            self._tell_end(snapshot.name, end)
        self._told[run] = len(snapshot.unplugged)

    async def _keep(self, chosen: GuestSnapshot, hotplug: Hotplug, name: str) -> None:
        change = await hotplug.keeping(name)
        instead = f"in place of\n\n{change.removed}\n\n" if change.removed else ""
        body = f"Added to {change.path}:\n\n{change.table}\n{instead}Nothing else there changes."
        if change.left_out:
            body += f" A profile has no key for {', '.join(change.left_out)}: not kept."
        if await self.app.push_screen_wait(confirm(f"Keep {name}?", body, ("keep", "Keep it", "primary"))) != "keep":
            return
        self.notify(await hotplug.keep(change), title=f"{name} is kept", timeout=6, markup=False)
