"""``[rng]`` or ``[[rng]]``: the virtio entropy sources."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from workbench.domain.profile.devices.part import File, Id, Option, Part, Path, Size, Slot, device, json_option, named


class Rng(Part, frozen=True, kw_only=True):
    """A ``virtio-rng-pci`` with a file of the host behind it. A guest has one unless its profile says ``rng = false``;
    one alone may be written as ``[rng]``, several as ``[[rng]]`` each."""

    id: Id | None = None
    """Names the device in QEMU; ``rng0``, ``rng1``, … when not given."""
    slot: Slot | None = None
    """Its PCI slot, in hexadecimal as lspci shows it: ``"12"`` is 00:12.0. By its place in the profile when not given."""
    source: File = "/dev/urandom"
    """What the entropy is read from."""
    max_bytes: Annotated[Size | None, Meta(ge=1, le=2**63 - 1), device("max-bytes")] = None
    """Bytes that the guest gets in one period at most; no limit when not given (QEMU: hw/virtio/virtio-rng.c)."""
    period: Annotated[int | None, Meta(ge=1, le=2**32 - 1), device("period")] = None
    """Milliseconds of one period; QEMU's 65536 when not given."""

    def check(self) -> Iterator[tuple[Path, str]]:
        if self.period is not None and self.max_bytes is None:
            yield ("period",), "without max-bytes there is no limit for a period"

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
