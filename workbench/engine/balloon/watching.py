"""Reads running guests from the command line, all at once, so that one that does not answer does not delay the others.

Each read opens its own connection to ``qmp-cli.sock`` and closes it within milliseconds, which leaves the monitor free for
other verbs. Readings are recorded as on the screen, unless the screen is recording.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from workbench.domain.qmp.record.record import Origin
from workbench.engine.balloon.path.trace import TraceEvents
from workbench.engine.balloon.probe import BalloonProbe
from workbench.engine.balloon.readings import Readings
from workbench.engine.balloon.safety.status import read_status
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.qmp.silence import is_stopped, silence_words
from workbench.errors import MonitorCrowded, MonitorError, MonitorSilent, WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.balloon.safety.status import SafetyStatus
    from workbench.engine.state.directory import Running

DEADLINE = 1.5
"""Seconds that one guest may take in a round."""
LOOK = 0.5
"""Seconds in which a diff is read repeatedly to see whether it moves."""
STEP = 0.1
"""Seconds between two such readings."""
HELD = "another command holds its monitor, or QEMU is busy"
"""Why a guest was not read, short enough for a line of 80 columns."""


class Seen(Struct, frozen=True):
    """One guest in one round."""

    name: str
    time: float
    """Unix time."""
    balloon: Balloon | None = None
    """None if it was not read."""
    trouble: str = ""
    """Why it was not read."""
    ended: bool = False
    """Whether its QEMU has ended."""
    safety_status: SafetyStatus | None = None
    """Its floor, ramp and guard; None if it was not read."""


class Watched:
    """One guest over many rounds."""

    def __init__(self, running: Running, readings: Readings | None = None) -> None:
        self.running = running
        self._readings = readings or Readings(running, lasting=False)

    async def look(self, settle: float = 0.0) -> Seen:
        """One round.

        :param settle: seconds in which a diff is read repeatedly: one reading cannot show whether it moves.
        """
        name = self.running.name
        try:
            async with asyncio.timeout(DEADLINE + settle):
                balloon = await self._read(settle)
            return Seen(name, time.time(), balloon, safety_status=read_status(self.running.path, balloon))
        except (TimeoutError, WorkbenchError) as error:
            trouble = self.trouble_of(error)
        if not self.running.alive:
            return Seen(name, time.time(), trouble="its QEMU has ended", ended=True)
        return Seen(name, time.time(), trouble=trouble)

    def trouble_of(self, error: TimeoutError | WorkbenchError) -> str:
        """Why the guest was not read."""
        if is_stopped(self.running.pid):
            return silence_words(self.running.pid)
        return HELD if isinstance(error, (TimeoutError, MonitorSilent, MonitorCrowded)) else error.message

    async def _read(self, settle: float) -> Balloon:
        running = self.running
        if is_stopped(running.pid):
            raise MonitorSilent(silence_words(running.pid))
        monitor = await Monitor.connect(running.path / "qmp-cli.sock", deadline=DEADLINE)
        try:
            probe = BalloonProbe(monitor, running, origin=Origin.USER, deadline=DEADLINE)
            await probe.open()
            with suppress(MonitorError):
                await TraceEvents(monitor, running).sweep()
            return await read_until_settled(self._readings, probe, settle)
        finally:
            await monitor.close()


async def read_until_settled(readings: Readings, probe: BalloonProbe, settle: float = LOOK) -> Balloon:
    """Read once, and repeatedly for ``settle`` seconds while there is a diff, to see whether it moves."""
    await readings.look(probe, at_rest=True)
    balloon = readings.balloon(probe)
    end = time.monotonic() + settle
    while balloon.reading is not None and balloon.reading.diff and time.monotonic() < end:
        await asyncio.sleep(STEP)
        await readings.look(probe, at_rest=False)
        balloon = readings.balloon(probe)
    readings.close()
    return balloon


async def look_at_all(guests: Iterable[Watched], settle: float = 0.0) -> list[Seen]:
    """Read all guests at the same time."""
    return list(await asyncio.gather(*(guest.look(settle) for guest in guests)))
