"""``[memory]``: the guest's RAM and where the host allocates it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta

from workbench.domain.profile.devices.part import Part, Size, json_option, judged, words
from workbench.domain.units import GIB, MIB, TIB, format_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.profile.devices.part import Option, Path

RAM = "ram0"
"""The id of the memory backend of the guest's RAM."""
VIRTIO_MEM = "vmem0"
"""The id of the virtio-mem device."""
SLOTS_MAX = 256
"""Memory slots of a PC (QEMU: hw/i386/acpi-build.h, ACPI_MAX_RAM_SLOTS)."""
BLOCK = 2 * MIB
"""The smallest block of virtio-mem on a PC (QEMU: hw/virtio/virtio-mem.c, virtio_mem_default_block_size())."""


def _page_trouble(size: int) -> str:
    return "" if size in (2 * MIB, GIB) else f"{format_size(size)} is not a hugepage size: 2M or 1G"


def _ram_trouble(size: int) -> str:
    return f"{format_size(size)} is not a whole number of MiB" if size % MIB else ""


def _block_trouble(size: int) -> str:
    return f"{format_size(size)} is not a whole number of 2M blocks" if size % BLOCK else ""


def _power_trouble(size: int) -> str:
    return "" if size & (size - 1) == 0 else f"{format_size(size)} is not a power of two"


Node = Annotated[int, Meta(ge=0, le=1023)]
"""A NUMA node of the host (Linux: MAX_NUMNODES)."""


class Hugepages(Part, frozen=True, kw_only=True):
    """``[memory.hugepages]``: allocate the guest's RAM from the host's hugepages."""

    size: Annotated[Size, judged(_page_trouble)] = 2 * MIB
    """The page size: 2M or 1G, the sizes of x86."""
    prealloc: bool = True
    """Allocate all pages at the start. Without it, an access kills the guest with SIGBUS if the pool is empty."""
    source: Annotated[
        str,
        Meta(pattern=r"^(memfd\Z|/)", max_length=4095),
        words("memfd or an absolute path of at most 4,095 characters such as /dev/hugepages"),
    ] = "memfd"
    """``memfd``, or the mount point of a hugetlbfs with that page size."""
    nodes: tuple[Node, ...] = ()
    """NUMA nodes of the host to allocate the pages from. Default: any."""

    def check(self) -> Iterator[tuple[Path, str]]:
        yield from _twice(self.nodes)


class VirtioMem(Part, frozen=True, kw_only=True):
    """``[memory.virtio-mem]``: additional RAM that can grow and shrink in blocks while the guest runs."""

    size: Annotated[Size, Meta(ge=BLOCK, le=8 * TIB), judged(_block_trouble)]
    """Its maximum size."""
    requested: Annotated[Size, Meta(ge=0, le=8 * TIB), judged(_block_trouble)] = 0
    """The size requested from the guest at the start."""
    block: Annotated[Size | None, Meta(ge=BLOCK, le=TIB), judged(_power_trouble)] = None
    """The block size, a power of two. Default: QEMU's choice."""

    def check(self) -> Iterator[tuple[Path, str]]:
        if self.requested > self.size:
            yield ("requested",), f"{format_size(self.requested)} is more than its size of {format_size(self.size)}"
        for name, size in (("size", self.size), ("requested", self.requested)):
            if self.block is not None and size % self.block:
                yield (name,), f"{format_size(size)} is not a multiple of the block of {format_size(self.block)}"


