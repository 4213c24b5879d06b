"""The guest's RAM in a command line: its size, and the object that holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.domain.command_line.options import doubled, is_on, size_of
from workbench.domain.units import MIB, format_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.domain.convert.qemu.draft import Gathered
    from workbench.domain.profile.devices.part import Path

SIZE = ("memory", "size")
"""What ``-m`` is taken to, with the room that RAM has to grow."""
BOARD = "pc.ram"
"""What QEMU calls the RAM of a PC where nobody names it (QEMU: hw/i386/pc.c, default_ram_id)."""


def memory(found: Gathered) -> None:
    """``-m`` and what else is said of RAM on options of its own."""
    table = found.table("memory")
    table.setdefault("size", "128M")
    for index in found.named("m"):
        keys = found.options[index].keys
        size, most, slots = keys.take("size") or keys.implied, keys.take("maxmem"), keys.take("slots")
        sizes = [size_of(text, MIB) if text else None for text in (size, most)]
        whole = all(value is None or value % MIB == 0 for value in sizes)
        if keys or not whole or (size and sizes[0] is None) or (slots is not None and not slots.isdigit()):
            found.keep(index, "a profile cannot say this size: this option replaces its own")
            _plain(found, sizes[0])
            continue
        if sizes[0] is not None:
            table["size"] = format_size(sizes[0])
        if sizes[1] is not None:
            table["maximum"] = format_size(sizes[1])
        if slots and int(slots):
            table["slots"] = int(slots)
        found.say(SIZE, index)
    for index in found.named("mem-path"):
        path = found.options[index].value or ""
        if "huge" not in path:
            _plain_file(found, path, table["size"])
            found.say(("machine",), index)
            continue
        size = "1G" if "1G" in path or "1024M" in path else "2M"
        table["hugepages"] = {"source": path, "size": size, "prealloc": False, "share": False}
        table["share"] = bool(table["hugepages"].pop("share"))
        found.notes.append(f"-mem-path {path}: taken for hugepages of {size}; change memory.hugepages.size if not")
        found.say(("memory", "hugepages"), index)
    for index in found.named("mem-prealloc"):
        if "hugepages" in table:
            table["hugepages"]["prealloc"] = True
            found.say(("memory", "hugepages"), index)
    for index in found.named("overcommit", "realtime"):
        keys = found.options[index].keys
        if is_on(keys.take("mem-lock", "mlock")) and not keys:
            table["lock"] = True
            found.say(("memory", "lock"), index)


def undone(found: Gathered, path: Path, back: Sequence[int]) -> None:
    """What was said of the RAM at ``path`` is an argument again: the object that holds it must be one too.

    :param back: the options that this stood for.
    """
    if path == SIZE:
        holders = found.undo(("memory",)) if ("memory",) in found.taken.values() else ()
        for index in holders:
            found.keep(index, "a profile cannot say this size of memory")
        back = (*back, *holders)
    objects = [found.options[index].keys.get("id") for index in back if found.options[index].name == "object"]
    sizes = [found.options[index].keys for index in back if found.options[index].name == "m"]
    if objects:
        _keep_backend(found, objects[0])
    elif path == SIZE and sizes:
        _plain(found, size_of(sizes[-1].get("size") or sizes[-1].implied, MIB))


def _plain(found: Gathered, size: int | None) -> None:
    """RAM of a size that a profile cannot have: it must not have any of its own beside it."""
    elsewhere = any("memdev" in found.options[index].keys for index in found.named("numa"))
    named = any("memory-backend=" in word for words, _ in found.more for word in words)
    if size and not elsewhere and not named:
        words = f"memory-backend-ram,id={BOARD},size={size}"
        found.more.append((("-object", words), "the board's memory, of a size that a profile cannot say"))
        found.more.append((("-machine", f"memory-backend={BOARD}"), ""))


def _plain_file(found: Gathered, path: str, size: str) -> None:
    """``-mem-path`` of ordinary files: QEMU makes such an object of it (system/vl.c, create_default_memdev())."""
    words = f"memory-backend-file,id={BOARD},size={size},mem-path={doubled(path)}"
    found.more.append((("-object", words), f"-mem-path {path}"))
    found.more.append((("-machine", f"memory-backend={BOARD}"), ""))


def memory_backend(found: Gathered, name: object) -> None:
    """The object that holds the RAM, where it is one that a profile can say."""
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
    found.say(("memory",), index)


def _keep_backend(found: Gathered, name: object) -> None:
    why = "the board's memory, which a profile cannot say; it has none of its own then"
    found.more.append((("-machine", f"memory-backend={doubled(str(name))}"), why))
