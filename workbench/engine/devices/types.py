"""What a running QEMU says of its types: properties with descriptions and defaults, and each type's parents.

Properties are asked of the running QEMU itself, and only of types that live in it: ``device-list-properties`` makes an
object of the type and drops it, which loads nothing that is not there already.

Parents come from ``qom-list-types``, which loads every module and can end a QEMU whose package was renewed meanwhile. So
a second, empty QEMU of the same program is asked (``/proc/PID/exe -machine none``), once for each build, and the answer
is kept on disk. One that dies of its modules is asked again when it can load none: then only parents of types in modules
are not known. Where that fails too, none are: QEMU 8.2 dies of the second module that it cannot load (util/module.c,
``module_load_qom_all()``; mended in 9.1).
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from workbench.domain.devices.type_info import PropertyInfo, TypeInfo
from workbench.engine.qmp.empty_qemu import run_empty
from workbench.engine.qmp.schema import build_of
from workbench.engine.storage.files import write_atomic
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from workbench.engine.devices.virtio_pci import Execute
    from workbench.engine.qmp.monitor import Monitor

DEPTH_MAX = 32
_PREFIX = "qom-parents-"
_KEPT = 16
_HELLO = b'{"execute":"qmp_capabilities"}'
_QUESTION = b'{"execute":"qom-list-types","arguments":{"abstract":true}}{"execute":"quit"}'


class TypeBook:
    """What was learned of the types of one running QEMU."""

    def __init__(self, execute: Execute, monitor: Monitor | None = None, cache: Path | None = None) -> None:
        """
        :param monitor: the connection, which tells the program of the QEMU behind it; without it no parents.
        :param cache: a directory for what holds for a build.
        """
        self._execute = execute
        self._monitor = monitor
        self._cache = cache
        self._types: dict[str, TypeInfo] = {}
        self._parents: asyncio.Task[Mapping[str, str]] | None = None

    async def describe(self, name: str) -> TypeInfo:
        """One type. What QEMU does not say of it is empty.

        :raise workbench.errors.MonitorError: when QEMU does not answer.
        """
        if name in self._types:
            return self._types[name]
        properties = await self._properties(name)
        if self._parents is None:
            self._parents = asyncio.create_task(self._read_parents(), name="QOM parents")
        parents = await self._parents
        info = self._types[name] = TypeInfo(name, properties, ancestors(name, parents))
        return info

    async def _properties(self, name: str) -> Mapping[str, PropertyInfo]:
        for command in ("device-list-properties", "qom-list-properties"):
            try:
                reply = await self._execute(command, {"typename": name})
            except CommandFailed:
                continue  # no device, or an abstract type
            return {one.name: one for one in parse_properties(reply)}
        return {}

    async def _read_parents(self) -> Mapping[str, str]:
        build = build_of(self._monitor) if self._monitor is not None else ""
        pid = self._monitor.peer_pid if self._monitor is not None else None
        if not build or pid is None:
            return {}
        file = self._cache / f"{_PREFIX}{build}.json" if self._cache is not None else None
        if file is not None:
            with suppress(OSError, ValueError):
                kept = json.loads(await asyncio.to_thread(file.read_bytes))
                if isinstance(kept, dict):
                    return kept
        found = await ask_parents(f"/proc/{pid}/exe")
        if file is not None and found:
            await asyncio.to_thread(_keep, file, found)
        return found


async def ask_parents(program: str) -> Mapping[str, str]:
    """Every type's parent, by a QEMU of that program that is started for it; empty when it cannot tell."""
    found = parse_parents(await run_empty(program, "-qmp", "stdio", said=_HELLO + _QUESTION) or b"")
    return found or parse_parents(await run_empty(program, "-qmp", "stdio", said=_QUESTION, sealed=_HELLO) or b"")


def parse_parents(out: bytes) -> Mapping[str, str]:
    """The parents in what a QEMU wrote: the one reply that is a list."""
    for line in out.splitlines():
        with suppress(ValueError):
            message = json.loads(line)
            reply = message.get("return") if isinstance(message, dict) else None
            if isinstance(reply, list):
                return {str(one["name"]): str(one["parent"]) for one in reply if "parent" in one}
    return {}


def ancestors(name: str, parents: Mapping[str, str]) -> tuple[str, ...] | None:
    """A type's parents, the nearest first; None when nothing is known of the type."""
    if name not in parents:
        return None
    found: list[str] = []
    while name in parents and len(found) < DEPTH_MAX:
        name = parents[name]
        found.append(name)
    return tuple(found)


def parse_properties(reply: object) -> list[PropertyInfo]:
    """A reply of ``device-list-properties`` or ``qom-list-properties``."""
    found = []
    for entry in reply if isinstance(reply, list) else ():
        if isinstance(entry, dict) and "name" in entry:
            values = cast("Mapping[str, object]", entry)
            found.append(
                PropertyInfo(
                    str(values["name"]),
                    str(values.get("type", "")),
                    str(values.get("description") or ""),
                    values.get("default-value"),
                    "default-value" in values,
                )
            )
    return found


def _keep(file: Path, parents: Mapping[str, str]) -> None:
    """Keep the answer, and forget the oldest ones; what fails here costs the next screen 50 ms."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, json.dumps(parents))
        kept = sorted(file.parent.glob(f"{_PREFIX}*.json"), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in kept[_KEPT:]:
            old.unlink(missing_ok=True)
