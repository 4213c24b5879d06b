"""Where a QOM type is defined in QEMU's source tree."""

from __future__ import annotations

import re
from functools import cache

from workbench.domain.source_table import MOVED, TABLE

SEEN = ((5, 2), (7, 2), (10, 0))
"""The versions whose source the table was read from."""
_FAMILIES = (
    (re.compile(r"pc-q35-.*-machine"), "hw/i386/pc_q35.c"),
    (re.compile(r"pc-i440fx-.*-machine"), "hw/i386/pc_piix.c"),
    (re.compile(r".*-(x86_64|i386)-cpu"), "target/i386/cpu.c"),
    (re.compile(r"ICH9[- ]SMB"), "hw/i2c/smbus_ich9.c"),
)
"""Types whose names are put together in their file, or have a space."""


def source_file(type_name: str, version: str = "") -> str:
    """The file that defines a type; empty when it is not known here.

    What was seen in other versions only is said: ``hw/isa/piix.c (in 10.0)``. A type that moved between two versions
    that were seen has both places in the versions between.

    :param version: QEMU's, such as ``7.2.22``; empty: the newest that was seen.
    """
    now = _known().get(type_name) or _known().get(_plain(type_name)) or _family(type_name)
    number = _number(version)
    if not now or not number:
        return now
    place = now
    for until, old in reversed(MOVED.get(type_name, ())):
        if number <= until:
            place = old
        elif not any(until < seen <= number for seen in SEEN):
            place = f"{now} or {old}"
    return f"{place} (in 10.0)" if number > SEEN[-1] else place


def _plain(type_name: str) -> str:
    """A virtio PCI type without its kind: all of them are made at once (hw/virtio/virtio-pci.c)."""
    return type_name.removesuffix("-non-transitional").removesuffix("-transitional").removesuffix("-base")


def _family(type_name: str) -> str:
    return next((file for pattern, file in _FAMILIES if pattern.fullmatch(type_name)), "")


def _number(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")[:2] if part.isdecimal()]
    return tuple(numbers) if len(numbers) == 2 else ()


@cache
def _known() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in TABLE.replace("\n ", "").split("\n"):
        file, *types = line.split() if line else ("",)
        found |= dict.fromkeys(types, file)
    return found
