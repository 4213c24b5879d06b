"""Finds every block of a guest's RAM in QEMU, and adds up what the host holds of them.

| The guest's RAM is | What is read |
| --- | --- |
| anonymous (``memory-backend-ram``, ``-m``) | pages present: ``PAGEMAP_SCAN``, or ``Rss`` of smaps before Linux 6.7 |
| with transparent hugepages | the same; both count 4 KiB pages |
| a memfd, or a file in tmpfs or hugetlbfs, shared | blocks of the file (stat(2)), with what others map and what is swapped out |
| the same, private | pages of the mapping; the copy that the file keeps is not the guest's |
| a file on a disk | pages of the mapping: what of it is cached and mapped |
| hugetlb, private | ``Shared_Hugetlb`` and ``Private_Hugetlb`` of smaps, or ``PAGEMAP_SCAN`` |
| merged by KSM | not held: ``KSM`` of smaps (Linux 6.6), or ``Rss`` less ``Pss``, is subtracted and shown as ``merged`` |
| swapped out | not resident, but not given back either: shown as ``swapped`` |
| DIMMs | a block each, at its address |
| several NUMA nodes | a block each: ``query-memdev`` for its size, ``info mtree -f`` for its address |
| virtio-mem | a block; the balloon takes pages from it too and counts none, so what is plugged is added to actual |
| NVDIMMs | not counted: neither RAM nor touched by the balloon |
| on another host, or a block that cannot be found | not known, with the reason |
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from msgspec import Struct
from msgspec.structs import replace

from workbench.engine.balloon.host_memory import RamMeter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from workbench.domain.balloon.plugged_memory import Module
    from workbench.engine.balloon.host_memory import RamHeld
    from workbench.engine.devices.virtio_pci import Execute

PLACE = "gpa2hva"
"""HMP command that gives the host address of guest RAM (monitor/hmp-cmds-target.c, ``hmp_gpa2hva``); an address follows."""
BACKENDS = "query-memdev"
TREE = "info mtree -f"
SEVERAL = "its RAM is in several blocks, which QEMU does not all show"
UNPLACED = "QEMU does not show where all of its plugged memory is"

_ADDRESS = re.compile(r"^Host virtual address for 0x[0-9a-f]+ \(.*\) is 0x([0-9a-f]+)\s*$")
_REGION = re.compile(
    r"^ +([0-9a-f]{16})-[0-9a-f]{16} \(prio -?\d+, ram\): (\S.*?)(?: @([0-9a-f]+))?(?: KVM)?\s*$", re.MULTILINE
)


class Block(Struct, frozen=True):
    """One block of RAM."""

    address: int
    """The guest physical address of its begin."""
    size: int
    """Bytes."""


def places_of(tree: str) -> dict[str, int]:
    """Names of RAM regions with their guest physical addresses, from the output of HMP ``info mtree -f``."""
    view = next((view for view in tree.split("FlatView #") if 'AS "memory"' in view), "")
    found: dict[str, int] = {}
    for region in _REGION.finditer(view):
        if not int(region[3] or "0", 16):
            found.setdefault(region[2].rpartition("/")[2], int(region[1], 16))
    return found


def total(parts: Sequence[RamHeld]) -> RamHeld:
    """What the host holds of several blocks: as old as the oldest figure."""
    return replace(
        parts[0],
        resident=sum(part.resident for part in parts),
        time=min(part.time for part in parts),
        every=sum(part.every for part in parts),
        merged=sum(part.merged for part in parts),
        swapped=sum(part.swapped for part in parts),
    )


class RamBlocks:
    """The blocks of one guest's RAM."""

    def __init__(self, pid: int, ram: int) -> None:
        """:param ram: bytes that the guest started with."""
        self._pid = pid
        self._whole = RamMeter(pid, ram)
        """For the RAM that the guest started with, if it is one block."""
        self._placed = False
        self._nodes: dict[Block, RamMeter | None] = {}
        """Its blocks, if there are several; None for one whose address is not known yet."""
        self._modules: dict[Block, RamMeter | None] = {}
        self._beyond = 0
        """Bytes that the guest has in modules that the balloon does not count."""
        self._uncounted = 0
        """Bytes of all blocks of such modules."""
        self._backends: dict[str, int] | None = None
        """Sizes by id; None until asked."""
        self.questions = [f"{PLACE} 0x0"]
        """Questions for QEMU still to be asked."""
        self.unknown = ""
        """Why what the host holds cannot be determined, if known."""

    def look(self, base: int, ram: int, *, newer_than: float, moving: bool) -> RamHeld | None:
        """What the host now holds of all blocks: see :meth:`HostLook.look`."""
        parts = [
            None if meter is None else meter.look(block.size, newer_than=newer_than, moving=moving)
            for block, meter in self._meters(base)
        ]
        first = sum(block.size for block in self._nodes) or base
        counted = first + sum(block.size for block in self._modules) - self._uncounted
        if not self._nodes and parts[0] is None and self._placed and self._backends is None:
            self._backends = {}
            self.questions.append(BACKENDS)
        if any(part is None for part in parts) or first != base or counted != ram:
            self.unknown = UNPLACED if parts[0] is not None else SEVERAL if self._placed else ""
            return None
        self.unknown = ""
        return replace(total([part for part in parts if part is not None]), beyond=self._beyond)

    def know_modules(self, modules: Iterable[Module]) -> None:
        """Update the plugged modules."""
        before, self._modules, self._beyond, self._uncounted = self._modules, {}, 0, 0
        for module in modules:
            block = Block(module.address, module.size)
            self._modules[block] = before.get(block)
            if not module.counted:
                self._beyond += module.plugged
                self._uncounted += module.size
            if block not in before:
                self.questions.insert(0, f"{PLACE} {block.address:#x}")

    async def ask(self, execute: Execute) -> None:
        """Ask QEMU the first question: one command."""
        question = self.questions[0]
        if question == BACKENDS:
            found = cast("Sequence[Mapping[str, object]]", await execute(BACKENDS, {}))
            self._backends = {str(one["id"]): cast("int", one["size"]) for one in found if "id" in one}
            if len(self._backends) > 1:
                self.questions.append(TREE)
        else:
            text = str(await execute("human-monitor-command", {"command-line": question}))
            if question == TREE:
                self._know_places(places_of(text))
            else:
                self._know_place(int(question.split()[1], 16), text)
        self.questions.remove(question)

    def _meters(self, base: int) -> Iterator[tuple[Block, RamMeter | None]]:
        yield from self._nodes.items() if self._nodes else [(Block(0, base), self._whole)]
        yield from self._modules.items()

    def _know_places(self, places: Mapping[str, int]) -> None:
        """The addresses of all backends: those that are not plugged are the nodes."""
        plugged = {block.address for block in self._modules}
        for name, size in (self._backends or {}).items():
            if name in places and places[name] not in plugged:
                self._nodes[Block(places[name], size)] = None
                self.questions.append(f"{PLACE} {places[name]:#x}")

    def _know_place(self, address: int, text: str) -> None:
        match = _ADDRESS.match(text)
        if match is None:
            return
        if address == 0:
            self._whole.know_start(int(match[1], 16))
            self._placed = True
        for blocks in (self._nodes, self._modules):
            for block in blocks:
                if block.address == address:
                    meter = blocks[block] = RamMeter(self._pid, block.size)
                    meter.know_start(int(match[1], 16))
