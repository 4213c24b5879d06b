"""Incremental search in the devices: names, types, ids, properties and values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from workbench.domain.devices.qom import Node
    from workbench.domain.devices.tree import DeviceTree

VALUE_MAX = 2000
"""Characters of a value that are searched; longer values are tables or dumps."""


class Spot(Struct, frozen=True):
    """One thing that a search can find."""

    path: str
    """QOM path of the object, or the key of a device without a path."""
    name: str
    """The property, or the field of the configuration space; empty for the object itself."""
    title: str
    value: str
    text: str
    """The text that is searched, in lower case."""


def spots(tree: DeviceTree | None, nodes: Mapping[str, Node]) -> list[Spot]:
    """Everything a search can find: PCI functions first, then objects by path, each before its properties."""
    return [*_functions(tree), *_objects(nodes)]


def find(places: Sequence[Spot], query: str, limit: int) -> list[Spot]:
    """The places that contain every word of a query; none for an empty query.

    Places come first if any word of their title starts with the query's first word.
    """
    words = query.lower().split()
    if not words:
        return []
    found = [one for one in places if all(word in one.text for word in words)]
    start = words[0]
    found.sort(key=lambda one: not any(word.startswith(start) for word in one.title.lower().split()))
    return found[:limit]


def _functions(tree: DeviceTree | None) -> Iterator[Spot]:
    for one in tree or ():
        ids = f"{one.vendor:04x}:{one.device:04x}"
        title = f"{one.address} {one.name}"
        text = f"{title} {one.qdev_id} {ids} {one.type} {one.path} {one.class_name} {one.vendor_name} {one.title}"
        yield Spot(one.key, "", title, one.qdev_id or ids, text.lower())
        for word in one.config:
            value = f"{word.value:,}"
            yield Spot(one.key, word.name, word.name, value, f"{word.name} {word.value} {value}".lower())


def _objects(nodes: Mapping[str, Node]) -> Iterator[Spot]:
    for path in sorted(nodes):
        node = nodes[path]
        name = path.rpartition("/")[2] or "/"
        yield Spot(path, "", name, node.type, f"{path} {node.type}".lower())
        for one in node.properties:
            value = one.text[:VALUE_MAX]
            yield Spot(path, one.name, one.name, value, f"{one.name} {value}".lower())
