"""``[balloon]``: the virtio balloon."""

import re
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from workbench.domain.balloon.safety.ramp import ramp_trouble
from workbench.domain.balloon.target import LEAST, parse_target
from workbench.domain.profile.devices.part import (
    Option,
    Part,
    Path,
    Size,
    Slot,
    device,
    json_option,
    judged,
    named,
    words,
)
from workbench.domain.units import SizeError, format_size

BALLOON_ID = "balloon0"
"""The balloon's id in QEMU; a machine takes one only (QEMU: system/balloon.c, qemu_add_balloon_handler())."""

PRESETS_MAX = 9
"""One for each digit."""

_PRESET_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,15}", re.ASCII)


def _preset_trouble(text: str) -> str:
    """What is wrong with a preset's target, whatever the guest's RAM; empty when nothing is."""
    if text.strip().startswith("+"):
        return f'{text.strip()!r} counts from where the target is: a preset is a size or a share, "256M" or "50%"'
    try:
        parse_target(text, ram=1 << 63, target=0)
    except SizeError as error:
        return error.why
    return ""


class Balloon(Part, frozen=True, kw_only=True):
    """A ``virtio-balloon-pci``. A guest has one unless the profile says ``balloon = false``."""

    deflate_on_oom: Annotated[bool, device("deflate-on-oom")] = True
    """The guest takes memory back from the balloon before it kills a process for want of it."""
    free_page_reporting: Annotated[bool | None, device("free-page-reporting")] = None
    """The guest tells the host of free pages, and the host takes them back at once. When not given: on with ordinary
    memory, off with locked memory, which cannot be given back, and on hugepages, where somebody else can take the page and
    the guest's next touch ends it with SIGBUS."""
    statistics: Annotated[int, Meta(ge=0, le=3600), device("guest-stats-polling-interval")] = 2
    """Seconds between two readings of the guest's memory statistics; 0: none."""

    page_poison: Annotated[bool | None, device("page-poison")] = None
    """The guest may tell the value that it fills free pages with, which free page reporting and hints need where it does
    that. QEMU's choice when not given: on."""
    free_page_hint: bool = False
    """The guest may tell which pages are free while it is migrated, so that they are not sent; a thread of QEMU's takes
    the hints."""
    slot: Slot | None = None
    """Its PCI slot, in hexadecimal as lspci shows it: ``"12"`` is 00:12.0. By its place in the profile when not given."""

    # What follows is the workbench's own: QEMU knows nothing of it.
    floor: Annotated[Size, Meta(ge=LEAST)] | None = None
    """A target below it is asked about first. When not given: 1.3 × what the guest uses, and at least 1/8 of its RAM, or 64M."""
    ramp: Annotated[str, judged(ramp_trouble), words("a ramp such as 256M/5s")] | None = None
    """A larger inflation goes in steps: at most 256 MiB at a time, at least 5 seconds apart, and each one waits until
    the guest has done the one before. Deflation is never slowed. When not given: all in one step."""
    guard: bool = False
    """While a screen watches, a guest that thrashes gets all its memory back at once."""
    presets: Annotated[
        tuple[tuple[str, Annotated[str, judged(_preset_trouble), words("a target such as 256M or 50%")]], ...],
        Meta(max_length=PRESETS_MAX),
    ] = ()
    """Targets by names of your own, each a size or a share of RAM: ``idle = "256M"``, ``half = "50%"``. At most 9, one
    for each digit."""

    def check(self) -> Iterator[tuple[Path, str]]:
        for name, _ in self.presets:
            if _PRESET_NAME.fullmatch(name) is None:
                yield ("presets", name), "a preset's name is a letter, then at most 15 letters, digits, '_' or '-'"
            elif name.lower() == "max":
                yield ("presets", name), "max is all of the guest's RAM already"

    def check_ram(self, ram: int) -> Iterator[tuple[Path, str]]:
        """What does not fit the guest's RAM of so many bytes."""
        if self.floor is not None and self.floor > ram:
            yield ("floor",), f"{format_size(self.floor)} is more than the guest's RAM of {format_size(ram)}"
        for name, text in self.presets:
            try:
                parse_target(text, ram=ram, target=ram)
            except SizeError as error:
                yield ("presets", name), str(error)

    def options(self, slot: str, *, reporting: bool) -> Iterator[Option]:
        """:param reporting: whether there is free page reporting where the profile does not say."""
        reporting = reporting if self.free_page_reporting is None else self.free_page_reporting
        values = named(replace(self, free_page_reporting=reporting), "device")
        card: dict[str, object] = {"driver": "virtio-balloon-pci", "id": BALLOON_ID, "addr": slot, **values}
        if self.free_page_hint:
            # QEMU: hw/virtio/virtio-balloon.c, virtio_balloon_device_realize(): hints need an iothread.
            yield json_option("-object", {"qom-type": "iothread", "id": f"{BALLOON_ID}-thread"})
            card |= {"free-page-hint": True, "iothread": f"{BALLOON_ID}-thread"}
        yield json_option("-device", card)
