"""Hotplug: plugs devices in, unplugs them, adds them to the profile; asks first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from workbench.domain.hotplug.unplug import Kind, State, overdue_hint
from workbench.errors import CommandFailed, HostError
from workbench.ui.common.dialogs import error_dialog

if TYPE_CHECKING:
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.domain.hotplug.unplug import Plan, Unplug
    from workbench.engine.base import Hotplug
    from workbench.ui.main.desk import Desk

PATIENCE = 15.0
"""Seconds for the guest to release a device before the screen reports a delay; the device stays marked."""


class Seek(Protocol):
    """Goes to a device once it is in the tree."""

    def __call__(self, name: str, *, pci: bool) -> object: ...


class HotplugRequests:
    """Changes the devices of the guest shown."""

    def __init__(self, desk: Desk, seek: Seek) -> None:
        self._desk = desk
        self._seek = seek
        self._late_shown: dict[tuple[str, str], int] = {}
        """How many unplugs that ended late have been shown for each run of a guest."""

    async def change(self, what: str, name: str) -> None:
        """Plug in a device, or unplug or keep one; show an error if that fails.

        :param what: ``plug``, ``unplug`` or ``keep``.
        :param name: the id of the device; empty for ``plug``.
        """
        chosen = self._desk.chosen
        if chosen is not None and chosen.phase.alive:
            await self._desk.attempt(lambda: self._change(chosen, what, name))

    async def _change(self, chosen: GuestSnapshot, what: str, name: str) -> None:
        hotplug = self._desk.guest(chosen.name).hotplug
        if what == "plug":
            await self._plug(chosen, hotplug)
        elif what == "unplug":
            await self._unplug(chosen, hotplug, name)
        else:
            await self._keep(hotplug, name)

    async def _plug(self, chosen: GuestSnapshot, hotplug: Hotplug) -> None:
        from workbench.ui.hotplug.form import KindDialog

        kind = await self._desk.result_of(KindDialog(chosen.name))
        plan = await self._fill_in(chosen, hotplug, Kind(kind)) if kind else None
        if plan is None:
            return
        bus = f"{plan.bus} of its new controller" if plan.controller else plan.bus
        text = f"{plan.id} ({plan.driver}) on {bus}; K adds it to the profile"
        self._desk.tell(text, title="Plugged in", seconds=6)
        self._seek(plan.id, pci=plan.kind in (Kind.NET, Kind.RNG))

    async def _fill_in(self, chosen: GuestSnapshot, hotplug: Hotplug, kind: Kind) -> Plan | None:
        """Show the form until QEMU accepts what it says; return that, or None if the user gives up."""
        from workbench.ui.hotplug.form import PlugForm

        values: dict[str, str] = {}
        while True:
            offer = await hotplug.offer(kind)
            form = PlugForm(chosen.name, offer, values)
            plan = await self._desk.result_of(form)
            if plan is None or not self._desk.still_runs(chosen):
                return None
            try:
                await hotplug.plug(offer, plan)
            except (CommandFailed, HostError) as error:
                values = form.values  # to be corrected
                await self._desk.result_of(error_dialog(error))
            else:
                return plan

    async def _unplug(self, chosen: GuestSnapshot, hotplug: Hotplug, name: str) -> None:
        stake = await hotplug.behind(name)
        lost = ", ".join((f"{name} ({stake.type})", *stake.devices, *(one.words for one in stake.behind)))
        body = (
            f"This removes {lost}.\n\nThe guest decides whether to release it; programs that use it there may fail. "
            "It is gone once QEMU reports so."
        )
        answer = await self._desk.ask(f"Unplug {name} from {chosen.name}?", body, ("unplug", "Unplug", "warning"))
        if answer == "unplug" and self._desk.still_runs(chosen):
            self._show_end(chosen.name, await hotplug.unplug(name, PATIENCE))

    def show_late_ends(self, snapshot: GuestSnapshot) -> None:
        """Show once each unplug that ended after ``PATIENCE``."""
        run = snapshot.identity
        for end in snapshot.unplugged[self._late_shown.get(run, 0) :]:
            self._show_end(snapshot.name, end)
        self._late_shown[run] = len(snapshot.unplugged)

    def _show_end(self, guest: str, end: Unplug) -> None:
        title, text, bad = end_words(guest, end)
        if bad:
            self._desk.tell(text, title=title, severity="warning", seconds=12)
        else:
            self._desk.tell(text, title=title, seconds=5)

    async def _keep(self, hotplug: Hotplug, name: str) -> None:
        change = await hotplug.keeping(name)
        instead = f"replacing\n\n{change.removed}\n\n" if change.removed else ""
        body = f"Adds to {change.path}:\n\n{change.table}\n{instead}Nothing else in the file changes."
        if change.left_out:
            body += f" Not kept, as a profile has no key for it: {', '.join(change.left_out)}."
        if await self._desk.ask(f"Keep {name}?", body, ("keep", "Keep it", "primary")) == "keep":
            self._desk.tell(await hotplug.keep(change), title=f"{name} kept", seconds=6)


def end_words(guest: str, end: Unplug) -> tuple[str, str, bool]:
    """Title and text of how an unplug ended, and whether something is left to do."""
    if end.state is State.GONE:
        left = "".join(f"\nleft behind: {one.words}" for one in end.left)
        return "Unplugged", f"{end.id} from {guest}{left}", bool(left)
    if end.state is State.REFUSED:
        return "Unplug refused", f"{guest} refused to release {end.id}; it stays plugged in", True
    return f"No answer within {PATIENCE:g} s", f"{end.id} is still in {guest}: {overdue_hint(end)}", True
