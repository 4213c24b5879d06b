"""Read QEMU's object model over QMP: levels, objects, values, or all of it. Nothing is changed.

Commands are pipelined, so that only QEMU's main loop limits the speed. Since 10.1 ``qom-list-get`` returns the properties
and values of many objects at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import replace

from workbench.domain.devices.qom import Child, Node, Property, child_type, entries, parse_children
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from workbench.engine.devices.virtio_pci import Execute

LIST_GET_SINCE = (10, 1)
"""``qom-list-get`` reads all properties of many objects at once (qapi/qom.json: since 10.1)."""
AT_ONCE = 48
"""Objects in one ``qom-list-get``, which blocks QEMU's main loop for about 1 ms per dozen objects."""
IN_FLIGHT = 128
"""Limit on commands in flight, so that each gets a reply well within its deadline."""


def parse_version(text: str) -> tuple[int, int]:
    """``7.2.22`` as (7, 2); (0, 0) for an unknown version, with which only features of every QEMU are used."""
    numbers = [int(part) for part in text.split(".")[:2] if part.isdecimal()]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (0, 0)


class QomReader:
    """Reads the objects of one QEMU."""

    def __init__(self, execute: Execute, version: tuple[int, int]) -> None:
        self._ask = execute
        self._together = version >= LIST_GET_SINCE
        self._room = asyncio.Semaphore(IN_FLIGHT)

    async def listing(self, path: str) -> object:
        """The reply to ``qom-list``.

        :raise workbench.errors.CommandFailed: when the path does not exist (any more).
        """
        return await self._execute("qom-list", {"path": path})

    async def children(self, path: str) -> tuple[Child, ...]:
        """The children of one object, by name."""
        return parse_children(path, await self.listing(path))

    async def node(self, path: str) -> Node:
        """One object with its properties and their values, read now.

        :raise workbench.errors.CommandFailed: when the path does not exist, or vanished while it was read.
        """
        if self._together:
            (node,) = await self._nodes_together([path])
            failed = [(one.name, one.type) for one in node.properties if one.error]
            reread = {one.name: one for one in await self._properties(path, failed)} if failed else {}
            return replace(node, properties=tuple(reread.get(one.name, one) for one in node.properties))
        listing = await self.listing(path)
        kinds = [(name, kind) for name, kind in _kinds(listing) if child_type(kind) is None]
        return _node(path, await self._properties(path, kinds), parse_children(path, listing))

    async def value(self, path: str, name: str) -> object:
        """One value; None when it cannot be read."""
        return (await self._property(path, name, "")).value

    async def values(self, path: str, kinds: Sequence[tuple[str, str]]) -> tuple[Property, ...]:
        """Some properties of one object, read now.

        :param kinds: names and types from a listing of the object.
        :raise workbench.errors.CommandFailed: when the object is gone.
        """
        return await self._properties(path, kinds)

    async def walk(self, path: str = "/", depth: int | None = None, *, values: bool = False) -> dict[str, Node]:
        """All objects at and below a path, by path. Objects that vanish while reading are left out.

        Before QEMU 10.1 values are only read on request.

        :param depth: levels below ``path``; None for all.
        :param values: read every value, one by one if necessary.
        """
        found: dict[str, Node] = {}
        if self._together:
            level = [path]
            while level and (depth is None or depth >= 0):
                nodes = [node async for node in self._level(level)]
                found |= {node.path: node for node in nodes}
                level = [child.path for node in nodes for child in node.children]
                depth = None if depth is None else depth - 1
            return found
        await self._walk_below(Child("", "", path), depth, values=values, found=found)
        return found

    async def _walk_below(self, child: Child, depth: int | None, *, values: bool, found: dict[str, Node]) -> None:
        path = child.path
        try:
            listing = await self.listing(path)
        except CommandFailed:
            return
        children = parse_children(path, listing)
        kinds = [(name, kind) for name, kind in _kinds(listing) if child_type(kind) is None]
        unread = tuple(Property(name, kind, unread=True) for name, kind in kinds)
        found[path] = Node(path, child.type, unread, children)
        below = [] if depth is not None and depth <= 0 else children
        rest = None if depth is None else depth - 1
        await asyncio.gather(*(self._walk_below(one, rest, values=values, found=found) for one in below))
        if values:
            try:
                found[path] = _node(path, await self._properties(path, kinds), children)
            except CommandFailed:
                del found[path]

    async def _level(self, paths: Sequence[str]) -> AsyncIterator[Node]:
        """The objects at many paths, read one by one if a query fails, which happens when any of its objects is gone."""
        for start in range(0, len(paths), AT_ONCE):
            some = paths[start : start + AT_ONCE]
            try:
                nodes = await self._nodes_together(some)
            except CommandFailed:
                tries = await asyncio.gather(*(self._nodes_together([one]) for one in some), return_exceptions=True)
                nodes = []
                for one in tries:
                    if isinstance(one, list):
                        nodes += one
                    elif not isinstance(one, CommandFailed):
                        raise one from None
            for node in nodes:
                yield node

    async def _nodes_together(self, paths: Sequence[str]) -> list[Node]:
        reply = await self._execute("qom-list-get", {"paths": list(paths)})
        answers = reply if isinstance(reply, list) else []
        if len(answers) != len(paths):
            raise CommandFailed("qom-list-get", "GenericError", f"{len(answers)} answers for {len(paths)} paths")
        return [_node_of(path, answer) for path, answer in zip(paths, answers, strict=True)]

    async def _properties(self, path: str, kinds: Sequence[tuple[str, str]]) -> tuple[Property, ...]:
        found = await asyncio.gather(*(self._property(path, name, kind) for name, kind in kinds))
        if any(one.error for one in found):
            await self.listing(path)  # fails if the object is gone
        return tuple(found)

    async def _property(self, path: str, name: str, kind: str) -> Property:
        try:
            return Property(name, kind, await self._execute("qom-get", {"path": path, "property": name}))
        except CommandFailed as error:
            # Some properties are write-only or have no value at present ("No crash occurred"): keep QEMU's error.
            return Property(name, kind, error=error.description)

    async def _execute(self, command: str, arguments: Mapping[str, object]) -> object:
        async with self._room:
            return await self._ask(command, arguments)


def _kinds(listing: object) -> Iterable[tuple[str, str]]:
    for entry in entries(listing):
        yield str(entry["name"]), str(entry.get("type", ""))


def _node(path: str, properties: Iterable[Property], children: tuple[Child, ...]) -> Node:
    """Build a node; its type is the property ``type``."""
    found = tuple(properties)
    type_name = next((str(one.value or "") for one in found if one.name == "type"), "")
    return Node(path, type_name, tuple(one for one in found if one.name != "type"), children)


def _node_of(path: str, answer: object) -> Node:
    """Build a node from one entry of ``qom-list-get``, which leaves out values that could not be read."""
    listing = answer.get("properties") if isinstance(answer, dict) else None
    properties = (
        Property(str(entry["name"]), str(entry.get("type", "")), entry["value"])
        if "value" in entry
        else Property(str(entry["name"]), str(entry.get("type", "")), error="not readable now")
        for entry in entries(listing)
        if child_type(str(entry.get("type", ""))) is None
    )
    return _node(path, properties, parse_children(path, listing))
