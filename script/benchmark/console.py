"""The QMP console with a full record, and during a flood of events.

The record: 100,000 messages of typical kinds and sizes; the time to search all of them, and their memory. The flood: a
QMP peer sends 10,000 events a second to a console in a headless application while keys are typed into its input line;
a key is timed until the change is drawn.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import psutil
from textual.app import App
from textual.events import Key

from workbench.domain.qmp.record.record import LIMIT, Kind, Origin, Record
from workbench.domain.qmp.record.search import Filter, forget_index, search
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.storage.input_history import InputHistory
from workbench.ui.qmp.console import QmpConsole
from workbench.ui.qmp.input import QmpInput

from .figures import Figure, percentile

if TYPE_CHECKING:
    from textual.app import ComposeResult

MIB = 1 << 20
RATE = 10_000
"""Events a second."""
KEYS = 100
FLOOD = """
import json, socket, sys, time
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen(1)
client = server.accept()[0]
client.sendall(b'{"QMP": {"version": {"qemu": {"major": 8, "minor": 2, "micro": 0}}, "capabilities": []}}\\n')
client.recv(65536)
client.sendall(b'{"return": {}, "id": "__qmp#00000"}\\n')
wait, count, names = float(sys.argv[3]), 0, ("RTC_CHANGE", "BALLOON_CHANGE", "BLOCK_JOB_READY")
begun = time.monotonic() + wait
while True:
    due = int((time.monotonic() - begun) * int(sys.argv[2])) - count
    if due > 0:
        lines = [
            {"timestamp": {"seconds": 1, "microseconds": n % 1000000}, "event": names[n % 3], "data": {"actual": n}}
            for n in range(count, count + due)
        ]
        client.sendall(b"".join(json.dumps(line).encode() + b"\\n" for line in lines))
        count += due
    time.sleep(0.002)
"""


class _App(App[None]):
    def __init__(self, record: Record) -> None:
        super().__init__()
        self._record = record

    def compose(self) -> ComposeResult:
        yield QmpConsole(InputHistory(None))

    def on_mount(self) -> None:
        self.query_one(QmpConsole).show("flood", self._record, None)
        self.query_one(QmpInput).focus()


def measure() -> list[Figure]:
    figures = _record_figures()
    with tempfile.TemporaryDirectory(prefix="wb-bench-") as directory:
        calm, _ = asyncio.run(_typed(Path(directory) / "calm.sock", 0))
        flooded, came = asyncio.run(_typed(Path(directory) / "flood.sock", RATE))
    without = f"{percentile(calm, 0.9) * 1e3:.1f} ms without events"
    detail = f"median {median(flooded) * 1e3:.1f} ms; {without}; {came:,.0f} events a second arrived"
    figures.append(Figure("key while events flood", percentile(flooded, 0.9) * 1e3, 33, "ms", detail))
    return figures


def _record_figures() -> list[Figure]:
    process = psutil.Process()
    before = process.memory_info().rss
    record = Record()
    for number in range(LIMIT // 4):
        path = {"path": f"/machine/peripheral/dev{number}", "property": "type"}
        record.add(1.0, Kind.COMMAND, Origin.USER, "qom-get", path)
        record.add(1.0, Kind.REPLY, Origin.USER, "qom-get", {"a": number, "b": ["x"] * 5, "text": "a reply"}, 0.001)
        record.add(1.0, Kind.EVENT, Origin.SCREEN, "BALLOON_CHANGE", {"actual": number * 4096})
        record.add(1.0, Kind.EVENT, Origin.SCREEN, "RTC_CHANGE", {"offset": number, "qom-path": "/machine/x[7]"})
    took: dict[str, float] = {}
    for text in ("no such text", "dev5000", "balloon_change", "a"):
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            search(record, text, Filter())
            times.append(time.perf_counter() - begun)
        took[text] = median(times)
    memory = (process.memory_info().rss - before) / MIB
    forget_index(record)
    begun = time.perf_counter()
    search(record, "no such text", Filter())
    first = (time.perf_counter() - begun) * 1e3
    worst = max(took, key=lambda text: took[text])
    rare = f"{took['dev5000'] * 1e3:.1f} ms for a rare one"
    detail = f"worst of {len(took)} texts: {worst!r}; {rare}; {first:.0f} ms including the index"
    return [
        Figure("search 100,000 messages", took[worst] * 1e3, 50, "ms", detail),
        Figure("100,000 messages", memory, 128, "MiB", f"{len(record):,} with the index of a search"),
    ]


async def _typed(path: Path, rate: int) -> tuple[list[float], float]:
    """Seconds from each key to the drawn change, and the events a second that arrived during the test."""
    peer = subprocess.Popen([sys.executable, "-c", FLOOD, str(path), str(rate), "0.5"], stdin=subprocess.DEVNULL)
    try:
        while not path.exists():
            await asyncio.sleep(0.01)
        monitor = await Monitor.connect(path)
        app = _App(monitor.record)
        times = []
        async with app.run_test(size=(120, 40)):
            line = app.query_one(QmpInput)
            await asyncio.sleep(2)
            begun, before = time.perf_counter(), sum(monitor.record.events.values())
            for number in range(KEYS):
                drawn = asyncio.Event()
                pressed = time.perf_counter()
                app.post_message(Key("x", "x"))
                while len(line.value) <= number:
                    await asyncio.sleep(0)
                line.call_after_refresh(drawn.set)
                await drawn.wait()
                times.append(time.perf_counter() - pressed)
                await asyncio.sleep(0.02)
            came = (sum(monitor.record.events.values()) - before) / (time.perf_counter() - begun)
        await monitor.close()
        return times, came
    finally:
        peer.kill()
        peer.wait()
