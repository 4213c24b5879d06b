"""``[memory]``: the guest's RAM, and where on the host it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta

from workbench.domain.profile.devices.part import Part, Size, json_option, judged, words
from workbench.domain.units import GIB, MIB, TIB, format_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.domain.profile.devices.part import Option, Path

RAM = "ram0"
"""The id of the memory backend that is the guest's RAM."""
VIRTIO_MEM = "vmem0"
"""The id of the virtio-mem device."""
SLOTS_MAX = 256
"""Memory slots of a PC (QEMU: hw/i386/acpi-build.h, ACPI_MAX_RAM_SLOTS)."""
BLOCK = 2 * MIB
"""What virtio-mem plugs at once, at the least, on a PC (QEMU: hw/virtio/virtio-mem.c, virtio_mem_default_block_size)."""


def _page_trouble(size: int) -> str:
    return "" if size in (2 * MIB, GIB) else f"there are hugepages of 2M and of 1G, not of {format_size(size)}"


def _ram_trouble(size: int) -> str:
    return f"{format_size(size)} is not a whole number of MiB" if size % MIB else ""


def _block_trouble(size: int) -> str:
    return f"{format_size(size)} is not a whole number of 2M blocks" if size % BLOCK else ""


def _power_trouble(size: int) -> str:
    return "" if size & (size - 1) == 0 else f"{format_size(size)} is no power of two"


Node = Annotated[int, Meta(ge=0, le=1023)]
"""A NUMA node of the host (Linux: MAX_NUMNODES)."""


class Hugepages(Part, frozen=True, kw_only=True):
    """``[memory.hugepages]``: the guest's RAM in hugepages of the host."""

    size: Annotated[Size, judged(_page_trouble)] = 2 * MIB
    """One page: 2M or 1G, the sizes that x86 has."""
    prealloc: bool = True
    """Take every page at the start. Without it a pool that runs dry kills the guest with SIGBUS at its next touch."""
    source: Annotated[
        str,
        Meta(pattern=r"^(memfd\Z|/)", max_length=4095),
        words("memfd or an absolute path of at most 4,095 characters such as /dev/hugepages"),
    ] = "memfd"
    """``memfd``, or the directory where a hugetlbfs of that page size is mounted."""
    nodes: tuple[Node, ...] = ()
    """NUMA nodes of the host that the pages come from; any when empty."""

    def check(self) -> Iterator[tuple[Path, str]]:
        yield from _twice(self.nodes)


class VirtioMem(Part, frozen=True, kw_only=True):
    """``[memory.virtio-mem]``: RAM beside the first that can grow and shrink in blocks while the guest runs."""

    size: Annotated[Size, Meta(ge=BLOCK, le=8 * TIB), judged(_block_trouble)]
    """The most that it can have."""
    requested: Annotated[Size, Meta(ge=0, le=8 * TIB), judged(_block_trouble)] = 0
    """What the guest is asked to take at the start."""
    block: Annotated[Size | None, Meta(ge=BLOCK, le=TIB), judged(_power_trouble)] = None
    """What is plugged at once, a power of two; QEMU's choice when not given."""

    def check(self) -> Iterator[tuple[Path, str]]:
        if self.requested > self.size:
            yield ("requested",), f"{format_size(self.requested)} is more than its {format_size(self.size)}"
        for name, size in (("size", self.size), ("requested", self.requested)):
            if self.block is not None and size % self.block:
                yield (name,), f"{format_size(size)} is not a multiple of the block of {format_size(self.block)}"


