"""The parts of a demo guest, from any source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path


class Parts(Struct, frozen=True):
    kernel: Path
    """A bzImage."""
    tree: Path
    """The kernel's modules, ``…/lib/modules/RELEASE``."""
    busybox: Path
    """A static busybox."""
    origin: str
    """Where they come from, for people: packages with their versions."""

    @property
    def release(self) -> str:
        """The kernel's release, as ``uname -r`` prints it in the guest."""
        return self.tree.name


def is_static_x86(program: bytes) -> bool:
    """Whether an ELF file runs in the guest: for x86-64, without a dynamic loader.

    elf(5): e_machine at 18 (62 is x86-64), e_phoff at 32, e_phentsize and e_phnum at 54; a program header of type 3
    (PT_INTERP) names the loader.
    """
    if program[:6] != b"\x7fELF\x02\x01" or int.from_bytes(program[18:20], "little") != 62:
        return False
    table = int.from_bytes(program[32:40], "little")
    size = int.from_bytes(program[54:56], "little")
    count = int.from_bytes(program[56:58], "little")
    starts = range(table, table + size * count, size or 1)
    return all(int.from_bytes(program[at : at + 4], "little") != 3 for at in starts)
