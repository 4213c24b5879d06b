"""``[[scsi]]``: a virtio SCSI controller; ``[[scsi.disk]]``: the disks on it."""

from collections.abc import Iterator
from typing import Annotated, Literal

from workbench.domain.devices.part import File, Id, Option, Part, backend, json_option, named


class Disk(Part, frozen=True, kw_only=True):
    """A ``scsi-hd`` and the image behind it."""

    file: File
    """The image."""
    id: Id | None = None
    """Names the disk in QEMU; ``disk0``, ``disk1``, … over all controllers when not given."""
    format: Annotated[Literal["qcow2", "raw"], backend("driver")] = "qcow2"
    """The image's format. QEMU's guess is never asked for: a guest could write a header that changes it."""
    read_only: Annotated[bool, backend("read-only")] = False
    """The guest cannot write to it."""

    def options(self, bus: str, lun: int, file: str) -> Iterator[Option]:
        """:param file: the image's absolute path."""
        node = {**named(self, "backend"), "node-name": f"{self.id}-image", "file": {"driver": "file", "filename": file}}
        yield json_option("-blockdev", node)
        disk = {"driver": "scsi-hd", "id": self.id, "bus": bus, "channel": 0, "scsi-id": 0, "lun": lun}
        yield json_option("-device", {**disk, "drive": f"{self.id}-image"})


class Scsi(Part, frozen=True, kw_only=True):
    """A ``virtio-scsi-pci`` controller."""

    id: Id | None = None
    """Names the controller in QEMU; ``scsi0``, ``scsi1``, … when not given."""
    disk: tuple[Disk, ...] = ()
    """Its disks; the first one is LUN 0."""

    def options(self, slot: str) -> Iterator[Option]:
        yield json_option("-device", {"driver": "virtio-scsi-pci", "id": self.id, "addr": slot})
