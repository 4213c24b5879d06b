"""The running QEMU's schema, cached on disk per build: the query returns 200 kB and blocks QEMU for 30 to 60 ms."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from workbench.domain.qmp.record.record import Origin
from workbench.domain.qmp.schema import Schema, SchemaError
from workbench.engine.storage.files import write_atomic
from workbench.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.engine.qmp.protocol import Monitor

    Entries = Sequence[Mapping[str, object]]

KEPT = 16
"""Schemas kept on disk: for a developer every compilation is a new build with a schema of its own."""
_PREFIX = "qmp-schema-"
_log = logging.getLogger(__name__)


async def read_schema(monitor: Monitor, cache: Path, *, origin: Origin = Origin.SCREEN) -> Schema:
    """The schema of the connected QEMU, from the cache if this build was queried before.

    A corrupt, unreadable or unwritable cache only costs time.

    :param cache: the directory of the schemas; created when missing.
    :raise workbench.errors.MonitorError: when QEMU must be queried and does not reply with a schema.
    """
    build = build_of(monitor)
    file = cache / f"{_PREFIX}{build}.json" if build else None
    if file is not None:
        kept = await asyncio.to_thread(_load, file)
        if kept is not None:
            return kept
    entries = cast("Entries", await monitor.execute("query-qmp-schema", origin=origin))
    try:
        schema = Schema.from_query(entries)
    except SchemaError as error:
        raise MonitorError(str(error)) from error
    if file is not None:
        await asyncio.to_thread(_store, file, entries)
    return schema


def build_of(monitor: Monitor) -> str:
    """A string that identifies the QEMU build behind a monitor; empty when unknown.

    Version and package are not enough: x86_64 and aarch64 of one package differ, and so do two builds of one checkout.
    The executable file tells them apart; /proc/PID/exe refers to it even if it was replaced since (proc(5)).
    """
    pid = monitor.peer_pid
    if pid is None:
        return ""
    exe = Path(f"/proc/{pid}/exe")
    try:
        name = os.readlink(exe)
        stat = exe.stat()
    except OSError:
        return ""  # it exited, or belongs to another user
    if "qemu" not in name and "kvm" not in name:
        return ""  # run by a loader, an emulator or a debugger, whose file does not identify QEMU
    identity = (monitor.version, monitor.package, stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return hashlib.sha256(repr(identity).encode()).hexdigest()[:24]


def _load(file: Path) -> Schema | None:
    try:
        return Schema.from_query(json.loads(file.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:  # SchemaError and JSONDecodeError are ValueErrors
        _log.warning("ignoring cached schema %s: %s", file, error)
        return None


def _store(file: Path, entries: Entries) -> None:
    """Write the schema atomically, and remove the oldest ones. A failure only makes the next start slower."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, json.dumps(entries, separators=(",", ":")))
        _remove_oldest(file.parent)
    except OSError as error:
        _log.warning("cannot cache the schema in %s: %s", file, error)


def _remove_oldest(directory: Path) -> None:
    kept = sorted(directory.glob(f"{_PREFIX}*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in kept[KEPT:]:
        file.unlink(missing_ok=True)
