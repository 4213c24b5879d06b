"""The path of a target change, function by function, from the QMP command to the guest's driver and back.

From the sources of QEMU 7.2 and 10.0 and Linux 6.1. QEMU has moved files, so each path is for one QEMU version::

    host   balloon → qmp_balloon → virtio_balloon_to_target → virtio_notify_config → virtio_pci_notify
    guest    vp_config_changed → virtballoon_changed → update_balloon_size_func → towards_target → vp_get
    host       virtio_config_modern_readl → virtio_balloon_get_config                       ┐
    guest    fill_balloon or leak_balloon → tell_host                                       │ again for each
    host       virtio_balloon_handle_output → balloon_inflate_page → ram_block_discard_range│ 256 pages
    guest    update_balloon_size → vp_set                                                   │
    host       virtio_pci_device_write → virtio_config_modern_writel                        │
               → virtio_balloon_set_config → BALLOON_CHANGE                                 ┘
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace


class Side(StrEnum):
    HOST = "host"
    GUEST = "guest"


class Proof(StrEnum):
    """What shows from outside the guest that a stage ran."""

    SENT = "sent"
    """The command was sent to QEMU."""
    COMMAND = "command"
    """Trace event ``balloon_event``: QEMU runs the command."""
    TARGET = "target"
    """Trace event ``virtio_balloon_to_target``: written at the end of that function, after the notification was sent."""
    READ = "read"
    """Trace event ``virtio_balloon_get_config``: the guest read the device's config space."""
    WRITTEN = "written"
    """Trace event ``virtio_balloon_set_config``: the guest wrote how many pages it holds."""
    EVENT = "event"
    """``BALLOON_CHANGE`` arrived; QEMU sends at most one a second."""
    SETTLED = "settled"


class Stage(Struct, frozen=True):
    """One function on the path."""

    key: str
    function: str
    """Such as ``qmp_balloon()``; names of commands and events have no parentheses."""
    file: str
    """In QEMU's sources, or Linux's for a guest stage."""
    side: Side
    does: str
    """One sentence."""
    proof: Proof | None = None
    """What shows that it ran; None for guest functions and those without a trace event."""
    brief: bool = False
    """Whether it is part of the short form of the path."""
    unsure: bool = False
    """Whether it may be skipped, so that a later stage does not prove it."""


HOST, GUEST = Side.HOST, Side.GUEST
DRIVER = "drivers/virtio/virtio_balloon.c"
DEVICE = "hw/virtio/virtio-balloon.c"

_STAGES = (
    Stage("request", "balloon", "QMP", HOST, "A client requests a target in bytes.", Proof.SENT, brief=True),
    Stage(
        "command",
        "qmp_balloon()",
        "{system}/balloon.c",
        HOST,
        "Rejects a size of 0 and a machine without a balloon, then calls the device.",
        Proof.COMMAND,
        brief=True,
    ),
    Stage(
        "target",
        "virtio_balloon_to_target()",
        DEVICE,
        HOST,
        "Computes num_pages = (RAM − target) ÷ 4 KiB for the device's config space; clamps the target to RAM.",
        Proof.TARGET,
        brief=True,
    ),
    Stage(
        "notify",
        "virtio_notify_config()",
        "hw/virtio/virtio.c",
        HOST,
        "Signals that the config space changed; does nothing until a driver has set DRIVER_OK.",
    ),
    Stage(
        "interrupt",
        "virtio_pci_notify()",
        "hw/virtio/virtio-pci.c",
        HOST,
        "Raises the device's configuration change interrupt in the guest.",
    ),
    Stage(
        "irq",
        "vp_config_changed()",
        "drivers/virtio/virtio_pci_common.c",
        GUEST,
        "The guest's interrupt handler: calls the device's driver.",
    ),
    Stage(
        "changed",
        "virtballoon_changed()",
        DRIVER,
        GUEST,
        "Queues the work: an interrupt handler must not wait for memory.",
    ),
    Stage(
        "work",
        "update_balloon_size_func()",
        DRIVER,
        GUEST,
        "One round: compute the diff, move at most 256 pages, write the new size; requeued while a diff is left.",
    ),
    Stage(
        "diff",
        "towards_target()",
        DRIVER,
        GUEST,
        "Computes diff = num_pages − held: positive to inflate, negative to deflate.",
        brief=True,
    ),
    Stage(
        "get",
        "vp_get()",
        "drivers/virtio/virtio_pci_modern.c",
        GUEST,
        "Reads the 4 bytes of num_pages: an MMIO read, which exits to QEMU.",
    ),
    Stage(
        "readl",
        "virtio_config_modern_readl()",
        "hw/virtio/{config_io}.c",
        HOST,
        "Handles the MMIO read in QEMU.",
    ),
    Stage(
        "read",
        "virtio_balloon_get_config()",
        DEVICE,
        HOST,
        "Fills the config space with num_pages and actual.",
        Proof.READ,
        brief=True,
    ),
    Stage(
        "fill",
        "fill_balloon()",
        DRIVER,
        GUEST,
        "Allocates at most 256 pages (1 MiB) of the guest's free memory.",
        brief=True,
    ),
    Stage(
        "tell",
        "tell_host()",
        DRIVER,
        GUEST,
        "Puts the page frame numbers into the inflate queue and waits until QEMU has processed them.",
    ),
    Stage(
        "output",
        "virtio_balloon_handle_output()",
        DEVICE,
        HOST,
        "Processes each page frame number. Its trace event fires for every page, so it stays off.",
        brief=True,
    ),
    Stage("page", "balloon_inflate_page()", DEVICE, HOST, "Collects pages until they cover a whole host page."),
    Stage(
        "discard",
        "ram_block_discard_range()",
        "{system}/physmem.c",
        HOST,
        "Returns the memory to the host.",
    ),
    Stage("size", "update_balloon_size()", DRIVER, GUEST, "Writes the number of pages now held.", brief=True),
    Stage(
        "set",
        "vp_set()",
        "drivers/virtio/virtio_pci_modern.c",
        GUEST,
        "Writes the 4 bytes of actual: an MMIO write, which exits to QEMU.",
    ),
    Stage(
        "write",
        "virtio_pci_device_write()",
        "hw/virtio/virtio-pci.c",
        HOST,
        "Handles the write to the device's BAR in QEMU.",
    ),
    Stage(
        "writel",
        "virtio_config_modern_writel()",
        "hw/virtio/{config_io}.c",
        HOST,
        "Stores the value in the config space and calls the device's set_config.",
    ),
    Stage(
        "written",
        "virtio_balloon_set_config()",
        DEVICE,
        HOST,
        "Updates actual, which query-balloon returns from now on; writes its trace event last.",
        Proof.WRITTEN,
        brief=True,
    ),
    Stage(
        "event",
        "BALLOON_CHANGE",
        "QMP",
        HOST,
        "Reports the new actual to every QMP client, at most once a second.",
        Proof.EVENT,
        brief=True,
    ),
    Stage("settled", "diff = 0", "", HOST, "The guest holds as many pages as requested.", Proof.SETTLED, brief=True),
)

