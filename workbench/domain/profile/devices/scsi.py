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
"""The cache modes by their usual names: the device's write cache, and for the image whether it goes round the host's
page cache and whether a flush is left out (QEMU: block.c, bdrv_parse_cache_mode())."""

QUEUES_MAX = 1022
"""Request queues of one controller (QEMU: hw/scsi/virtio-scsi.c, virtio_scsi_common_realize())."""
DEVICE_ID_MAX = 20
"""Characters of a serial number that is a disk's device id too when that is not given. QEMU refuses a longer one since
8.0, and before that cut it short (hw/scsi/scsi-disk.c, MAX_SERIAL_LEN_FOR_DEVID)."""


def _sectors_trouble(size: int) -> str:
    return "" if size % 512 == 0 else f"{format_size(size)} is not a whole number of 512-byte sectors"


class Disk(Part, frozen=True, kw_only=True):
    """A disk (``scsi-hd``) or CD drive (``scsi-cd``) and the image in it."""

    media: Literal["disk", "cdrom"] = "disk"
    """``cdrom``: a drive with a read-only image in it, or with none."""
    file: File | None = None
    """The image. A disk must have one; a CD drive without one is empty."""
    id: Id | None = None
    """Names the disk in QEMU; ``disk0``, ``disk1``, … over all controllers when not given."""
    format: Literal["qcow2", "raw"] | None = None
    """The image's format; ``qcow2`` for disks and ``raw`` for CDs when not given. QEMU's guess is never asked for: a
    guest could write a header that changes it."""
    size: Annotated[Size | None, Meta(ge=512, le=2**16 * TIB), judged(_sectors_trouble)] = None
    """When the image is missing, one of this size is made before the start. An image that is there is left as it is."""
    read_only: Annotated[bool, backend("read-only")] = False
    """The guest cannot write to it."""
    cache: Literal["writeback", "none", "writethrough", "directsync", "unsafe"] = "writeback"
    """How writes are kept: ``writeback`` and ``none`` (past the host's page cache) are safe when the guest flushes;
    ``writethrough`` and ``directsync`` flush each write; ``unsafe`` never does."""
    discard: Annotated[Literal["unmap", "ignore"], backend("discard")] = "unmap"
    """What happens when the guest trims: ``unmap`` gives the room back to the host."""
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
                yield ("size",), "a CD drive has no image to be made"
            if self.serial is not None:
                yield ("serial",), "a CD drive has no serial number here"
        elif self.file is None:
            yield (), "the key file is missing"

    def options(self, bus: str, lun: int, file: str | None, *, boot: int | None = None) -> Iterator[Option]:
        """
        :param file: the image's absolute path; None for an empty CD drive.
        :param boot: its place in the order of booting.
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
    """Names the controller in QEMU; ``scsi0``, ``scsi1``, … when not given."""
    slot: Slot | None = None
    """Its PCI slot, in hexadecimal as lspci shows it: ``"12"`` is 00:12.0. By its place in the profile when not given."""
    iothread: bool = False
    """Its requests are worked off by a thread of their own, not by QEMU's main loop."""
    queues: Annotated[int | None, Meta(ge=1, le=QUEUES_MAX)] = None
    """Request queues; one for each virtual CPU when not given (QEMU: hw/virtio/virtio-pci.c,
    virtio_pci_optimal_num_queues())."""
    disk: tuple[Disk, ...] = ()
    """Its disks; the first one is LUN 0."""

    def options(self, slot: str) -> Iterator[Option]:
        card: dict[str, Any] = {"driver": "virtio-scsi-pci", "id": self.id, "addr": slot}
        if self.iothread:
            yield json_option("-object", {"qom-type": "iothread", "id": f"{self.id}-thread"})
            card["iothread"] = f"{self.id}-thread"
        if self.queues is not None:
            card["num_queues"] = self.queues
        yield json_option("-device", card)
