"""Makes small ELF files, kernel modules and programs, with the parts that the demo guest's builder reads."""

from __future__ import annotations

import struct


def module(*depends: str, alias: str = "pci:*") -> bytes:
    """A relocatable file with a section .modinfo that names what the module needs."""
    modinfo = f"license=GPL\0alias={alias}\0depends={','.join(depends)}\0retpoline=Y\0".encode()
    names = b"\0.modinfo\0.shstrtab\0"
    modinfo_at = 64
    names_at = modinfo_at + len(modinfo)
    table_at = names_at + len(names)
    header = _header(1, sections=(table_at, 3, 2))
    table = bytes(64) + _section(1, modinfo_at, len(modinfo)) + _section(10, names_at, len(names))
    return header + modinfo + names + table


def program(*, machine: int = 62, interpreter: bool = False) -> bytes:
    """An executable with one or two program headers: PT_LOAD, and PT_INTERP when it needs a loader."""
    kinds = [1, 3] if interpreter else [1]
    return _header(2, machine, programs=len(kinds)) + b"".join(struct.pack("<I52x", kind) for kind in kinds)


def _header(kind: int, machine: int = 62, *, sections: tuple[int, int, int] = (0, 0, 0), programs: int = 0) -> bytes:
    table, count, names = sections
    return struct.pack(
        "<4sBBB9xHHIQQQIHHHHHH",
        *(b"\x7fELF", 2, 1, 1, kind, machine, 1, 0, 64 if programs else 0, table, 0),
        *(64, 56, programs, 64, count, names),
    )  # fmt: skip


def _section(name: int, offset: int, size: int) -> bytes:
    return struct.pack("<IIQQQQIIQQ", name, 1, 0, 0, offset, size, 0, 0, 1, 0)
