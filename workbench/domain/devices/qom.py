"""QEMU's object model: nodes with their properties, children and links."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from workbench.domain.devices.virtio import Virtio


class Child(Struct, frozen=True):
    """A ``child<TYPE>`` property: an object that belongs to this one."""

    name: str
    type: str
    path: str


class Property(Struct, frozen=True):
    """One property with a value."""

    name: str
    type: str
    """Its QOM type: ``bool``, ``uint32``, ``link<iothread>``, ``OnOffAuto``."""
    value: object = None
    """As decoded from JSON; for a link the path that it points to, empty when unset."""
    error: str = ""
    """QEMU's error when the value could not be read; there is no value then."""
    unread: bool = False
    """Whether the value has not been read yet."""

    @property
    def text(self) -> str:
        """The value in one line; the error when it could not be read."""
        return self.error or value_text(self.value)

    @property
    def is_common(self) -> bool:
        """Whether every virtio PCI device has it, so that it is rarely of interest."""
        return self.name in COMMON or self.name.startswith(("x-", "legacy-"))


class Node(Struct, frozen=True):
    """One object of the composition tree, as read at one time."""

    path: str
    type: str
    properties: tuple[Property, ...] = ()
    """In QEMU's order, without ``type`` and without children."""
    children: tuple[Child, ...] = ()
    virtio: Virtio | None = None
    """For a virtio PCI device: its state from registers and QMP queries."""

    def value(self, name: str) -> object:
        """The value of a property; None when it does not exist or could not be read."""
        return next((one.value for one in self.properties if one.name == name), None)


COMMON = frozenset({
    "acpi-index", "addr", "aer", "any_layout", "ats", "busnr", "disable-legacy", "disable-modern", "event_idx",
    "failover_pair_id", "hotpluggable", "hotplugged", "in_order", "indirect_desc", "ioeventfd", "iommu_platform",
    "migrate-extra", "modern-pio-notify", "multifunction", "notify_on_empty", "packed", "page-per-vq", "parent_bus",
    "queue_reset", "realized", "rombar", "romfile", "romsize", "sriov-pf", "use-disabled-flag", "use-started",
    "vectors", "virtio-pci-bus-master-bug-migration",
})  # fmt: skip
"""Properties that all of net, scsi, balloon, serial, rng and blk have in QEMU 7.2, 10.0 or 11.1 (hw/core/qdev.c,
hw/pci/pci.c, hw/virtio/virtio-pci.c, hw/virtio/virtio.c)."""


def value_text(value: object) -> str:
    """A property's value in one line: booleans as ``on`` and ``off``, structures as JSON."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def child_path(path: str, name: str) -> str:
    return f"{path.rstrip('/')}/{name}"


def child_type(type_name: str) -> str | None:
    """``X`` of ``child<X>``; None for any other type."""
    return type_name[6:-1] if type_name.startswith("child<") and type_name.endswith(">") else None


def parse_children(path: str, listing: object) -> tuple[Child, ...]:
    """The children in a reply to ``qom-list``, by name, with numbers in numerical order."""
    found = [
        Child(str(entry["name"]), kind, child_path(path, str(entry["name"])))
        for entry in entries(listing)
        if (kind := child_type(str(entry.get("type", "")))) is not None
    ]
    return tuple(sorted(found, key=lambda child: natural(child.name)))


def entries(listing: object) -> Iterator[Mapping[str, object]]:
    """The entries of a reply to ``qom-list``: mappings with a name."""
    for entry in cast("Sequence[object]", listing) if isinstance(listing, list) else ():
        if isinstance(entry, dict) and "name" in entry:
            yield entry


def levels(nodes: Mapping[str, Node], path: str = "/") -> Iterator[tuple[int, Child]]:
    """Everything below a path in depth-first order, with its depth from 1."""
    stack = [(1, child) for child in reversed(nodes[path].children)] if path in nodes else []
    while stack:
        depth, child = stack.pop()
        yield depth, child
        if child.path in nodes:
            stack += [(depth + 1, below) for below in reversed(nodes[child.path].children)]


def natural(name: str) -> tuple[str, int]:
    """Sort key that puts ``device[10]`` after ``device[9]``."""
    stem, bracket, number = name.partition("[")
    digits = number.rstrip("]")
    return (stem, int(digits)) if bracket and digits.isdecimal() and digits.isascii() else (name, -1)
