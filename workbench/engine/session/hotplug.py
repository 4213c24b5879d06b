"""Plugs and unplugs devices of a guest, over its session's connection."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

from workbench.domain.hotplug.unplug import PERIPHERAL, State, Unplug
from workbench.domain.qmp.record.record import Origin
from workbench.engine.hotplug.unplug_files import UnplugFiles
from workbench.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from workbench.domain.hotplug.leftovers import Stake
    from workbench.domain.hotplug.plan import Offer
    from workbench.domain.hotplug.unplug import Keeping, Kind, Plan
    from workbench.engine.devices.qom import QomReader
    from workbench.engine.hotplug.unplug import Unplugs
    from workbench.engine.session.protocols import Monitor, Parts
    from workbench.settings import Settings


class SessionHotplug:
    """See :class:`workbench.engine.base.Hotplug`."""

    def __init__(
        self,
        use: Callable[[], AbstractAsyncContextManager[Monitor]],
        parts: Parts,
        settings: Settings,
        changes: asyncio.Lock,
        changed: Callable[[], None],
    ) -> None:
        """
        :param use: gives the connection to QEMU, or raises if there is none.
        :param changes: held while commands change the guest.
        :param changed: called when a device was plugged, its unplug was requested, or it is gone.
        """
        self._use = use
        self._parts = parts
        self._running = parts.facts
        self._settings = settings
        self._changes = changes
        self._changed = changed
        self._files = UnplugFiles(parts.store.place.directory)
        self._unplugs: Unplugs | None = None
        self.late: tuple[Unplug, ...] = ()
        """Outcomes of unplugs that had timed out, in the order in which they became known."""
        self._seen = 0
        """Stamp of the files of requested unplugs when last read."""

    async def offer(self, kind: Kind) -> Offer:
        from workbench.engine.devices.buses import BusReader
        from workbench.engine.hotplug.offers import offer

        async with self._use() as monitor:
            qom, execute = self._qom(monitor), partial(monitor.execute, origin=Origin.SCREEN)
            return await offer(self._running, execute, qom, BusReader(qom), kind, self._running.pid)

    async def plug(self, offer: Offer, plan: Plan) -> None:
        from workbench.engine.hotplug.plug import plug
        from workbench.engine.hotplug.plugged import note_plugged

        async with self._use() as monitor, self._changes:
            await plug(partial(monitor.execute, origin=Origin.ACTION), plan, offer)
        await asyncio.to_thread(note_plugged, self._running.path, plan.plugged)
        self._files.forget(plan.id)
        self._changed()

    async def behind(self, name: str) -> Stake:
        from workbench.engine.hotplug.plug import behind_of

        async with self._use() as monitor:
            return await behind_of(self._qom(monitor), name)

    async def unplug(self, name: str, patience: float) -> Unplug:
        async with self._use() as monitor:
            try:
                return await self._all().unplug(self._execute, self._qom(monitor), name, patience)
            except NotFound:
                cleared = await self._clear_up(name)
                if cleared is None:
                    raise
                return cleared

    async def _clear_up(self, name: str) -> Unplug | None:
        """Remove the backends of a device that is gone already; None if there are none."""
        from workbench.engine.hotplug.backends import read_backends, remove_behind

        asked = self._files.load().get(name)
        rest = (await read_backends(self._execute)).of(name)
        rest += tuple(one for one in (asked.behind if asked else ()) if one not in rest)
        left = await remove_behind(self._execute, rest)
        if not left:
            self._files.forget(name)
        if not rest:
            return None
        end = Unplug(name, State.GONE, left=left, rest=rest, late_removal=True)
        self._gone(end)
        return end

    def asking(self, command: str, arguments: Mapping[str, object]) -> AbstractContextManager[None]:
        """Wrap a command typed by the user; ``device_del``, by id or QOM path, is recorded as an unplug request."""
        name = str(arguments.get("id", "")).removeprefix(f"{PERIPHERAL}/")
        if command != "device_del" or not name or "/" in name:
            return nullcontext()
        return self._all().asking(self._execute, name)

    async def look(self) -> None:
        """Check for unplugs requested by other processes; costs one stat(2) if there are none.

        :raise MonitorError: if QEMU does not answer.
        """
        abandoned = self._unplugs is not None and self._unplugs.abandoned
        if (stamp := self._files.stamp()) != self._seen or abandoned:
            async with self._use() as monitor:
                await self._all().look(self._execute, self._qom(monitor))
            self._seen = stamp

    async def keeping(self, name: str, plan: Plan | None = None) -> Keeping:
        from workbench.engine.hotplug.keep_in_profile import keeping
        from workbench.engine.hotplug.plugged import plugged

        one = plan.plugged if plan is not None else (await asyncio.to_thread(plugged, self._running.path)).get(name)
        if one is None:
            raise NotFound(
                f"{name} was not plugged by the workbench in this run, so its backend is unknown",
                hint="only devices plugged by the workbench can be kept",
            )
        return await asyncio.to_thread(keeping, self._settings, self._running, one)

    async def keep(self, change: Keeping) -> str:
        from workbench.engine.hotplug.keep_in_profile import keep_plan
        from workbench.engine.hotplug.plugged import note_kept

        place = await asyncio.to_thread(keep_plan, self._settings, change)
        await asyncio.to_thread(note_kept, self._running.path, change.id, change.place)
        self._changed()
        return place

    @property
    def lines(self) -> Mapping[str, str]:
        """For each device id the place in the profile that made it, or will at the next start."""
        return self._parts.source.device_lines()

    @property
    def waiting(self) -> tuple[Unplug, ...]:
        """Unplugs whose outcome is not known yet."""
        return self._unplugs.waiting if self._unplugs is not None else ()

    def note(self, event: str, data: Mapping[str, object]) -> None:
        """Handle a QEMU event."""
        if self._unplugs is not None:
            self._unplugs.note(event, data)

    def forget(self) -> None:
        """The connection ended: events may have been missed."""
        self._seen = 0
        if self._unplugs is not None:
            self._unplugs.forget()

    async def close(self) -> None:
        if self._unplugs is not None:
            await self._unplugs.close()

    def _all(self) -> Unplugs:
        from workbench.engine.hotplug.unplug import Unplugs

        if self._unplugs is None:
            self._unplugs = Unplugs(self._files, self._changed, self._gone)
        return self._unplugs

    def _gone(self, end: Unplug) -> None:
        from workbench.engine.hotplug.plugged import note_unplugged

        if end.state is State.GONE:
            note_unplugged(self._running.path, end.id)
        if end.waited:
            self.late = (*self.late, end)

    async def _execute(self, command: str, arguments: Mapping[str, object] | None = None) -> object:
        async with self._use() as monitor, self._changes:
            asks = command.startswith("query-")  # not an action of the user
            origin = Origin.SCREEN if asks else Origin.ACTION
            return await monitor.execute(command, arguments, origin=origin)

    @staticmethod
    def _qom(monitor: Monitor) -> QomReader:
        from workbench.engine.devices.reader import DeviceReader

        return DeviceReader(partial(monitor.execute, origin=Origin.SCREEN), monitor.version).qom
