"""Memory plugged into a guest after its start, as far as its balloon counts it as RAM."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Module(Struct, frozen=True):
    """A DIMM, or a virtio-mem device."""

    address: int
    """The guest physical address."""
    size: int
    """Bytes of its block of RAM; virtio-mem may have plugged only some of it."""
    plugged: int
    """Bytes that the guest has of it."""
    counted: bool = True
    """Whether the balloon counts it as RAM."""


def modules_of(devices: object) -> tuple[Module, ...]:
    """The modules in a reply to ``query-memory-devices``.

    The balloon counts DIMMs as RAM, but neither NVDIMMs nor virtio-mem (QEMU: hw/virtio/virtio-balloon.c,
    ``get_current_ram_size``), all of which are in the ``plugged-memory`` of ``query-memory-size-summary``. A guest's
    driver takes pages from virtio-mem too.
    """
    found = cast("Sequence[Mapping[str, object]]", devices) if isinstance(devices, list) else ()
    modules: list[Module] = []
    for one in found:
        data = cast("Mapping[str, int]", one.get("data", {}))
        if one.get("type") == "dimm":
            modules.append(Module(data["addr"], data["size"], data["size"]))
        elif one.get("type") == "virtio-mem":
            modules.append(Module(data["memaddr"], data["max-size"], data["size"], counted=False))
    return tuple(modules)