class Memory(Part, frozen=True, kw_only=True):
    """``[memory]``: the guest's RAM."""

    size: Annotated[Size, Meta(ge=16 * MIB, le=8 * TIB), judged(_ram_trouble)] = 512 * MIB
    """RAM at the start, whole MiB."""
    hugepages: Hugepages | None = None
    """Ordinary memory when the table is absent."""
    nodes: tuple[Node, ...] = ()
    """NUMA nodes of the host that the memory comes from; any when empty."""
    policy: Literal["bind", "preferred", "interleave"] | None = None
    """How the nodes are used (mbind(2)): these only, these first, or these in turn; ``bind`` when not given."""
    share: bool | None = None
    """Other processes can map it, as vhost-user devices must. When not given: as its source needs it."""
    lock: bool = False
    """Lock it into the host's memory (mlockall(2)). A balloon then gives the host nothing back."""
    maximum: Annotated[Size | None, Meta(ge=16 * MIB, le=8 * TIB), judged(_ram_trouble)] = None
    """What RAM can grow to with modules or virtio-mem that are plugged in later; no room when not given."""
    slots: Annotated[int, Meta(ge=0, le=SLOTS_MAX)] = 0
    """How many modules can be plugged in."""
    virtio_mem: VirtioMem | None = None
    """None when the table is absent."""

    def check(self) -> Iterator[tuple[Path, str]]:
        if self.hugepages is not None and self.size % self.hugepages.size:
            page = format_size(self.hugepages.size)
            yield ("size",), f"{format_size(self.size)} is not a multiple of the {page} hugepages"
        yield from _twice(self.nodes)
        if self.hugepages is not None and self.hugepages.nodes and self.nodes:
            yield ("nodes",), "memory.hugepages.nodes says it already: keep one of the two"
        if self.policy is not None and not self.all_nodes:
            yield ("policy",), "a policy needs nodes"
        if self.slots and self.maximum is None:
            yield ("slots",), "slots need room: give maximum too"
        extra = self.virtio_mem.size if self.virtio_mem else 0
        if self.slots and self.maximum == self.size:
            yield ("maximum",), "slots need room: give more than the size"
        if self.lock and self.virtio_mem is not None:
            yield ("lock",), "virtio-mem plugs and unplugs its memory, which cannot be locked: keep one of the two"
        if self.virtio_mem is not None:
            yield from ((("virtio-mem", *path), why) for path, why in self._blocks(self.virtio_mem))
        if self.maximum is not None and self.maximum < self.size + extra:
            yield ("maximum",), f"{format_size(self.maximum)} is less than the {format_size(self.size + extra)} in use"

    def _blocks(self, device: VirtioMem) -> Iterator[tuple[Path, str]]:
        """What virtio-mem plugs are whole hugepages."""
        least = self.least_block
        if least == BLOCK:
            return
        if device.block is not None and device.block < least:
            yield ("block",), f"{format_size(device.block)} is less than one of the {format_size(least)} hugepages"
        for name, size in (("size", device.size), ("requested", device.requested)):
            if size % least:
                yield (name,), f"{format_size(size)} is not a multiple of the {format_size(least)} hugepages"

    @property
    def grows_to(self) -> int | None:
        """Bytes that RAM can grow to with what is plugged in later; None where there is no room for more."""
        if self.maximum is None and self.virtio_mem is None:
            return None
        return self.maximum or self.size + (self.virtio_mem.size if self.virtio_mem else 0)

    @property
    def least_block(self) -> int:
        """Bytes that virtio-mem plugs at once at the least: a page of what is behind it, and 2 MiB (QEMU:
        hw/virtio/virtio-mem.c, virtio_mem_default_block_size())."""
        return max(BLOCK, self.hugepages.size if self.hugepages else 0)

    @property
    def all_nodes(self) -> tuple[int, ...]:
        """The NUMA nodes that the RAM comes from, wherever the profile names them."""
        return self.nodes or (self.hugepages.nodes if self.hugepages else ())

    @property
    def takes_reports(self) -> bool:
        """Whether free page reporting serves: locked memory cannot be given back, and QEMU would log each refusal; a hugepage
        can be taken by somebody else, which ends the guest."""
        return self.hugepages is None and not self.lock

    def size_option(self) -> str:
        """The value of ``-m``."""
        if self.grows_to is None:
            return f"{self.size // MIB}M"
        return f"size={self.size // MIB}M,slots={self.slots},maxmem={self.grows_to // MIB}M"

    def backend(self) -> Option:
        """The object that holds the RAM, always with a name, so that its place in the host is found by it."""
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
            # Shared: a discard in a private mapping of a file frees nothing (system/physmem.c, ram_block_discard_range()).
            values |= {"mem-path": pages.source, "share": self.share is not False}
        values |= more
        if self.all_nodes:
            values |= {"host-nodes": list(self.all_nodes), "policy": self.policy or "bind"}
        return json_option("-object", {"qom-type": kind, **values})

    def virtio_mem_options(self, slot: str) -> Iterator[Option]:
        """The virtio-mem device and what is behind it; nothing without one."""
        device = self.virtio_mem
        if device is None:
            return
        name = f"{VIRTIO_MEM}-ram"
        # Not preallocated: its blocks are taken when they are plugged.
        yield self._backend(name, device.size, {})
        block = {} if device.block is None else {"block-size": device.block}
        values = {"driver": "virtio-mem-pci", "id": VIRTIO_MEM, "addr": slot, "memdev": name}
        yield json_option("-device", {**values, "requested-size": device.requested, **block})


def _twice(nodes: tuple[int, ...]) -> Iterator[tuple[Path, str]]:
    for index, node in enumerate(nodes):
        if node in nodes[:index]:
            yield ("nodes", index), f"node {node} stands here twice"
