"""A running QEMU's types: properties with descriptions and defaults, and each type's parents.

Properties are queried from the running QEMU, and only for types that the guest has: ``device-list-properties`` creates an
object of the type and drops it, which loads no new module.

Parents come from ``qom-list-types``, which loads every module and can crash a QEMU whose package was upgraded since. So a
second QEMU process of the same program is queried (``/proc/PID/exe -machine none``), once per build, and the reply is
cached on disk. If its modules crash it, the query is repeated in a process that cannot load any: only the parents of types
in modules are unknown then. If that fails too, no parents are known: QEMU 8.2 crashes on the second module that it cannot
load (util/module.c, ``module_load_qom_all()``; fixed in 9.1).
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
    from workbench.engine.qmp.protocol import Monitor

DEPTH_MAX = 32
_PREFIX = "qom-parents-"
_KEPT = 16
_HELLO = b'{"execute":"qmp_capabilities"}'
_QUESTION = b'{"execute":"qom-list-types","arguments":{"abstract":true}}{"execute":"quit"}'


class TypeBook:
    """Caches the types of one running QEMU."""

    def __init__(self, execute: Execute, monitor: Monitor | None = None, cache: Path | None = None) -> None:
        """
        :param monitor: the connection, used to find QEMU's program; without it, parents are unknown.
        :param cache: directory for results that depend only on the build.
        """
        self._execute = execute
        self._monitor = monitor
        self._cache = cache
        self._types: dict[str, TypeInfo] = {}
        self._parents: asyncio.Task[Mapping[str, str]] | None = None

    async def describe(self, name: str) -> TypeInfo:
        """Describe one type. What QEMU does not report is empty.

        :raise workbench.errors.MonitorError: when QEMU does not reply.
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
                continue  # not a device, or an abstract type
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
    """Each type's parent, queried from a temporary QEMU process of that program; empty when it fails."""
    found = parse_parents(await run_empty(program, "-qmp", "stdio", stdin=_HELLO + _QUESTION) or b"")
    return found or parse_parents(await run_empty(program, "-qmp", "stdio", stdin=_QUESTION, sealed=_HELLO) or b"")


def parse_parents(out: bytes) -> Mapping[str, str]:
    """The parents in QEMU's output: in the only reply that is a list."""
    for line in out.splitlines():
        with suppress(ValueError):
            message = json.loads(line)
            reply = message.get("return") if isinstance(message, dict) else None
            if isinstance(reply, list):
                return {str(one["name"]): str(one["parent"]) for one in reply if "parent" in one}
    return {}


def ancestors(name: str, parents: Mapping[str, str]) -> tuple[str, ...] | None:
    """A type's ancestors, nearest first; None when the type is unknown."""
    if name not in parents:
        return None
    found: list[str] = []
    while name in parents and len(found) < DEPTH_MAX:
        name = parents[name]
        found.append(name)
    return tuple(found)


def parse_properties(reply: object) -> list[PropertyInfo]:
    """Parse a reply to ``device-list-properties`` or ``qom-list-properties``."""
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
    """Cache the result, and remove the oldest ones; a failure costs the next screen 50 ms."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, json.dumps(parents))
        kept = sorted(file.parent.glob(f"{_PREFIX}*.json"), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in kept[_KEPT:]:
            old.unlink(missing_ok=True)
