"""``[[scsi]]``: a virtio SCSI controller; ``[[scsi.disk]]``: the disks and CD drives on it."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec import Meta

from workbench.domain.profile.devices.part import (
    File,
    Id,
    Option,
    Part,
    Path,
    Size,
    Slot,
    backend,
    json_option,
    judged,
    named,
    words,
)
from workbench.domain.units import TIB, format_size

CACHES = {
    "writeback": (True, False, False),
    "none": (True, True, False),
    "writethrough": (False, False, False),
    "directsync": (False, True, False),
    "unsafe": (True, False, True),
}
"""The cache modes: whether the device has a write cache, whether the image bypasses the host's page cache, and whether
flushes are ignored (QEMU: block.c, bdrv_parse_cache_mode())."""

QUEUES_MAX = 1022
"""Request queues of one controller (QEMU: hw/scsi/virtio-scsi.c, virtio_scsi_common_realize())."""
DEVICE_ID_MAX = 20
"""The longest serial number that can double as a disk's device id. QEMU rejects a longer one since 8.0; earlier versions
truncated it (hw/scsi/scsi-disk.c, MAX_SERIAL_LEN_FOR_DEVID)."""


def _sectors_trouble(size: int) -> str:
    return "" if size % 512 == 0 else f"{format_size(size)} is not a whole number of 512-byte sectors"


class Disk(Part, frozen=True, kw_only=True):
    """A disk (``scsi-hd``) or CD drive (``scsi-cd``) and its image."""

    media: Literal["disk", "cdrom"] = "disk"
    """``cdrom``: a drive with a read-only image, or empty."""
    file: File | None = None
    """The image. Required for a disk; a CD drive without one is empty."""
    id: Id | None = None
    """Its id in QEMU. Default: ``disk0``, ``disk1``, …, counted over all controllers."""
    format: Literal["qcow2", "raw"] | None = None
    """The image's format. Default: ``qcow2`` for disks, ``raw`` for CDs. It is never detected from the image, since a
    guest could write a header that changes the result."""
    size: Annotated[Size | None, Meta(ge=512, le=2**16 * TIB), judged(_sectors_trouble)] = None
    """If the image is missing, one of this size is created before the start. An existing image is not changed."""
    read_only: Annotated[bool, backend("read-only")] = False
    """The guest cannot write to it."""
    cache: Literal["writeback", "none", "writethrough", "directsync", "unsafe"] = "writeback"
    """How writes are cached: ``writeback`` and ``none`` (bypasses the host's page cache) are safe if the guest flushes;
    ``writethrough`` and ``directsync`` flush each write; ``unsafe`` ignores flushes."""
    discard: Annotated[Literal["unmap", "ignore"], backend("discard")] = "unmap"
    """What happens when the guest trims: ``unmap`` frees the space on the host."""
    serial: Annotated[
        str | None,
        Meta(pattern=r"^[\x20-\x7e]{1,36}\Z"),
        words("a serial number of 1 to 36 ASCII characters"),
    ] = None
    """The serial number that the guest sees (/dev/disk/by-id)."""

    @property
    def image_format(self) -> str:
        return self.format or ("raw" if self.media == "cdrom" else "qcow2")

    @property
    def writes(self) -> bool:
        """Whether the guest can write to the image."""
        return self.media == "disk" and not self.read_only

    def check(self) -> Iterator[tuple[Path, str]]:
        if self.media == "cdrom":
            if self.size is not None:
                yield ("size",), "no image can be created for a CD drive"
            if self.serial is not None:
                yield ("serial",), "a CD drive cannot have a serial number here"
        elif self.file is None:
            yield (), "missing key: file"

    def options(self, bus: str, lun: int, file: str | None, *, boot: int | None = None) -> Iterator[Option]:
        """
        :param file: the image's absolute path; None for an empty CD drive.
        :param boot: its place in the boot order.
        """
        write_cache, direct, no_flush = CACHES[self.cache]
        cdrom = self.media == "cdrom"
        disk: dict[str, Any] = {"driver": "scsi-cd" if cdrom else "scsi-hd", "id": self.id, "bus": bus}
        disk |= {"channel": 0, "scsi-id": 0, "lun": lun}
        if file is not None:
            cache = {"direct": direct, "no-flush": no_flush}
            node: dict[str, Any] = {"driver": self.image_format, **named(self, "backend")}
            if cdrom:
                node["read-only"] = True
            node |= {"node-name": f"{self.id}-image", "cache": cache}
            yield json_option("-blockdev", {**node, "file": {"driver": "file", "filename": file, "cache": cache}})
            disk["drive"] = f"{self.id}-image"
        if not cdrom:
            disk |= {"write-cache": "on" if write_cache else "off"}
        if self.serial is not None:
            disk["serial"] = self.serial
            if len(self.serial) > DEVICE_ID_MAX:
                disk["device_id"] = self.serial
        if boot is not None:
            disk["bootindex"] = boot
        yield json_option("-device", disk)


class Scsi(Part, frozen=True, kw_only=True):
    """A ``virtio-scsi-pci`` controller."""

    id: Id | None = None
    """Its id in QEMU. Default: ``scsi0``, ``scsi1``, …"""
    slot: Slot | None = None
    """PCI slot, in hexadecimal as lspci shows it: ``"12"`` is 00:12.0. Default: from its place in the profile."""
    iothread: bool = False
    """Handle its requests in a separate thread instead of QEMU's main loop."""
    queues: Annotated[int | None, Meta(ge=1, le=QUEUES_MAX)] = None
    """Request queues. Default: one for each virtual CPU (QEMU: hw/virtio/virtio-pci.c,
    virtio_pci_optimal_num_queues())."""
    disk: tuple[Disk, ...] = ()
    """The first disk of a controller is LUN 0."""

    def options(self, slot: str) -> Iterator[Option]:
        card: dict[str, Any] = {"driver": "virtio-scsi-pci", "id": self.id, "addr": slot}
        if self.iothread:
            yield json_option("-object", {"qom-type": "iothread", "id": f"{self.id}-thread"})
            card["iothread"] = f"{self.id}-thread"
        if self.queues is not None:
            card["num_queues"] = self.queues
        yield json_option("-device", card)
