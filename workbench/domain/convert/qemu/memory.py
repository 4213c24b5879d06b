"""Import the RAM of a command line: its size and its backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.domain.command_line.options import doubled, is_on, size_of
from workbench.domain.units import MIB, format_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.convert.qemu.draft import Draft
    from workbench.domain.profile.devices.part import Path

SIZE = ("memory", "size")
"""The path for ``-m``, with maximum and slots."""
BOARD = "pc.ram"
"""QEMU's default id for the RAM of a PC (QEMU: hw/i386/pc.c, default_ram_id)."""


def memory(found: Draft) -> None:
    """Import ``-m`` and the other options for RAM."""
    table = found.table("memory")
    table.setdefault("size", "128M")
    for index in found.named("m"):
        keys = found.options[index].keys
        size, most, slots = keys.take("size") or keys.implied, keys.take("maxmem"), keys.take("slots")
        sizes = [size_of(text, MIB) if text else None for text in (size, most)]
        whole = all(value is None or value % MIB == 0 for value in sizes)
        if keys or not whole or (size and sizes[0] is None) or (slots is not None and not slots.isdigit()):
            found.keep(index, "this size is not valid in a profile: this overrides its own")
            _plain(found, sizes[0])
            continue
        if sizes[0] is not None:
            table["size"] = format_size(sizes[0])
        if sizes[1] is not None:
            table["maximum"] = format_size(sizes[1])
        if slots and int(slots):
            table["slots"] = int(slots)
        found.record(SIZE, index)
    for index in found.named("mem-path"):
        path = found.options[index].value or ""
        if "huge" not in path:
            _plain_file(found, path, table["size"])
            found.record(("machine",), index)
            continue
        size = "1G" if "1G" in path or "1024M" in path else "2M"
        table["hugepages"] = {"source": path, "size": size, "prealloc": False, "share": False}
        table["share"] = bool(table["hugepages"].pop("share"))
        found.notes.append(f"-mem-path {path}: assumed to have {size} hugepages; change memory.hugepages.size if not")
        found.record(("memory", "hugepages"), index)
    for index in found.named("mem-prealloc"):
        if "hugepages" in table:
            table["hugepages"]["prealloc"] = True
            found.record(("memory", "hugepages"), index)
    for index in found.named("overcommit", "realtime"):
        keys = found.options[index].keys
        if is_on(keys.take("mem-lock", "mlock")) and not keys:
            table["lock"] = True
            found.record(("memory", "lock"), index)


def undone(found: Draft, path: Path, back: Sequence[int]) -> None:
    """Handle RAM options at ``path`` that became arguments again: their backend must be one too.

    :param back: the options of that path.
    """
    if path == SIZE:
        holders = found.undo(("memory",)) if ("memory",) in found.converted.values() else ()
        for index in holders:
            found.keep(index, "this size of memory is not valid in a profile")
        back = (*back, *holders)
    objects = [found.options[index].keys.get("id") for index in back if found.options[index].name == "object"]
    sizes = [found.options[index].keys for index in back if found.options[index].name == "m"]
    if objects:
        _keep_backend(found, objects[0])
    elif path == SIZE and sizes:
        _plain(found, size_of(sizes[-1].get("size") or sizes[-1].implied, MIB))


def _plain(found: Draft, size: int | None) -> None:
    """Add RAM of a size that is not valid in a profile, so that the profile adds none of its own."""
    elsewhere = any("memdev" in found.options[index].keys for index in found.named("numa"))
    named = any("memory-backend=" in word for words, _ in found.more for word in words)
    if size and not elsewhere and not named:
        words = f"memory-backend-ram,id={BOARD},size={size}"
        found.more.append((("-object", words), "the machine's memory, of a size that is not valid in a profile"))
        found.more.append((("-machine", f"memory-backend={BOARD}"), ""))


def _plain_file(found: Draft, path: str, size: str) -> None:
    """Add the backend that QEMU creates for ``-mem-path`` with ordinary files (system/vl.c, create_default_memdev())."""
    words = f"memory-backend-file,id={BOARD},size={size},mem-path={doubled(path)}"
    found.more.append((("-object", words), f"-mem-path {path}"))
    found.more.append((("-machine", f"memory-backend={BOARD}"), ""))


def memory_backend(found: Draft, name: object) -> None:
    """Import the RAM's backend, if a profile has keys for it."""
    if name is None:
        return
    index = found.backend("object", name)
    if index is None:
        _keep_backend(found, name)
        return
    keys = found.options[index].keys
    size = size_of(keys.take("size"))
    keys.take("id")
    kind = keys.implied
    pages: dict[str, Any] | None = None
    share = is_on(keys.take("share"))
    nodes, policy = keys.take("host-nodes"), keys.take("policy")
    if kind == "memory-backend-memfd" and is_on(keys.take("hugetlb")):
        pages = {"size": format_size(size_of(keys.take("hugetlbsize")) or 2 * MIB), "source": "memfd"}
    elif kind == "memory-backend-file":
        pages = {"source": keys.take("mem-path")}
        share = None if share else False
    if pages is not None:
        pages["prealloc"] = bool(is_on(keys.take("prealloc")))
    plain_nodes = nodes is None or isinstance(nodes, list) or str(nodes).isdecimal()
    if (
        keys
        or size is None
        or not plain_nodes
        or kind not in ("memory-backend-ram", "memory-backend-memfd", "memory-backend-file")
    ):
        found.keep(index, "a profile has no keys for this memory")
        _keep_backend(found, name)
        return
    memory = found.table("memory")
    memory["size"] = format_size(size)
    if pages is not None:
        memory["hugepages"] = pages
    if share is not None:
        memory["share"] = share
    if nodes is not None:
        memory["nodes"] = nodes if isinstance(nodes, list) else [int(str(nodes))]
        if policy not in (None, "bind"):
            memory["policy"] = policy
    found.record(("memory",), index)


def _keep_backend(found: Draft, name: object) -> None:
    why = "the machine's memory, which a profile has no keys for: it replaces the profile's"
    found.more.append((("-machine", f"memory-backend={doubled(str(name))}"), why))
