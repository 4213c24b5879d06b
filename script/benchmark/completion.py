"""Completion in the QMP console, run at each key with the schema of a real QEMU."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain.qmp.completion.complete import complete
from workbench.domain.qmp.lookups import Kind, Known, Lookup
from workbench.engine.host.qemu import qemu_binary
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.qmp.schema import read_schema
from workbench.errors import MonitorUnavailable

from .figures import Figure, latency

if TYPE_CHECKING:
    from workbench.domain.qmp.schema import Schema

FRAME = 16.0
"""Milliseconds per frame at 60 Hz."""
LINES = (
    "blockdev-add driver=qcow2 node-name=disk file.driver=file file.filename=/tmp/disk.qcow2 cache.direct=on",
    '{"execute": "blockdev-add", "arguments": {"driver": "qcow2", "file": {"driver": "file", "filename": "x"}}}',
    'transaction actions=[{"type": "blockdev-backup", "data": {"device": "disk", "sync": "full", "target": "t"}}]',
    "qom-get path=/machine/peripheral/balloon0 property=guest-stats",
    "trace-event-set-state name=virtio_balloon_to_target enable=true",
    "migrate-set-parameters max-bandwidth=1G multifd-compression=none",
    "!trace-event virtio_balloon_to_target on",
    "!device_add virtio-net-pci,netdev=net0,mac=52:54:00:12:34:56",
)
ROUNDS = 5
TRACE_EVENTS = 5000
"""QEMU has 1,500 to 5,000."""
OTHERS = 200
"""Devices, block nodes, or names on one level of QOM: more than most guests have."""


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="wb-bench-") as directory:
        path = Path(directory) / "qmp.sock"
        monitor = ("-qmp", f"unix:{path},server=on,wait=off")
        process = subprocess.Popen(
            [qemu_binary(), "-machine", "none", "-nodefaults", "-display", "none", *monitor],
            stdin=subprocess.DEVNULL,
        )
        try:
            schema = asyncio.run(_schema(path, Path(directory), process))
        finally:
            process.kill()
            process.wait()
    return [latency("completion of a key", _times(schema), 0.99, FRAME)]


async def _schema(path: Path, cache: Path, process: subprocess.Popen[bytes]) -> Schema:
    while True:
        try:
            monitor = await Monitor.connect(path)
            break
        except MonitorUnavailable:  # the socket exists before QEMU listens on it
            if process.poll() is not None:
                raise RuntimeError(f"QEMU ended with status {process.returncode}") from None
            await asyncio.sleep(0.01)
    try:
        return await read_schema(monitor, cache)
    finally:
        await monitor.close()


def _times(schema: Schema) -> list[float]:
    """Seconds per key; every line is typed from its first character to its last."""
    events = [Known(f"event_{index}", "disabled") for index in range(TRACE_EVENTS)]

    commands = [*events[:OTHERS], Known("trace-event", "name on|off [vcpu] -- change it", "arguments")]

    def ask(lookup: Lookup) -> list[Known]:
        if lookup.kind is Kind.HMP:
            return commands
        return events if lookup.kind is Kind.TRACE else events[:OTHERS]

    times = []
    for line in LINES * ROUNDS:
        for cursor in range(1, len(line) + 1):
            begun = time.perf_counter()
            complete(schema, line[:cursor], cursor, ask)
            times.append(time.perf_counter() - begun)
    return times
