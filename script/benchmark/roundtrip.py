"""``query-status`` through the workbench's session and through a bare socket, alternately, on one QEMU."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from pathlib import Path

from workbench.engine.host.qemu import qemu_binary
from workbench.engine.qmp.monitor import Monitor

from .figures import Figure, ratio
from .wire import BareClient

PAIRS = 3000
WARM_UP = 200


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="wb-bench-") as directory:
        paths = [Path(directory) / name for name in ("ours.sock", "bare.sock")]
        monitors = [word for path in paths for word in ("-qmp", f"unix:{path},server=on,wait=off")]
        process = subprocess.Popen(
            [qemu_binary(), "-machine", "none", "-nodefaults", "-display", "none", *monitors], stdin=subprocess.DEVNULL
        )
        try:
            while not all(path.exists() for path in paths):
                if process.poll() is not None:
                    raise RuntimeError(f"QEMU ended with status {process.returncode}")
                time.sleep(0.01)
            ours, bare = asyncio.run(_compare(*paths))
        finally:
            process.kill()
            process.wait()
    return [ratio("QMP round trip", ours, bare, 1.5, "bare socket")]


async def _compare(ours: Path, theirs: Path) -> tuple[list[float], list[float]]:
    monitor = await Monitor.connect(ours)
    bare = BareClient(theirs)
    own, other = [], []
    try:
        for _ in range(WARM_UP + PAIRS):
            begun = time.perf_counter()
            bare.execute("query-status")
            other.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            await monitor.execute("query-status")
            own.append(time.perf_counter() - begun)
    finally:
        bare.close()
        await monitor.close()
    return own[WARM_UP:], other[WARM_UP:]
