"""``[balloon]``: the virtio balloon."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from workbench.domain.devices.part import Option, Part, device, json_option, named

BALLOON_ID = "balloon0"
"""The balloon's id in QEMU; a machine takes one only (QEMU: system/balloon.c, qemu_add_balloon_handler())."""


class Balloon(Part, frozen=True, kw_only=True):
    """A ``virtio-balloon-pci``. A guest has one unless the profile says ``balloon = false``."""

    deflate_on_oom: Annotated[bool, device("deflate-on-oom")] = True
    """The guest takes memory back from the balloon before it kills a process for want of it."""
    free_page_reporting: Annotated[bool | None, device("free-page-reporting")] = None
    """The guest tells the host of free pages, and the host takes them back at once. When not given: on with ordinary
    memory, off on hugepages, where somebody else can take the page and the guest's next touch ends it with SIGBUS."""
    statistics: Annotated[int, Meta(ge=0, le=3600), device("guest-stats-polling-interval")] = 2
    """Seconds between two readings of the guest's memory statistics; 0: none."""

    def options(self, slot: str, *, hugepages: bool) -> Iterator[Option]:
        values = named(self, "device")
        values.setdefault("free-page-reporting", not hugepages)
        yield json_option("-device", {"driver": "virtio-balloon-pci", "id": BALLOON_ID, "addr": slot, **values})
