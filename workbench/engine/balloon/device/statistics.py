"""The guest's own statistics, and how often QEMU requests them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from workbench.domain.balloon.reading import GuestStats, seen_between, stats_of

if TYPE_CHECKING:
    from workbench.engine.balloon.device.balloon_device import BalloonDevice

INTERVAL = "guest-stats-polling-interval"


class Statistics:
    """One guest's reports, as QEMU has them."""

    def __init__(self, device: BalloonDevice) -> None:
        self._device = device
        self.last: GuestStats | None = None
        """As last read."""
        self._asked = 0.0
        """Unix time of the last request."""
        self.interval: int | None = None
        """Seconds between the reports that QEMU requests, as last read."""
        self.polled_since = 0.0
        """Unix time at which the interval was seen to change; 0: never."""

    async def read(self) -> GuestStats | None:
        """The statistics now; None without a balloon device."""
        if not self._device.path:
            return None
        if self.interval is None:
            await self.look_at_interval()
        asked, self._asked = self._asked, time.time()
        stats = stats_of(await self._device.property("guest-stats"), self.interval or 0)
        self.last = seen_between(stats, self.last, asked, time.time())
        return self.last

    async def look_at_interval(self) -> None:
        """Read how often QEMU requests them."""
        if self._device.path:
            before, self.interval = self.interval, cast("int", await self._device.property(INTERVAL))
            if before is not None and before != self.interval:
                self.polled_since = time.time()

    async def set_interval(self, seconds: int) -> None:
        """Set how often QEMU requests them; 0: never."""
        await self._device.set_property(INTERVAL, seconds)
        self.interval = seconds
