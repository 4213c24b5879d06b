"""Reading QEMU's object model over QMP: levels, objects, values, or all of it. Nothing here changes anything.

What many commands are needed for is asked without waiting in between: QEMU answers in order, one after the other, and
its main loop is the only limit. From 10.1 on ``qom-list-get`` gives the properties and values of many objects at once.
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
"""Objects in one ``qom-list-get``: QEMU's main loop stands still while it answers, about 1 ms for each dozen."""
IN_FLIGHT = 128
"""Questions that wait for QEMU at a time at most, so that each is answered well within its deadline."""


def parse_version(text: str) -> tuple[int, int]:
    """``7.2.22`` as (7, 2); (0, 0) for what is no version: then only what every QEMU has is used."""
    numbers = [int(part) for part in text.split(".")[:2] if part.isdecimal()]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (0, 0)


class QomReader:
    """Reads the objects of one QEMU."""

    def __init__(self, execute: Execute, version: tuple[int, int]) -> None:
        self._ask = execute
        self._together = version >= LIST_GET_SINCE
        self._room = asyncio.Semaphore(IN_FLIGHT)

    async def listing(self, path: str) -> object:
        """The reply of ``qom-list``.

        :raise workbench.errors.CommandFailed: when there is no such path (any more).
        """
        return await self._execute("qom-list", {"path": path})

    async def children(self, path: str) -> tuple[Child, ...]:
        """The children of one object, by name."""
        return parse_children(path, await self.listing(path))

    async def node(self, path: str) -> Node:
        """One object with its properties and their values, read now.

        :raise workbench.errors.CommandFailed: when there is no such path, or it vanished while it was read.
        """
        if self._together:
            (node,) = await self._nodes_together([path])
            why = [(one.name, one.type) for one in node.properties if one.error]
            said = {one.name: one for one in await self._properties(path, why)} if why else {}
            return replace(node, properties=tuple(said.get(one.name, one) for one in node.properties))
        listing = await self.listing(path)
        kinds = [(name, kind) for name, kind in _kinds(listing) if child_type(kind) is None]
        return _node(path, await self._properties(path, kinds), parse_children(path, listing))

    async def value(self, path: str, name: str) -> object:
        """One value; None where it cannot be read."""
        return (await self._property(path, name, "")).value

    async def values(self, path: str, kinds: Sequence[tuple[str, str]]) -> tuple[Property, ...]:
        """Some properties of one object, read now.

        :param kinds: names and types, as a listing of the object had them.
        :raise workbench.errors.CommandFailed: when the object is gone.
        """
        return await self._properties(path, kinds)

    async def walk(self, path: str = "/", depth: int | None = None, *, values: bool = False) -> dict[str, Node]:
        """Every object from a path downwards, by path. What vanishes meanwhile is left out.

        Where QEMU cannot give values together, properties come without them unless they are asked for.

        :param depth: levels below ``path``; None: all.
        :param values: also read every value, one by one if need be.
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
        """The objects of many paths; one that is gone makes QEMU refuse all of a question, so then each is asked."""
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
            await self.listing(path)  # an object that is gone says so here
        return tuple(found)

    async def _property(self, path: str, name: str, kind: str) -> Property:
        try:
            return Property(name, kind, await self._execute("qom-get", {"path": path, "property": name}))
        except CommandFailed as error:
            # Some properties can only be written, or have nothing to say now ("No crash occurred"): that is the answer.
            return Property(name, kind, error=error.description)

    async def _execute(self, command: str, arguments: Mapping[str, object]) -> object:
        async with self._room:
            return await self._ask(command, arguments)


def _kinds(listing: object) -> Iterable[tuple[str, str]]:
    for entry in entries(listing):
        yield str(entry["name"]), str(entry.get("type", ""))


def _node(path: str, properties: Iterable[Property], children: tuple[Child, ...]) -> Node:
    """A node out of what was read: the property ``type`` is its type."""
    found = tuple(properties)
    type_name = next((str(one.value or "") for one in found if one.name == "type"), "")
    return Node(path, type_name, tuple(one for one in found if one.name != "type"), children)


def _node_of(path: str, answer: object) -> Node:
    """A node out of one answer of ``qom-list-get``; a value that could not be read is left out there."""
    listing = answer.get("properties") if isinstance(answer, dict) else None
    properties = (
        Property(str(entry["name"]), str(entry.get("type", "")), entry["value"])
        if "value" in entry
        else Property(str(entry["name"]), str(entry.get("type", "")), error="cannot be read now")
        for entry in entries(listing)
        if child_type(str(entry.get("type", ""))) is None
    )
    return _node(path, properties, parse_children(path, listing))
