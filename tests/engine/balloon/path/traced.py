"""A QEMU with a trace log, and which of its trace events are on."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from tests.real import QEMU, running_qemu
from workbench.engine.balloon.path.trace import LOG
from workbench.engine.balloon.place import Place
from workbench.engine.qmp.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

OLD = ("-device", "virtio-balloon-pci,id=balloon0")
"""In a spelling that every QEMU knows."""


@asynccontextmanager
async def started(tmp_path: Path, *argv: str, binary: str = QEMU) -> AsyncIterator[tuple[Monitor, Place]]:
    argv = argv or ("-D", str(tmp_path / LOG), "-msg", "timestamp=on")
    with running_qemu(*argv, binary=binary, devices=OLD) as (process, socket):
        monitor = await Monitor.connect(socket)
        try:
            yield monitor, Place(tmp_path, process.pid, 128 << 20, 0.0)
        finally:
            await monitor.close()


async def enabled(monitor: Monitor) -> set[str]:
    """Every trace event of the balloon that is on; the one of each page must never be."""
    reply = cast("list[Mapping[str, str]]", await monitor.execute("trace-event-get-state", {"name": "*"}))
    return {event["name"] for event in reply if event["state"] == "enabled"}
