"""The guest's balloon driver, as the device shows it: whether it is up, and what it negotiated."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.domain.balloon.diagnosis.causes import DRIVER_OK
from workbench.engine.devices.virtio_pci import BALLOON, read_status
from workbench.engine.devices.virtio_state import read_negotiated
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from workbench.engine.balloon.device.balloon_device import BalloonDevice
    from workbench.engine.balloon.device.queries import Queries


class Driver:
    """One guest's balloon driver."""

    def __init__(self, queries: Queries, device: BalloonDevice) -> None:
        self._queries = queries
        self._device = device
        self.status: int | None = None
        """The device status byte; 0 while the registers are not mapped; None if it cannot be read."""
        self.features: tuple[str, ...] | None = None
        """Features that it negotiated; None if they cannot be read safely."""
        self._oom_offered: bool | None = None
        """The device's ``deflate-on-oom``; None without a device."""
        self._reporting_offered: bool | None = None
        """The device's ``free-page-reporting``; None if it has no such property."""

    @property
    def ok(self) -> bool:
        """Whether it is known to be up."""
        return self.status is not None and bool(self.status & DRIVER_OK)

    @property
    def known_ok(self) -> bool | None:
        """Whether it is up; None if unknown."""
        return None if self.status is None else self.ok

    @property
    def deflate_on_oom(self) -> bool | None:
        """Whether it may take memory back: as negotiated, or else as offered by the device; None without a device."""
        return self._oom_offered if self.features is None else "DEFLATE_ON_OOM" in self.features

    @property
    def reporting(self) -> bool | None:
        """Whether it reports free pages: as negotiated, or else as offered; None if unknown."""
        agreed = self.features is None or "REPORTING" in self.features
        return self._reporting_offered if agreed else False

    async def look_at_offer(self) -> None:
        """Read what the device offers it, which does not change while the guest runs."""
        self._oom_offered = bool(await self._device.property("deflate-on-oom"))
        with suppress(CommandFailed):  # a QEMU before 5.1 has no such property
            self._reporting_offered = bool(await self._device.property("free-page-reporting"))

    def located(self) -> None:
        """The registers were looked up."""
        if self._device.bar is None:
            self.status = 0 if self._device.unmapped else None

    async def look(self) -> None:
        """Read the device status at the last known address."""
        if self._device.bar is not None:
            self.status = await read_status(self._queries.execute, self._device.bar)

    async def look_at_features(self) -> None:
        """Read which features it negotiated, if this QEMU can report them."""
        if self._device.path and self.ok:
            self.features = await read_negotiated(
                self._queries.execute,
                self._queries.version,
                f"{self._device.path}/virtio-backend",
                BALLOON,
                self._device.bar,
                self.status,
            )