_DEFLATE = {
    "fill": ("leak_balloon()", DRIVER, "Takes at most 256 pages (1 MiB) out of the balloon and frees them."),
    "tell": (
        "tell_host()",
        DRIVER,
        "Puts the page frame numbers into the deflate queue and waits until QEMU has processed them.",
    ),
    "page": ("balloon_deflate_page()", DEVICE, "Looks up the host page that contains each of them."),
    "discard": ("qemu_madvise()", "util/osdep.c", "Tells the host that the memory will be needed (MADV_WILLNEED)."),
}
"""Stages that differ for deflation: function, file and what it does."""


class Milestone(StrEnum):
    """A step that people recognize. The values are part of the JSON output: do not change them."""

    REQUEST = "request"
    NOTIFIED = "driver_notified"
    READ = "config_read"
    FIRST_PAGES = "first_pages"
    SETTLED = "settled"

    @property
    def words(self) -> str:
        """For people."""
        return _MILESTONE_WORDS[self]


_MILESTONE_WORDS = {
    Milestone.REQUEST: "request",
    Milestone.NOTIFIED: "driver notified",
    Milestone.READ: "config read",
    Milestone.FIRST_PAGES: "first pages",
    Milestone.SETTLED: "settled",
}
MILESTONES = {
    "request": Milestone.REQUEST,
    "target": Milestone.NOTIFIED,
    "read": Milestone.READ,
    "written": Milestone.FIRST_PAGES,
    "settled": Milestone.SETTLED,
}
"""Stage key -> milestone."""


def milestone_words(stage: Stage) -> str:
    """The name of a stage's milestone; empty for a stage without one."""
    found = MILESTONES.get(stage.key)
    return found.words if found is not None else ""


_HUGE = "Runs only when a batch of 256 pages covers a whole hugepage, which Linux's batches never do."

SYSTEM = (8, 2)
"""The first QEMU with its ``softmmu`` directory renamed to ``system``."""
CONFIG_IO = (8, 0)
"""The first QEMU with ``hw/virtio/virtio-config-io.c``; earlier, its functions were in ``virtio.c``."""


def stages(version: tuple[int, int], *, deflating: bool = False, hugepages: bool = False) -> tuple[Stage, ...]:
    """The path in a QEMU of this version.

    :param deflating: the path of pages that go back to the guest.
    :param hugepages: whether the guest's RAM is backed by host pages larger than the balloon's.
    """
    places = {
        "system": "system" if version >= SYSTEM else "softmmu",
        "config_io": "virtio-config-io" if version >= CONFIG_IO else "virtio",
    }
    found = [replace(stage, file=stage.file.format(**places)) for stage in _STAGES]
    if deflating:
        return tuple(_deflate(stage) for stage in found)
    return tuple(_huge(stage) if hugepages else stage for stage in found)


def _huge(stage: Stage) -> Stage:
    return replace(stage, does=_HUGE, unsure=True) if stage.key == "discard" else stage


def _deflate(stage: Stage) -> Stage:
    if stage.key not in _DEFLATE:
        return stage
    function, file, does = _DEFLATE[stage.key]
    return replace(stage, function=function, file=file, does=does)
