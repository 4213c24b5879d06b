"""Memory that was plugged into a guest beside what it began with, as far as its balloon counts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Module(Struct, frozen=True):
    """A DIMM."""

    address: int
    """Where the guest sees it."""
    size: int
    """Bytes."""


def modules_of(devices: object) -> tuple[Module, ...]:
    """The modules in a reply of ``query-memory-devices``.

    The balloon counts ordinary DIMMs as RAM, and neither NVDIMMs nor virtio-mem (QEMU: hw/virtio/virtio-balloon.c,
    ``get_current_ram_size``), all of which are in the ``plugged-memory`` of ``query-memory-size-summary``.
    """
    found = cast("Sequence[Mapping[str, object]]", devices) if isinstance(devices, list) else ()
    dimms = [cast("Mapping[str, int]", one["data"]) for one in found if one.get("type") == "dimm"]
    return tuple(Module(dimm["addr"], dimm["size"]) for dimm in dimms)