class Memory(Part, frozen=True, kw_only=True):
    """``[memory]``: the guest's RAM."""

    size: Annotated[Size, Meta(ge=16 * MIB, le=8 * TIB), judged(_ram_trouble)] = 512 * MIB
    """RAM at the start, in whole MiB."""
    hugepages: Hugepages | None = None
    """Default: ordinary memory."""
    nodes: tuple[Node, ...] = ()
    """NUMA nodes of the host to allocate the memory from. Default: any."""
    policy: Literal["bind", "preferred", "interleave"] | None = None
    """How the nodes are used (mbind(2)): only these, these first, or these in turn. Default: ``bind``."""
    share: bool | None = None
    """Let other processes map it, as vhost-user devices need. Default: as the memory backend needs."""
    lock: bool = False
    """Lock it into the host's memory (mlockall(2)). The balloon then frees no memory on the host."""
    maximum: Annotated[Size | None, Meta(ge=16 * MIB, le=8 * TIB), judged(_ram_trouble)] = None
    """The size that RAM can grow to by plugging in DIMMs or virtio-mem. Default: just enough for ``virtio-mem``."""
    slots: Annotated[int, Meta(ge=0, le=SLOTS_MAX)] = 0
    """The number of slots for DIMMs."""
    virtio_mem: VirtioMem | None = None
    """Default: none."""

    def check(self) -> Iterator[tuple[Path, str]]:
        if self.hugepages is not None and self.size % self.hugepages.size:
            page = format_size(self.hugepages.size)
            yield ("size",), f"{format_size(self.size)} is not a multiple of the {page} hugepages"
        yield from _twice(self.nodes)
        if self.hugepages is not None and self.hugepages.nodes and self.nodes:
            yield ("nodes",), "already set by memory.hugepages.nodes: keep one of the two"
        if self.policy is not None and not self.all_nodes:
            yield ("policy",), "a policy needs nodes"
        if self.slots and self.maximum is None:
            yield ("slots",), "slots need room to grow: set maximum too"
        extra = self.virtio_mem.size if self.virtio_mem else 0
        if self.slots and self.maximum == self.size:
            yield ("maximum",), "slots need room to grow: set maximum above size"
        if self.lock and self.virtio_mem is not None:
            yield ("lock",), "memory of virtio-mem cannot be locked: keep one of the two"
        if self.virtio_mem is not None:
            yield from ((("virtio-mem", *path), why) for path, why in self._blocks(self.virtio_mem))
        if self.maximum is not None and self.maximum < self.size + extra:
            yield ("maximum",), f"{format_size(self.maximum)} is less than the {format_size(self.size + extra)} in use"

    def _blocks(self, device: VirtioMem) -> Iterator[tuple[Path, str]]:
        """Check that virtio-mem's sizes are whole hugepages."""
        least = self.least_block
        if least == BLOCK:
            return
        if device.block is not None and device.block < least:
            yield ("block",), f"{format_size(device.block)} is less than a {format_size(least)} hugepage"
        for name, size in (("size", device.size), ("requested", device.requested)):
            if size % least:
                yield (name,), f"{format_size(size)} is not a multiple of the {format_size(least)} hugepages"

    @property
    def grows_to(self) -> int | None:
        """Bytes that RAM can grow to; None if it cannot grow."""
        if self.maximum is None and self.virtio_mem is None:
            return None
        return self.maximum or self.size + (self.virtio_mem.size if self.virtio_mem else 0)

    @property
    def least_block(self) -> int:
        """virtio-mem's smallest block in bytes: a page of its backend, at least 2 MiB (QEMU: hw/virtio/virtio-mem.c,
        virtio_mem_default_block_size())."""
        return max(BLOCK, self.hugepages.size if self.hugepages else 0)

    @property
    def all_nodes(self) -> tuple[int, ...]:
        """The NUMA nodes of the RAM, from either key of the profile."""
        return self.nodes or (self.hugepages.nodes if self.hugepages else ())

    @property
    def takes_reports(self) -> bool:
        """Whether free page reporting is safe and useful: locked memory cannot be freed, and QEMU would log each failure; a
        freed hugepage can be taken by another process, which kills the guest."""
        return self.hugepages is None and not self.lock

    def size_option(self) -> str:
        """The value of ``-m``."""
        if self.grows_to is None:
            return f"{self.size // MIB}M"
        return f"size={self.size // MIB}M,slots={self.slots},maxmem={self.grows_to // MIB}M"

    def backend(self) -> Option:
        """The RAM's backend object, always with an id, by which its memory is found on the host."""
        prealloc = {} if self.hugepages is None else {"prealloc": self.hugepages.prealloc}
        return self._backend(RAM, self.size, prealloc)

    def _backend(self, name: str, size: int, more: dict[str, Any]) -> Option:
        pages = self.hugepages
        values: dict[str, Any] = {"id": name, "size": size}
        if pages is None:
            kind = "memory-backend-memfd" if self.share else "memory-backend-ram"
            values |= {"share": True} if self.share else {}
        elif pages.source == "memfd":
            kind = "memory-backend-memfd"
            values |= {"hugetlb": True, "hugetlbsize": pages.size}
            values |= {} if self.share is None else {"share": self.share}
        else:
            kind = "memory-backend-file"
            # Shared: discarding in a private file mapping frees nothing (system/physmem.c, ram_block_discard_range()).
            values |= {"mem-path": pages.source, "share": self.share is not False}
        values |= more
        if self.all_nodes:
            values |= {"host-nodes": list(self.all_nodes), "policy": self.policy or "bind"}
        return json_option("-object", {"qom-type": kind, **values})

    def virtio_mem_options(self, slot: str) -> Iterator[Option]:
        """The virtio-mem device and its backend; nothing without one."""
        device = self.virtio_mem
        if device is None:
            return
        name = f"{VIRTIO_MEM}-ram"
        # Not preallocated: QEMU allocates its blocks when they are plugged.
        yield self._backend(name, device.size, {})
        block = {} if device.block is None else {"block-size": device.block}
        values = {"driver": "virtio-mem-pci", "id": VIRTIO_MEM, "addr": slot, "memdev": name}
        yield json_option("-device", {**values, "requested-size": device.requested, **block})


def _twice(nodes: tuple[int, ...]) -> Iterator[tuple[Path, str]]:
    for index, node in enumerate(nodes):
        if node in nodes[:index]:
            yield ("nodes", index), f"node {node} is listed twice"
