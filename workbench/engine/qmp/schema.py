"""The running QEMU's schema, kept on disk for each QEMU build: 200 kB, and 30 to 60 ms of QEMU's main loop."""

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

    from workbench.engine.qmp.monitor import Monitor

    Entries = Sequence[Mapping[str, object]]

KEPT = 16
"""Schemas that stay on disk: a developer makes a new build, and so a new schema, with every compilation."""
_PREFIX = "qmp-schema-"
_log = logging.getLogger(__name__)


async def read_schema(monitor: Monitor, cache: Path, *, origin: Origin = Origin.SCREEN) -> Schema:
    """The schema of the QEMU at the other end, from the cache when this build was asked before.

    A cache that is corrupt, or cannot be read or written, costs time and nothing else.

    :param cache: the directory of the schemas; made when it is missing.
    :raise workbench.errors.MonitorError: when QEMU has to be asked and does not answer, or not with a schema.
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
    """What identifies the QEMU build behind a monitor; empty when nothing does.

    Version and package are not enough: x86_64 and aarch64 of one package differ, and so do two builds of one checkout.
    The executable's own file tells them apart; /proc/PID/exe leads to it also when it was replaced since (proc(5)).
    """
    pid = monitor.peer_pid
    if pid is None:
        return ""
    exe = Path(f"/proc/{pid}/exe")
    try:
        name = os.readlink(exe)
        stat = exe.stat()
    except OSError:
        return ""  # it ended meanwhile, or belongs to another user
    if "qemu" not in name and "kvm" not in name:
        return ""  # run by a loader, an emulator or a debugger, whose file says nothing of QEMU
    identity = (monitor.version, monitor.package, stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return hashlib.sha256(repr(identity).encode()).hexdigest()[:24]


def _load(file: Path) -> Schema | None:
    try:
        return Schema.from_query(json.loads(file.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:  # SchemaError and JSONDecodeError are ValueErrors
        _log.warning("ignored the kept schema %s: %s", file, error)
        return None


def _store(file: Path, entries: Entries) -> None:
    """Write the schema in one step, and forget the oldest ones. What fails here only costs the next start some time."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, json.dumps(entries, separators=(",", ":")))
        _forget_oldest(file.parent)
    except OSError as error:
        _log.warning("cannot keep the schema in %s: %s", file, error)


def _forget_oldest(directory: Path) -> None:
    kept = sorted(directory.glob(f"{_PREFIX}*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in kept[KEPT:]:
        file.unlink(missing_ok=True)
