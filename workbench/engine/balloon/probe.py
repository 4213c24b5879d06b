"""Reads and sets one guest's balloon, from config space or, if that cannot be read, with ``query-balloon``.

A reading at rest costs two round trips (``query-pci`` to check that the BAR has not moved, ``xp`` for the two words), a
reading in motion one. The guest's statistics, run state and device status are read in addition when they are due, within
:data:`ROUND_TRIPS` (see :mod:`workbench.engine.balloon.readings`).
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

from workbench.domain.balloon.diagnosis.causes import DRIVER_OK
from workbench.domain.balloon.plugged_memory import modules_of
from workbench.domain.balloon.reading import GuestStats, HostMemory, Reading, Source, reading_of, seen_between, stats_of
from workbench.domain.qmp.record.record import Origin
from workbench.domain.units import PAGE
from workbench.engine.balloon.backing import PERIPHERALS, HostSide
from workbench.engine.balloon.record.target_record import TargetRecord, ledger_of, record_of
from workbench.engine.balloon.record.targets import TargetBook
from workbench.engine.devices.virtio_pci import (
    BALLOON,
    ModernBar,
    balloon_bar,
    balloon_unmapped,
    read_config,
    read_status,
)
from workbench.engine.devices.virtio_state import read_negotiated
from workbench.engine.qmp.protocol import COMMAND_DEADLINE
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workbench.domain.balloon.backing import Backing
    from workbench.domain.balloon.ledger import Ledger
    from workbench.engine.balloon.host_look import HostLook
    from workbench.engine.balloon.place import Place
    from workbench.engine.balloon.record.marks import MarksFile
    from workbench.engine.qmp.protocol import Monitor

ROUND_TRIPS = 3
"""Commands that one reading may cost, including everything read along with it."""


class BalloonProbe:
    """One guest's balloon, seen through one monitor."""

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
        self._origin = origin
        self._deadline = deadline
        self._bar: ModernBar | None = None
        self._path = ""
        self.ram = self._base = place.memory
        self.started = place.started
        """Unix time at which QEMU started."""
        self.present = True
        """Whether the guest has a balloon device."""
        self.trips = 0
        """Commands sent since the last reading began, including that reading's."""
        self.interval: int | None = None
        """Seconds between the statistics reports that QEMU requests, as last read."""
        self.polled_since = 0.0
        """Unix time at which the interval was seen to change; 0: never."""
        self.driver_status: int | None = None
        """The device status byte; 0 while the registers are not mapped; None if it cannot be read."""
        self._host = host or HostSide(place.pid, place.memory, place.log)
        self._reporting: bool | None = None
        """The device's ``free-page-reporting``; None if it has no such property."""
        self._reading: Reading | None = None
        self._stats: GuestStats | None = None
        self._stats_asked = 0.0
        """Unix time of the last request."""
        self.book = TargetBook(place.directory, place.started)
        self.witness = self.book.witness
        self.oom_property: bool | None = None
        """The device's ``deflate-on-oom``; None without a device."""
        self.features: tuple[str, ...] | None = None
        """Features that the driver negotiated; None if they cannot be read safely."""

    async def open(self) -> None:
        """Read what does not change while the guest runs: RAM and the device's QOM path."""
        summary = cast("Mapping[str, int]", await self._execute("query-memory-size-summary"))
        self._base = summary["base-memory"]
        await self.look_at_ram()
        self._path = await self._find_device()
        self.present = bool(self._path)
        if self.present:
            self.oom_property = bool(await self._property("deflate-on-oom"))
            with suppress(CommandFailed):  # a QEMU before 5.1 has no such property
                self._reporting = bool(await self._property("free-page-reporting"))
        while self._host.asking:
            await self.ask_about_host()
        self.look_at_host()

    def forget_address(self) -> None:
        """The guest may move the BAR (reset, unplug): the old address may belong to another device."""
        self._bar = None

    async def read(self, *, check_address: bool = True, check_driver: bool = True) -> Reading | None:
        """One reading; None without a balloon device.

        :param check_address: find the BAR with ``query-pci``, required at rest; in motion the last address is reused,
            since a guest that moves pages is not moving BARs.
        :param check_driver: also read the device status when the address is checked.
        """
        self.trips = 0
        if not self.present:
            return None
        if check_address or self._bar is None:
            await self._find_registers()
            if check_driver:
                await self.look_at_driver()
        reading = await self._read_config()
        if reading is None:
            reading = await self._query()
        if reading is not None:
            self.book.see(reading, self._change, driver_ok=self.driver_ok)
            self._reading = reading
        return reading

    @property
    def marks(self) -> MarksFile:
        """What happened to the guest."""
        return self.book.marks

    def mark_in(self, marks: MarksFile) -> None:
        """Share the marks with the view that shows them, so that it also gets those that a full disk rejected."""
        marks.follow(self.book.marks)
        self.book.marks = marks

    @property
    def record(self) -> TargetRecord | None:
        """The last change of the target; None if none is known."""
        return self.book.record

    @property
    def asked_at(self) -> float:
        """Unix time at which the target was last sent or found, or of a later reset of the guest."""
        return self.book.asked_at

    async def run_state(self) -> str:
        """QEMU's ``RunState``, such as ``running``."""
        return cast("Mapping[str, str]", await self._execute("query-status"))["status"]

    async def stats(self, *, check_interval: bool = True) -> GuestStats | None:
        """The guest's own statistics; None without a balloon device.

        :param check_interval: read again how often QEMU requests them.
        """
        if not self._path:
            return None
        if check_interval or self.interval is None:
            await self.look_at_interval()
        asked, self._stats_asked = self._stats_asked, time.time()
        stats = stats_of(await self._property("guest-stats"), self.interval or 0)
        self._stats = seen_between(stats, self._stats, asked, time.time())
        return self._stats

    async def look_at_interval(self) -> None:
        if self._path:
            before, self.interval = self.interval, cast("int", await self._property("guest-stats-polling-interval"))
            if before is not None and before != self.interval:
                self.polled_since = time.time()

    async def look_at_ram(self) -> None:
        """Read how much RAM the guest has, including plugged modules."""
        modules = modules_of(await self._execute("query-memory-devices"))
        self._host.know_modules(modules)
        self.ram = self._base + sum(module.size for module in modules)

    async def look_at_features(self) -> None:
        """Read which features the driver negotiated, if this QEMU can report them."""
        if self._path and self.driver_ok:
            self.features = await read_negotiated(
                self._execute,
                self._monitor.version,
                f"{self._path}/virtio-backend",
                BALLOON,
                self._bar,
                self.driver_status,
            )

    @property
    def driver_ok(self) -> bool:
        return self.driver_status is not None and bool(self.driver_status & DRIVER_OK)

    @property
    def deflate_on_oom(self) -> bool | None:
        """Whether the driver may take memory back: as negotiated, or else as offered by the device."""
        return self.oom_property if self.features is None else "DEFLATE_ON_OOM" in self.features

    async def set_interval(self, seconds: int) -> None:
        """Set how often QEMU requests statistics from the guest; 0: never."""
        arguments = {"path": self._path, "property": "guest-stats-polling-interval", "value": seconds}
        await self._execute("qom-set", arguments)
        self.interval = seconds

    async def look_at_driver(self) -> None:
        """Read the device status at the last known address."""
        if self._bar is not None:
            self.driver_status = await read_status(self._execute, self._bar)

    async def set_target(self, size: int, *, continues: bool = False) -> None:
        """Ask the guest to have ``size`` bytes.

        :param continues: it is a further step of a ramp, whose ledger begins before the first one.
        :raise CommandFailed: if QEMU refuses; ``DeviceNotActive`` if there is no balloon device.
        """
        with self.own_target(size, continues=continues):
            await self._monitor.execute("balloon", {"value": size}, origin=Origin.ACTION)

    @contextmanager
    def own_target(self, size: int, *, continues: bool = False) -> Iterator[None]:
        """Wrap the command that sets a target: it counts as this workbench's own unless QEMU refuses it or it was never sent.
        If it is unknown whether QEMU received it, it counts as sent.

        :param size: bytes as sent; QEMU clamps them to RAM and counts whole pages (``virtio_balloon_to_target``).
        """
        self.look_at_host()
        pages = (self.ram - min(size, self.ram)) // PAGE
        change = self._change(self.ram - pages * PAGE, time.time(), ours=True)
        with self.book.sending(change, continues=continues):
            yield

    @property
    def asking_about_host(self) -> bool:
        """Whether questions about the RAM's backing are left."""
        return self._host.asking

    async def ask_about_host(self) -> None:
        """Ask the next of them: one command."""
        await self._host.ask(self._execute)

    def look_at_host(self) -> HostMemory | None:
        """What the host holds of the guest's RAM now; None if that cannot be read."""
        held = self._host.look(self._base, self.ram)
        if held is None:
            return None
        baseline = self.record.baseline if self.record else None
        return HostMemory(held.resident, held.resident if baseline is None else baseline, held.measure, held.pool_free)

    @property
    def backing(self) -> Backing | None:
        """What backs the guest's RAM; None if that cannot be determined."""
        agreed = self.features is None or "REPORTING" in self.features
        return self._host.backing(reporting=self._reporting if agreed else False)

    def ledger(self) -> Ledger | None:
        """The last change of the target and its effect, from the last reading; None without one."""
        if self._reading is None:
            return None
        stale = self._reading.held > 0 and self.driver_status is not None and not self.driver_ok
        return ledger_of(
            self.record,
            self._reading,
            self._stats,
            self._host.held,
            self.backing,
            began=self.asked_at,
            stale=stale,
        )

    def _change(self, target: int, since: float, *, ours: bool) -> TargetRecord:
        """A change of the target that was made or found since the last reading."""
        before = self._reading and self._reading.in_ram(self.ram)
        return record_of(target, since, before, self._stats, self._host.held, ours=ours)

    async def _find_registers(self) -> None:
        """Find the device's registers; if they are not mapped, no driver is using them."""
        pci = await self._execute("query-pci")
        self._bar = balloon_bar(pci)
        self._host.look_at_devices(pci)
        if self._bar is None:
            self.driver_status = 0 if balloon_unmapped(pci) else None

    async def _read_config(self) -> Reading | None:
        if self._bar is None:
            return None
        # The time before the request: a target sent in the meantime is not in the reading yet (Reading.precedes).
        asked = time.time()
        words = await read_config(self._execute, self._bar, 2)
        reading = None if words is None else reading_of(words[0], words[1], ram=self.ram, time=asked)
        if reading is None:
            self.forget_address()  # the BAR has moved
        return reading

    async def _query(self) -> Reading | None:
        try:
            reply = cast("Mapping[str, int]", await self._execute("query-balloon"))
        except CommandFailed as error:
            if error.error_class != "DeviceNotActive":
                raise
            self.present = False
            return None
        actual = max(0, min(reply["actual"], self.ram))
        target = self.record.target if self.record else self.ram
        return Reading(time.time(), self.ram, target, actual, Source.QUERY)

    async def _execute(self, command: str, arguments: Mapping[str, object] | None = None) -> object:
        self.trips += 1
        return await self._monitor.execute(command, arguments, origin=self._origin, deadline=self._deadline)

    async def _property(self, name: str) -> object:
        return await self._execute("qom-get", {"path": self._path, "property": name})

    async def _find_device(self) -> str:
        for parent in PERIPHERALS:
            children = cast("list[Mapping[str, str]]", await self._execute("qom-list", {"path": parent}))
            for child in children:
                if child["type"].startswith("child<virtio-balloon"):
                    return f"{parent}/{child['name']}"
        return ""
