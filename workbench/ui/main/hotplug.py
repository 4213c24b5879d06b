"""Hotplug actions of the main screen: plug in, unplug, add to the profile; asks first."""

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
"""Seconds for the guest to release a device before the screen reports a delay; the device stays marked."""


class HotplugActions(DeviceActions):
    """The part of the main screen that plugs and unplugs devices."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._late_shown: dict[tuple[str, int | None], int] = {}
        """How many unplugs that ended late have been shown for each run of a guest."""

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
            self._show_error(error)

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
                values = form.values  # to be corrected
                await self.app.push_screen_wait(error_dialog(error))
            else:
                break
        bus = f"{plan.bus} of its new controller" if plan.controller else plan.bus
        text = f"{plan.id} ({plan.driver}) on {bus}; K adds it to the profile"
        self.notify(text, title="Plugged in", timeout=6, markup=False)
        self.query_one(DeviceTreePane).seek(plan.id, pci=plan.kind in (Kind.NET, Kind.RNG))

    async def _unplug(self, chosen: GuestSnapshot, hotplug: Hotplug, name: str) -> None:
        stake = await hotplug.behind(name)
        lost = ", ".join((f"{name} ({stake.type})", *stake.devices, *(one.words for one in stake.behind)))
        body = (
            f"This removes {lost}.\n\nThe guest decides whether to release it; programs that use it there may fail. "
            "It is gone once QEMU reports so."
        )
        question = confirm(f"Unplug {name} from {chosen.name}?", body, ("unplug", "Unplug", "warning"))
        if await self.app.push_screen_wait(question) != "unplug" or not self._still_runs(chosen):
            return
        self._show_end(chosen.name, await hotplug.unplug(name, PATIENCE))

    def _show_end(self, guest: str, end: Unplug) -> None:
        if end.state is State.GONE:
            left = "".join(f"\nleft behind: {one.words}" for one in end.left)
            text, title, bad = f"{end.id} from {guest}{left}", "Unplugged", bool(left)
        elif end.state is State.REFUSED:
            text, title, bad = f"{guest} refused to release {end.id}; it stays plugged in", "Unplug refused", True
        else:
            text, title, bad = (
                f"{end.id} is still in {guest}: {overdue_hint(end)}",
                f"No answer within {PATIENCE:g} s",
                True,
            )
        self.notify(
            text, title=title, severity="warning" if bad else "information", timeout=12 if bad else 5, markup=False
        )

    def _show_devices(self, snapshot: GuestSnapshot) -> None:
        super()._show_devices(snapshot)
        run = (snapshot.name, snapshot.pid)
        for end in snapshot.unplugged[self._late_shown.get(run, 0) :]:
            self._show_end(snapshot.name, end)
        self._late_shown[run] = len(snapshot.unplugged)

    async def _keep(self, chosen: GuestSnapshot, hotplug: Hotplug, name: str) -> None:
        change = await hotplug.keeping(name)
        instead = f"replacing\n\n{change.removed}\n\n" if change.removed else ""
        body = f"Adds to {change.path}:\n\n{change.table}\n{instead}Nothing else in the file changes."
        if change.left_out:
            body += f" Not kept, as a profile has no key for it: {', '.join(change.left_out)}."
        if await self.app.push_screen_wait(confirm(f"Keep {name}?", body, ("keep", "Keep it", "primary"))) != "keep":
            return
        self.notify(await hotplug.keep(change), title=f"{name} kept", timeout=6, markup=False)
