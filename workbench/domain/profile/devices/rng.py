"""``[rng]`` or ``[[rng]]``: virtio entropy sources."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from workbench.domain.profile.devices.part import File, Id, Option, Part, Path, Size, Slot, device, json_option, named


class Rng(Part, frozen=True, kw_only=True):
    """A ``virtio-rng-pci`` that reads a file of the host. Every guest has one; ``rng = false`` removes it. A single one
    can be written as ``[rng]``, several as ``[[rng]]`` each."""

    id: Id | None = None
    """Its id in QEMU. Default: ``rng0``, ``rng1``, …"""
    slot: Slot | None = None
    """PCI slot, in hexadecimal as lspci shows it: ``"12"`` is 00:12.0. Default: from its place in the profile."""
    source: File = "/dev/urandom"
    """The file that entropy is read from."""
    max_bytes: Annotated[Size | None, Meta(ge=1, le=2**63 - 1), device("max-bytes")] = None
    """The most bytes that the guest gets in one period (QEMU: hw/virtio/virtio-rng.c). Default: no limit."""
    period: Annotated[int | None, Meta(ge=1, le=2**32 - 1), device("period")] = None
    """Length of a period in milliseconds. Default: QEMU's, 65536."""

    def check(self) -> Iterator[tuple[Path, str]]:
        if self.period is not None and self.max_bytes is None:
            yield ("period",), "period has no effect without max-bytes"

    def options(self, slot: str, source: str) -> Iterator[Option]:
        """
        :param source: the absolute path of the file.
        """
        yield json_option("-object", {"qom-type": "rng-random", "id": f"{self.id}-source", "filename": source})
        card = {
            "driver": "virtio-rng-pci",
            "id": self.id,
            "addr": slot,
            "rng": f"{self.id}-source",
            **named(self, "device"),
        }
        yield json_option("-device", card)
