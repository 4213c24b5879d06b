"""Memory plugged into a guest after its start, as far as its balloon counts it as RAM."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Module(Struct, frozen=True):
    """A DIMM."""

    address: int
    """The guest physical address."""
    size: int
    """Bytes."""


def modules_of(devices: object) -> tuple[Module, ...]:
    """The DIMMs in a reply to ``query-memory-devices``.

    The balloon counts DIMMs as RAM, but neither NVDIMMs nor virtio-mem (QEMU: hw/virtio/virtio-balloon.c,
    ``get_current_ram_size``), all of which are in the ``plugged-memory`` of ``query-memory-size-summary``.
    """
    found = cast("Sequence[Mapping[str, object]]", devices) if isinstance(devices, list) else ()
    dimms = [cast("Mapping[str, int]", one["data"]) for one in found if one.get("type") == "dimm"]
    return tuple(Module(dimm["addr"], dimm["size"]) for dimm in dimms)
