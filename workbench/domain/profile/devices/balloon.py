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
"""The balloon's id in QEMU, which allows one per machine (QEMU: system/balloon.c, qemu_add_balloon_handler())."""

PRESETS_MAX = 9
"""One for each digit."""

_PRESET_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,15}", re.ASCII)


def _preset_trouble(text: str) -> str:
    """What is wrong with a preset's target for any size of RAM; empty if nothing."""
    if text.strip().startswith("+"):
        return f'{text.strip()!r} is relative to the current target: a preset is a size or a share, "256M" or "50%"'
    try:
        parse_target(text, ram=1 << 63, target=0)
    except SizeError as error:
        return error.why
    return ""


class Balloon(Part, frozen=True, kw_only=True):
    """A ``virtio-balloon-pci``. Every guest has one; ``balloon = false`` removes it."""

    deflate_on_oom: Annotated[bool, device("deflate-on-oom")] = True
    """The guest takes memory back from the balloon before its OOM killer kills a process."""
    free_page_reporting: Annotated[bool | None, device("free-page-reporting")] = None
    """The guest reports free pages, and the host frees them at once. Default: on with ordinary memory; off with locked
    memory, which cannot be freed, and on hugepages, where another process can take the page and the guest's next access
    kills it with SIGBUS."""
    statistics: Annotated[int, Meta(ge=0, le=3600), device("guest-stats-polling-interval")] = 2
    """Seconds between two readings of the guest's memory statistics; 0: off."""

    page_poison: Annotated[bool | None, device("page-poison")] = None
    """The guest can report the value that it fills free pages with; if it does fill them, free page reporting and hints
    need this. Default: QEMU's choice, on."""
    free_page_hint: bool = False
    """The guest can report free pages during a migration, so that they are not sent. Adds an iothread to QEMU."""
    slot: Slot | None = None
    """PCI slot, in hexadecimal as lspci shows it: ``"12"`` is 00:12.0. Default: from its place in the profile."""

    # The rest is for the workbench: QEMU does not see it.
    floor: Annotated[Size, Meta(ge=LEAST)] | None = None
    """Targets below it need confirmation. Default: 1.3 × what the guest uses, at least 1/8 of its RAM and 64M."""
    ramp: Annotated[str, judged(ramp_trouble), words("a ramp such as 256M/5s")] | None = None
    """Inflates in steps: with ``256M/5s`` at most 256 MiB at a time and at least 5 seconds apart; each step waits until
    the guest has finished the previous one. Deflation is never slowed. Default: one step."""
    guard: bool = False
    """While a screen is open, a guest that thrashes gets all its memory back at once."""
    presets: Annotated[
        tuple[tuple[str, Annotated[str, judged(_preset_trouble), words("a target such as 256M or 50%")]], ...],
        Meta(max_length=PRESETS_MAX),
    ] = ()
    """Named targets, each a size or a share of RAM: ``idle = "256M"``, ``half = "50%"``. At most 9, one for each
    digit."""

    def check(self) -> Iterator[tuple[Path, str]]:
        for name, _ in self.presets:
            if _PRESET_NAME.fullmatch(name) is None:
                yield ("presets", name), "a preset's name is a letter, then at most 15 letters, digits, '_' or '-'"
            elif name.lower() == "max":
                yield ("presets", name), "max is reserved for all of the guest's RAM"

    def check_ram(self, ram: int) -> Iterator[tuple[Path, str]]:
        """What does not fit the guest's RAM, in bytes."""
        if self.floor is not None and self.floor > ram:
            yield ("floor",), f"{format_size(self.floor)} is more than the guest's RAM of {format_size(ram)}"
        for name, text in self.presets:
            try:
                parse_target(text, ram=ram, target=ram)
            except SizeError as error:
                yield ("presets", name), str(error)

    def options(self, slot: str, *, reporting: bool) -> Iterator[Option]:
        """:param reporting: whether to use free page reporting if the profile does not say."""
        reporting = reporting if self.free_page_reporting is None else self.free_page_reporting
        values = named(replace(self, free_page_reporting=reporting), "device")
        card: dict[str, object] = {"driver": "virtio-balloon-pci", "id": BALLOON_ID, "addr": slot, **values}
        if self.free_page_hint:
            # QEMU: hw/virtio/virtio-balloon.c, virtio_balloon_device_realize(): hints need an iothread.
            yield json_option("-object", {"qom-type": "iothread", "id": f"{BALLOON_ID}-thread"})
            card |= {"free-page-hint": True, "iothread": f"{BALLOON_ID}-thread"}
        yield json_option("-device", card)
