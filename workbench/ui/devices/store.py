"""What was read of one guest's devices, and what is missing or may be stale. Independent of Textual."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from workbench.domain.devices.buses import ROOT, BusDevice
from workbench.domain.devices.qom import Child, Property
from workbench.domain.devices.tree import PciDevice, Registers
from workbench.domain.devices.virtio_config import ConfigField
from workbench.ui.devices.row import NESTED
from workbench.ui.devices.views.views import View

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from workbench.domain.devices.buses import Bus
    from workbench.domain.devices.qom import Node
    from workbench.domain.devices.tree import DeviceTree
    from workbench.domain.devices.type_info import TypeInfo
    from workbench.domain.devices.virtio import Virtio
    from workbench.ui.devices.row import Row

_OF_REGISTERS = re.compile("#(?:status|queue|feature)")
"""Matches the keys of lines that show a virtio device's registers and queues."""
MANY = 24
"""Number of objects from which one walk over all of QOM is cheaper than reading each with its values."""


class Want(StrEnum):
    """What has to be read."""

    NODE = "node"
    VALUES = "values"
    VIRTIO = "virtio"
    TYPE = "type"
    BUSES = "buses"
    WALK = "walk"
    EVERYTHING = "everything"
    """A walk with every value: for a search."""


class Question(Struct, frozen=True):
    """One thing to read."""

    want: Want
    path: str = ""
    """QOM path; for TYPE, the name of the type."""
    kinds: tuple[tuple[str, str], ...] = ()
    """Names and types of properties, for VALUES."""

    @property
    def key(self) -> tuple[Want, str]:
        """Only one question with the same key is pending at a time."""
        return self.want, self.path


class Store(Struct):
    """What is known of one guest's devices, and which questions that leaves open."""

    tree: DeviceTree | None = None
    nodes: dict[str, Node] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    types: dict[str, TypeInfo] = field(default_factory=dict)
    buses: Bus | None = None
    buses_old: bool = False
    """Whether the buses may have changed since they were read."""
    whole: bool = False
    """Whether a walk was taken: then every object is known, if not every value."""

    def forget(self) -> None:
        """Drop everything but the tree: this is another guest, or another run of the same one."""
        self.nodes, self.failed, self.types, self.buses, self.whole = {}, {}, {}, None, False

    # Answers.

    def take_registers(self, path: str, virtio: Virtio | None) -> bool:
        """Take registers read after the tree; return whether anything changed."""
        if self.tree is None or virtio is None:
            return False
        later = self.tree.with_later(path, Registers(virtio.status, virtio.config))
        changed, self.tree = later != self.tree, later
        return changed

    def take_node(self, node: Node) -> bool:
        """Take one object; return whether anything changed."""
        if self.nodes.get(node.path) == node and node.path not in self.failed:
            return False
        self.nodes[node.path] = node
        self.failed.pop(node.path, None)
        return True

    def take_failure(self, path: str, reason: str) -> None:
        """Take the error for a path that could not be read."""
        self.failed[path] = reason
        self.nodes.pop(path, None)

    def take_values(self, path: str, values: Iterable[Property]) -> bool:
        """Take values; return whether any changed."""
        node = self.nodes.get(path)
        if node is None:
            return False
        news = {one.name: one for one in values}
        return self.take_node(replace(node, properties=tuple(news.get(one.name, one) for one in node.properties)))

    def take_virtio(self, path: str, virtio: Virtio | None) -> bool:
        node = self.nodes.get(path)
        return node is not None and self.take_node(replace(node, virtio=virtio))

    def take_type(self, info: TypeInfo) -> None:
        self.types[info.name] = info

    def take_buses(self, root: Bus) -> bool:
        self.failed.pop(ROOT, None)
        changed, self.buses, self.buses_old = self.buses != root, root, False
        return changed

    def take_walk(self, nodes: Mapping[str, Node], *, values: bool) -> None:
        """Take all objects: any other object is gone. A walk without values does not replace objects read with values."""
        self.whole = True
        self.nodes = {path: node for path, node in self.nodes.items() if path in nodes}
        for path, node in nodes.items():
            known = self.nodes.get(path)
            if known is None:
                self.nodes[path] = node
            elif values:
                self.nodes[path] = replace(node, type=node.type or known.type, virtio=known.virtio)
            elif known.children != node.children:
                self.nodes[path] = replace(known, children=node.children)
            self.failed.pop(path, None)

    # Questions.

    def missing(self, rows: Sequence[Row], view: View) -> Iterator[Question]:
        """What the expanded lines need and was not read yet."""
        if view is View.BUS and (self.buses is None or self.buses_old):
            yield Question(Want.BUSES, ROOT)
        paths = {row.path: None for row in rows if opens_object(row) and row.path not in self.nodes}
        unread = [path for path in paths if path not in self.failed]
        if len(unread) > MANY and not self.whole:
            yield Question(Want.WALK)
        else:
            yield from (Question(Want.NODE, path) for path in unread)

    def above(self) -> Iterator[Question]:
        """What is needed to know which device another one is plugged into: the buses, if unknown."""
        if self.buses is None:
            yield Question(Want.BUSES, ROOT)

    def again(self, rows: Sequence[Row]) -> Iterator[Question]:
        """Every expanded object, for a refresh by the user."""
        yield from (Question(Want.NODE, path) for path in {row.path: None for row in rows if opens_object(row)})

    def places(self, rows: Sequence[Row]) -> Iterator[Question]:
        """The expanded objects below which others come and go: QOM containers, which hold nothing else."""
        for row in rows:
            node = self.nodes.get(row.path)
            if opens_object(row) and node is not None and node.type == "container":
                yield Question(Want.NODE, row.path)

    def live(self, rows: Sequence[Row], *, only_unread: bool = False) -> Iterator[Question]:
        """The values on these lines, and their descriptions."""
        values: dict[str, dict[str, str]] = {}
        virtio: set[str] = set()
        for row in rows:
            if isinstance(row.source, Property) and not (only_unread and not row.source.unread):
                values.setdefault(row.path, {})[row.source.name] = row.source.type
            elif (isinstance(row.source, ConfigField) or _OF_REGISTERS.search(row.key)) and not only_unread:
                virtio.add(row.path)
        for path, kinds in values.items():
            yield Question(Want.VALUES, path, tuple(kinds.items()))
        yield from (Question(Want.VIRTIO, path) for path in virtio)
        for path in values:
            yield from self.type_of(path)

    def type_of(self, path: str) -> Iterator[Question]:
        """The type of an object that was read, if unknown."""
        node = self.nodes.get(path)
        if node is not None and node.type and node.type not in self.types:
            yield Question(Want.TYPE, node.type)


def opens_object(row: Row) -> bool:
    """Whether an expanded line shows the inside of a QOM object."""
    if not (row.expanded and row.path.startswith("/")) or row.key not in (row.path, f"{NESTED}{row.path}"):
        return False
    return isinstance(row.source, PciDevice | Child | BusDevice)
