"""Reads and sets one guest's balloon, from config space or, if that cannot be read, with ``query-balloon``.

A reading at rest costs two round trips (``query-pci`` to check that the BAR has not moved, ``xp`` for the two words), a
reading in motion one. The guest's statistics, run state and device status are read in addition when they are due (see
:mod:`workbench.engine.balloon.errands`).
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, cast

from workbench.domain.balloon.reading import Reading, Source
from workbench.domain.qmp.record.record import Origin
from workbench.engine.balloon.device.balloon_device import BalloonDevice
from workbench.engine.balloon.device.driver import Driver
from workbench.engine.balloon.device.queries import Queries
from workbench.engine.balloon.device.ram import Ram
from workbench.engine.balloon.device.statistics import Statistics
from workbench.engine.balloon.record.changes import TargetChanges
from workbench.engine.balloon.record.targets import TargetBook
from workbench.engine.qmp.protocol import COMMAND_DEADLINE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.engine.balloon.host_look import HostLook
    from workbench.engine.balloon.place import Place
    from workbench.engine.qmp.protocol import Monitor


class BalloonProbe:
    """One guest's balloon, seen through one monitor: a reading, a target, and the parts that know the rest."""

    def __init__(
        self,
        monitor: Monitor,
        place: Place,
        host: HostLook,
        *,
        origin: Origin = Origin.SCREEN,
        deadline: float = COMMAND_DEADLINE,
    ) -> None:
        """
        :param host: what the host holds of the guest's RAM.
        :param deadline: seconds until one reading counts as unanswered.
        """
        self._monitor = monitor
        self.queries = Queries(monitor, origin=origin, deadline=deadline)
        self.device = BalloonDevice(self.queries)
        self.driver = Driver(self.queries, self.device)
        self.statistics = Statistics(self.device)
        self.memory = Ram(self.queries, host, place.memory)
        self.book = TargetBook(place.directory, place.started)
        self.changes = TargetChanges(self.book, self.memory, self.driver, self.statistics)

    async def open(self) -> None:
        """Read what does not change while the guest runs: RAM and the device's QOM path."""
        await self.memory.open()
        await self.device.find()
        if self.device.present:
            await self.driver.look_at_offer()
        while self.memory.asking:
            await self.memory.ask()
        await asyncio.to_thread(self.memory.look_at_host)

    async def read(self, *, check_address: bool = True) -> Reading | None:
        """One reading; None without a balloon device.

        :param check_address: find the BAR with ``query-pci``, required at rest; in motion the last address is reused,
            since a guest that moves pages is not moving BARs.
        """
        self.queries.sent = 0
        if not self.device.present:
            return None
        if check_address or self.device.bar is None:
            self.memory.look_at_devices(await self.device.locate())
            self.driver.located()
        reading = await self.device.read_config(self.memory.size) or await self._query()
        if reading is not None:
            self.changes.see(reading)
        return reading

    async def set_target(self, size: int, *, continues: bool = False) -> None:
        """Ask the guest to have ``size`` bytes.

        :param continues: it is a further step of a ramp, whose ledger begins before the first one.
        :raise CommandFailed: if QEMU refuses; ``DeviceNotActive`` if there is no balloon device.
        """
        if not continues:
            await asyncio.to_thread(self.memory.look_at_host, newer_than=time.time())
        with self.changes.sending(size, continues=continues):
            await self._monitor.execute("balloon", {"value": size}, origin=Origin.ACTION)

    async def run_state(self) -> str:
        """QEMU's ``RunState``, such as ``running``."""
        return cast("Mapping[str, str]", await self.queries.execute("query-status"))["status"]

    async def _query(self) -> Reading | None:
        actual = await self.device.query_actual()
        if actual is None:
            return None
        ram, record = self.memory.size, self.book.record
        return Reading(time.time(), ram, record.target if record else ram, max(0, min(actual, ram)), Source.QUERY)

    @property
    def ram(self) -> int:
        """Bytes of RAM."""
        return self.memory.size

    @property
    def present(self) -> bool:
        """Whether the guest has a balloon device."""
        return self.device.present
