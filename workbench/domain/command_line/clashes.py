"""Conflicts between a profile's raw arguments and its other options: ids and slots of the root bus."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workbench.domain.command_line.options import keys_of
from workbench.domain.profile.devices.part import key_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from workbench.domain.command_line.argv import ArgvPart
    from workbench.domain.profile.devices.part import Path

NAMES = {"device": "id", "netdev": "id", "object": "id", "chardev": "id", "blockdev": "node-name", "drive": "id"}
"""The options that create something with an id, and the id's key; two of one kind cannot have the same."""
ROOTS = (None, "pcie.0", "pci.0")
_ADDRESS = re.compile(r"(?:0x)?([0-9a-f]{1,2})(?:\.([0-7]))?", re.ASCII | re.IGNORECASE)


def argument_clashes(parts: Iterable[ArgvPart]) -> Iterator[tuple[Path, str]]:
    """Each raw argument that conflicts with another option: its path, and why."""
    parts = tuple(parts)
    if not any(_is_raw(part) for part in parts):
        return
    names: dict[tuple[str, str], Path] = {}
    slots: dict[tuple[int, int], Path] = {}
    balloon: Path | None = None
    for part in parts:
        option = part.options[0].lstrip("-")
        if _is_balloon(option, part):
            if balloon is not None:
                yield part.path, f"a second balloon, and QEMU allows only one: the other is {_whose(balloon)}"
            balloon = balloon or part.path
        if option not in NAMES or len(part.options) < 2:
            continue
        raw = _is_raw(part)
        keys = keys_of(part.options[1])
        name = str(keys.get(NAMES[option]))
        kind = "blockdev" if option == "drive" else option  # one namespace (QEMU: block.c, bdrv_assign_node_name())
        if NAMES[option] in keys and (holder := names.setdefault((kind, name), part.path)) != part.path and raw:
            yield part.path, f'id "{name}" is already used by {_whose(holder)}'
        slot = _slot(keys.get("addr")) if option == "device" and keys.get("bus") in ROOTS else None
        if slot is not None and (holder := slots.setdefault(slot, part.path)) != part.path and raw:
            yield part.path, f"slot {slot[0]:02x}.{slot[1]} is already used by {_whose(holder)}"


def _is_raw(part: ArgvPart) -> bool:
    return part.path[:2] == ("qemu", "args")


def _is_balloon(option: str, part: ArgvPart) -> bool:
    """QEMU: system/balloon.c, qemu_add_balloon_handler(): "Only one balloon device is supported"."""
    kind = keys_of(part.options[1]).implied if len(part.options) > 1 else ""
    return (option == "device" and kind.startswith("virtio-balloon")) or (option == "balloon" and kind == "virtio")


def _slot(address: object) -> tuple[int, int] | None:
    """Slot and function; None if QEMU chooses. A JSON number is a slot too (QEMU: hw/core/qdev-properties-system.c)."""
    found = _ADDRESS.fullmatch(
        address if isinstance(address, str) else f"{address:x}" if isinstance(address, int) else ""
    )
    return (int(found[1], 16), int(found[2] or 0)) if found else None


def _whose(path: Path) -> str:
    return key_text(path) if path else "the workbench"
