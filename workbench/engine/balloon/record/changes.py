"""Each change of a guest's target, with what the guest and its host had just before it."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workbench.domain.balloon.reading import HostMemory
from workbench.domain.units import PAGE
from workbench.engine.balloon.record.target_record import TargetRecord, ledger_of, moment_of, record_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.balloon.ledger import Ledger
    from workbench.domain.balloon.reading import Reading
    from workbench.engine.balloon.device.driver import Driver
    from workbench.engine.balloon.device.ram import Ram
    from workbench.engine.balloon.device.statistics import Statistics
    from workbench.engine.balloon.record.targets import TargetBook

BASELINE_AGE = 0.5
"""Most seconds by which the figures before a change may be older than it."""
OFTEN = 0.5
"""Seconds between two figures of a moving balloon up to which each of them is worth a conclusion: others would only flicker."""


class TargetChanges:
    """Records the changes that are sent or found, and makes the ledger of the last one."""

    def __init__(self, book: TargetBook, ram: Ram, driver: Driver, statistics: Statistics) -> None:
        """:param book: where they are kept."""
        self._book = book
        self._ram = ram
        self._driver = driver
        self._statistics = statistics
        self._reading: Reading | None = None
        self._moved_at = 0.0
        """The last reading whose ``actual`` differs from the one before; 0: none."""

    def see(self, reading: Reading) -> None:
        """Look for a change in a new reading."""
        self._book.see(reading, self._change, driver_ok=self._driver.known_ok)
        if self._reading is not None and self._reading.actual != reading.actual:
            self._moved_at = reading.time
        self._reading = reading

    @contextmanager
    def sending(self, size: int, *, continues: bool = False) -> Iterator[None]:
        """Wrap the command that sends a target: see :meth:`TargetBook.sending`.

        :param size: bytes as sent; QEMU clamps them to RAM and counts whole pages (``virtio_balloon_to_target``).
        """
        if not continues:
            self._ram.look_at_host(newer_than=time.time() - BASELINE_AGE)
        ram = self._ram.size
        pages = (ram - min(size, ram)) // PAGE
        change = self._change(ram - pages * PAGE, time.time(), ours=True)
        with self._book.sending(change, continues=continues):
            yield

    async def look_at_host(self, *, moving: bool = False) -> HostMemory | None:
        """What the host holds of the guest's RAM now, and held before the last change; None if that cannot be read.

        A thread counts the pages: of much RAM that takes a while.

        :param moving: whether the balloon moves. If not, the figure is newer than its last movement.
        """
        newer_than = 0.0 if moving else self._moved_at
        held = await asyncio.to_thread(self._ram.look_at_host, newer_than=newer_than, moving=moving)
        record, reading = self._book.record, self._reading
        if held is None:
            return None
        if reading is not None and reading.diff == 0 and held.time >= reading.time:
            self._book.note_settled(moment_of(reading, None, held), moved_at=self._moved_at)
        baseline = record.baseline if record else None
        return HostMemory(
            held.resident,
            held.resident if baseline is None else baseline,
            held.measure,
            held.pool_free,
            held.time,
            held.merged,
            held.swapped,
            held.beyond,
        )

    def ledger(self) -> Ledger | None:
        """The last change and its effect, from the last reading; None without one."""
        reading, driver = self._reading, self._driver
        if reading is None:
            return None
        return ledger_of(
            self._book.record,
            reading,
            self._statistics.last,
            self._ram.held,
            self._ram.backing(reporting=driver.reporting),
            began=self._book.asked_at,
            reading_host=self._is_reading(reading),
            unknown=self._ram.unknown,
            stale=reading.held > 0 and driver.status is not None and not driver.ok,
        )

    def _is_reading(self, reading: Reading) -> bool:
        """Whether the host's figure is older than the balloon's last movement, or will be before it is read again."""
        held = self._ram.held
        if held is None:
            return False
        moving = reading.diff != 0 and reading.time == self._moved_at
        return held.time < self._moved_at or (moving and held.every > OFTEN)

    def _change(self, target: int, since: float, *, ours: bool) -> TargetRecord:
        """A change of the target that was made or found since the last reading."""
        before = self._reading and self._reading.in_ram(self._ram.size)
        return record_of(target, since, before, self._statistics.last, self._ram.held, ours=ours)
