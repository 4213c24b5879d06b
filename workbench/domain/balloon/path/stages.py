"""The path of one change of a balloon's target, stage by stage: from the QMP command to the guest's driver and back.

Read in QEMU 7.2 and 10.0 and in Linux 6.1; QEMU's files moved between its versions, so a path is made for one of them::

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
    """What can be seen of a change from outside the guest."""

    SENT = "sent"
    """The command left for QEMU."""
    COMMAND = "command"
    """Trace event ``balloon_event``: QEMU runs the command."""
    TARGET = "target"
    """Trace event ``virtio_balloon_to_target``: written as that function ends, so the notification has been sent by then."""
    READ = "read"
    """Trace event ``virtio_balloon_get_config``: the guest read the device's config space."""
    WRITTEN = "written"
    """Trace event ``virtio_balloon_set_config``: the guest wrote how many pages it holds."""
    EVENT = "event"
    """``BALLOON_CHANGE`` came; QEMU sends at most one a second."""
    SETTLED = "settled"


class Stage(Struct, frozen=True):
    """One function on the path."""

    key: str
    function: str
    """As its source spells it, such as ``qmp_balloon()``; a command's or an event's name has no parentheses."""
    file: str
    """Within QEMU's sources, or Linux's for a stage of the guest."""
    side: Side
    does: str
    """In one plain sentence."""
    proof: Proof | None = None
    """What shows that it ran; None when nothing does: the guest's functions, and what has no trace event of its own."""
    brief: bool = False
    """Whether it belongs to the short form of the path."""
    unsure: bool = False
    """Whether it may be passed by: that another one comes after it proves nothing."""


HOST, GUEST = Side.HOST, Side.GUEST
DRIVER = "drivers/virtio/virtio_balloon.c"
DEVICE = "hw/virtio/virtio-balloon.c"

_STAGES = (
    Stage("request", "balloon", "QMP", HOST, "A client asks for a target in bytes.", Proof.SENT, brief=True),
    Stage(
        "command",
        "qmp_balloon()",
        "{system}/balloon.c",
        HOST,
        "Refuses a size of 0 and a machine without a balloon, and calls the device.",
        Proof.COMMAND,
        brief=True,
    ),
    Stage(
        "target",
        "virtio_balloon_to_target()",
        DEVICE,
        HOST,
        "Computes num_pages = (RAM − target) ÷ 4 KiB for the device's config space; no target is above RAM.",
        Proof.TARGET,
        brief=True,
    ),
    Stage(
        "notify",
        "virtio_notify_config()",
        "hw/virtio/virtio.c",
        HOST,
        "Says that the config space has changed; does nothing while no driver has set DRIVER_OK.",
    ),
    Stage(
        "interrupt",
        "virtio_pci_notify()",
        "hw/virtio/virtio-pci.c",
        HOST,
        "Raises the device's interrupt for configuration changes in the guest.",
    ),
    Stage(
        "irq",
        "vp_config_changed()",
        "drivers/virtio/virtio_pci_common.c",
        GUEST,
        "The guest's interrupt handler: it tells the device's driver.",
    ),
    Stage(
        "changed",
        "virtballoon_changed()",
        DRIVER,
        GUEST,
        "Queues the work for later: an interrupt cannot wait for memory.",
    ),
    Stage(
        "work",
        "update_balloon_size_func()",
        DRIVER,
        GUEST,
        "One turn: compute the diff, move at most 256 pages, write the new size; queued again while a diff is left.",
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
        "Reads the 4 bytes of num_pages: an access to device memory, which leaves the guest for QEMU.",
    ),
    Stage(
        "readl",
        "virtio_config_modern_readl()",
        "hw/virtio/{config_io}.c",
        HOST,
        "QEMU answers the read of device memory.",
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
        "Takes at most 256 pages (1 MiB) from the guest's free memory.",
        brief=True,
    ),
    Stage(
        "tell",
        "tell_host()",
        DRIVER,
        GUEST,
        "Puts the pages' numbers into the inflate queue, and waits until QEMU has taken them.",
    ),
    Stage(
        "output",
        "virtio_balloon_handle_output()",
        DEVICE,
        HOST,
        "Takes each page's number. Its trace event comes for every page, so it stays off.",
        brief=True,
    ),
    Stage("page", "balloon_inflate_page()", DEVICE, HOST, "Collects pages until they cover a whole page of the host."),
    Stage(
        "discard",
        "ram_block_discard_range()",
        "{system}/physmem.c",
        HOST,
        "Gives the memory back to the host.",
    ),
    Stage("size", "update_balloon_size()", DRIVER, GUEST, "Writes how many pages it holds now.", brief=True),
    Stage(
        "set",
        "vp_set()",
        "drivers/virtio/virtio_pci_modern.c",
        GUEST,
        "Writes the 4 bytes of actual: an access to device memory, which leaves the guest for QEMU.",
    ),
    Stage(
        "write",
        "virtio_pci_device_write()",
        "hw/virtio/virtio-pci.c",
        HOST,
        "QEMU takes the write to the device's BAR.",
    ),
    Stage(
        "writel",
        "virtio_config_modern_writel()",
        "hw/virtio/{config_io}.c",
        HOST,
        "Puts the value into the config space and calls the device's set_config.",
    ),
    Stage(
        "written",
        "virtio_balloon_set_config()",
        DEVICE,
        HOST,
        "Takes over actual, which query-balloon answers from now on; its trace event is written last.",
        Proof.WRITTEN,
        brief=True,
    ),
    Stage(
        "event",
        "BALLOON_CHANGE",
        "QMP",
        HOST,
        "Tells every QMP client the new actual, at most once a second.",
        Proof.EVENT,
        brief=True,
    ),
    Stage(
        "settled", "diff = 0", "", HOST, "The guest holds as many pages as it was asked to.", Proof.SETTLED, brief=True
    ),
)

_DEFLATE = {
    "fill": ("leak_balloon()", DRIVER, "Takes at most 256 pages (1 MiB) out of the balloon, to free them."),
    "tell": (
        "tell_host()",
        DRIVER,
        "Puts the pages' numbers into the deflate queue, and waits until QEMU has taken them.",
    ),
    "page": ("balloon_deflate_page()", DEVICE, "Asks for the host's page around each of them."),
    "discard": ("qemu_madvise()", "util/osdep.c", "Tells the host that the memory will be needed (MADV_WILLNEED)."),
}
"""The stages that are others when the guest takes memory back: function, file and what it does."""


class Milestone(StrEnum):
    """What the stages that are seen mean to a person. The words stand in JSON: they stay as they are."""

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
"""The key of a stage -> its milestone."""


def milestone_words(stage: Stage) -> str:
    """What a stage means to a person that sees it; empty for the others."""
    found = MILESTONES.get(stage.key)
    return found.words if found is not None else ""


_HUGE = "Runs only when one piece of 256 pages covers a whole hugepage, which Linux's pieces never do."

SYSTEM = (8, 2)
"""The first QEMU whose ``softmmu`` directory is called ``system``."""
CONFIG_IO = (8, 0)
"""The first QEMU with ``hw/virtio/virtio-config-io.c``; before, its functions were in ``virtio.c``."""


def stages(version: tuple[int, int], *, deflating: bool = False, hugepages: bool = False) -> tuple[Stage, ...]:
    """The path in a QEMU of this version.

    :param deflating: the way of pages that go back to the guest.
    :param hugepages: whether the guest's RAM is in pages of the host that are larger than the balloon's.
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
