"""Reads and sets one guest's balloon, from config space or, if that cannot be read, with ``query-balloon``.

A reading at rest costs two round trips (``query-pci`` to check that the BAR has not moved, ``xp`` for the two words), a
reading in motion one. The guest's statistics, run state and device status are read in addition when they are due (see
:mod:`workbench.engine.balloon.errands`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from workbench.domain.balloon.reading import HostMemory, Reading, Source
from workbench.domain.qmp.record.record import Origin
from workbench.engine.balloon.backing import HostSide
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
    from contextlib import AbstractContextManager

    from workbench.domain.balloon.backing import Backing
    from workbench.domain.balloon.reading import GuestStats
    from workbench.engine.balloon.host_look import HostLook
    from workbench.engine.balloon.place import Place
    from workbench.engine.balloon.record.target_record import TargetRecord
    from workbench.engine.qmp.protocol import Monitor


class BalloonProbe:
    """One guest's balloon, seen through one monitor: a reading, a target, and the parts that know the rest."""

    def __init__(
        self,
        monitor: Monitor,
        place: Place,
        host: HostLook | None = None,
        *,
        origin: Origin = Origin.SCREEN,
        deadline: float = COMMAND_DEADLINE,
    ) -> None:
        """:param host: what the host holds of its RAM; None: as seen on this host.
        :param deadline: seconds until one reading counts as unanswered.
        """
        self._monitor = monitor
        self.queries = Queries(monitor, origin=origin, deadline=deadline)
        self.device = BalloonDevice(self.queries)
        self.driver = Driver(self.queries, self.device)
        self.statistics = Statistics(self.device)
        self.memory = Ram(self.queries, host or HostSide(place.pid, place.memory, place.log), place.memory)
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
        self.memory.look_at_host()

    async def read(self, *, check_address: bool = True, check_driver: bool = True) -> Reading | None:
        """One reading; None without a balloon device.

        :param check_address: find the BAR with ``query-pci``, required at rest; in motion the last address is reused,
            since a guest that moves pages is not moving BARs.
        :param check_driver: also read the device status when the address is checked.
        """
        self.queries.sent = 0
        if not self.device.present:
            return None
        if check_address or self.device.bar is None:
            self.memory.look_at_devices(await self.device.locate())
            self.driver.located()
            if check_driver:
                await self.driver.look()
        reading = await self.device.read_config(self.memory.size) or await self._query()
        if reading is not None:
            self.changes.see(reading)
        return reading

    async def set_target(self, size: int, *, continues: bool = False) -> None:
        """Ask the guest to have ``size`` bytes.

        :param continues: it is a further step of a ramp, whose ledger begins before the first one.
        :raise CommandFailed: if QEMU refuses; ``DeviceNotActive`` if there is no balloon device.
        """
        with self.changes.sending(size, continues=continues):
            await self._monitor.execute("balloon", {"value": size}, origin=Origin.ACTION)

    def look_at_host(self) -> HostMemory | None:
        """What the host holds of the guest's RAM now; None if that cannot be read."""
        held = self.memory.look_at_host()
        if held is None:
            return None
        record = self.book.record
        baseline = record.baseline if record else None
        return HostMemory(held.resident, held.resident if baseline is None else baseline, held.measure, held.pool_free)

    async def run_state(self) -> str:
        """QEMU's ``RunState``, such as ``running``."""
        return cast("Mapping[str, str]", await self.queries.execute("query-status"))["status"]

    async def _query(self) -> Reading | None:
        actual = await self.device.query_actual()
        if actual is None:
            return None
        ram, record = self.memory.size, self.book.record
        return Reading(time.time(), ram, record.target if record else ram, max(0, min(actual, ram)), Source.QUERY)

    # What the parts know, for those who only ask.

    @property
    def ram(self) -> int:
        """Bytes of RAM."""
        return self.memory.size

    @property
    def present(self) -> bool:
        """Whether the guest has a balloon device."""
        return self.device.present

    @property
    def driver_status(self) -> int | None:
        """The device status byte; 0 while the registers are not mapped; None if it cannot be read."""
        return self.driver.status

    @property
    def backing(self) -> Backing | None:
        """What backs the guest's RAM; None if that cannot be determined."""
        return self.memory.backing(reporting=self.driver.reporting)

    @property
    def record(self) -> TargetRecord | None:
        """The last change of the target; None if none is known."""
        return self.book.record

    @property
    def asked_at(self) -> float:
        """Unix time at which the target was last sent or found, or of a later reset of the guest."""
        return self.book.asked_at

    async def stats(self, *, check_interval: bool = True) -> GuestStats | None:
        """The guest's own statistics; None without a balloon device."""
        return await self.statistics.read(check_interval=check_interval)

    async def look_at_driver(self) -> None:
        """Read the device status at the last known address."""
        await self.driver.look()

    async def set_interval(self, seconds: int) -> None:
        """Set how often QEMU requests statistics from the guest; 0: never."""
        await self.statistics.set_interval(seconds)

    def own_target(self, size: int, *, continues: bool = False) -> AbstractContextManager[None]:
        """Wrap a command that sets a target: see :meth:`TargetChanges.sending`."""
        return self.changes.sending(size, continues=continues)

    def forget_address(self) -> None:
        """The guest may move the BAR: the old address may belong to another device."""
        self.device.forget_address()
