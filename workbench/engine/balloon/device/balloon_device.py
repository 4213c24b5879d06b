"""One guest's balloon device: its properties, and the two words of its config space.

While the registers cannot be read (no driver or firmware has mapped them, or the device has none of virtio 1.x),
``query-balloon`` is asked instead, which has only ``actual``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from workbench.domain.balloon.reading import reading_of
from workbench.engine.balloon.backing import PERIPHERALS
from workbench.engine.devices.virtio_pci import ModernBar, balloon_bar, balloon_unmapped, read_config
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.balloon.reading import Reading
    from workbench.engine.balloon.device.queries import Queries


class BalloonDevice:
    """Where the device is, and what it contains."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self.path = ""
        """Its QOM path; empty without a balloon device, and until it was looked for."""
        self.present = True
        """Whether the guest has a balloon device."""
        self.bar: ModernBar | None = None
        """Its registers; None if they have no address, or it must be looked up again."""
        self.unmapped = False
        """Whether its registers had no address when last looked up, so that no driver can be using them."""

    async def find(self) -> None:
        """Find it in QEMU's tree of objects."""
        for parent in PERIPHERALS:
            children = cast("list[Mapping[str, str]]", await self._queries.execute("qom-list", {"path": parent}))
            for child in children:
                if child["type"].startswith("child<virtio-balloon"):
                    self.path = f"{parent}/{child['name']}"
                    return
        self.present = False

    async def locate(self) -> object:
        """Look up the address of its registers; returns the reply of ``query-pci``."""
        pci = await self._queries.execute("query-pci")
        self.bar = balloon_bar(pci)
        self.unmapped = self.bar is None and balloon_unmapped(pci)
        return pci

    def forget_address(self) -> None:
        """The guest may move the registers (reset, unplug): the old address may belong to another device."""
        self.bar = None

    async def read_config(self, ram: int) -> Reading | None:
        """Read target and actual from config space; None if they cannot be read there.

        :param ram: bytes of the guest's RAM.
        """
        if self.bar is None:
            return None
        # The time before the request: a target sent in the meantime is not in the reading yet (Reading.precedes).
        asked = time.time()
        words = await read_config(self._queries.execute, self.bar, 2)
        reading = None if words is None else reading_of(words[0], words[1], ram=ram, time=asked)
        if reading is None:
            self.forget_address()  # the BAR has moved
        return reading

    async def query_actual(self) -> int | None:
        """Ask QEMU for ``actual`` in bytes; None, and ``present`` is false, if the device was unplugged."""
        try:
            reply = cast("Mapping[str, int]", await self._queries.execute("query-balloon"))
        except CommandFailed as error:
            if error.error_class != "DeviceNotActive":
                raise
            self.present = False
            return None
        return reply["actual"]

    async def property(self, name: str) -> object:
        """The value of one of its QOM properties."""
        return await self._queries.execute("qom-get", {"path": self.path, "property": name})

    async def set_property(self, name: str, value: object) -> None:
        await self._queries.execute("qom-set", {"path": self.path, "property": name, "value": value})
