"""The device tree: time to the first tree, time to read all of QOM, and whether keys get lost in 5,000 lines.

Ours and theirs alternate on one running guest, each on its own monitor.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from statistics import median
from typing import TYPE_CHECKING, cast

from textual.app import App
from textual.events import Key

from workbench.domain.devices.qom import Child, Node, Property, entries, parse_children
from workbench.domain.devices.tree import DeviceTree
from workbench.engine.devices.qom import LIST_GET_SINCE, parse_version
from workbench.engine.devices.reader import DeviceReader
from workbench.engine.qmp.monitor import Monitor
from workbench.ui.devices.layout import Layout
from workbench.ui.devices.lines import DeviceLines
from workbench.ui.devices.pane import DeviceTreePane
from workbench.ui.devices.row import Shown
from workbench.ui.devices.views.views import View, rows

from .figures import Figure, ratio
from .wire import BareClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from .guest import Bench

PAIRS = 15
NODES = 5000
KEYS = 200
PATIENCE = 30.0
"""Seconds until missing keys count as lost."""
WIDTH = 80


def measure(bench: Bench) -> list[Figure]:
    return [*asyncio.run(_reading(bench)), *asyncio.run(_scrolling())]


async def _reading(bench: Bench) -> list[Figure]:
    monitor = await Monitor.connect(bench.guest / "qmp-cli.sock")
    bare = BareClient(bench.guest / "qmp-user.sock")
    first, one_by_one, whole, pipelined = [], [], [], []
    together = parse_version(monitor.version) >= LIST_GET_SINCE
    try:
        for number in range(PAIRS + 1):
            begun = time.perf_counter()
            tree = await DeviceReader(monitor.execute, monitor.version).tree()  # a new reader has an empty cache
            Layout.of(rows(View.PCI, Shown(tree=tree)), WIDTH)
            seen = time.perf_counter()
            count = len(_one_by_one(bare))
            walked = time.perf_counter()
            found = await DeviceReader(monitor.execute, monitor.version).qom.walk()
            ours = time.perf_counter()
            theirs = len(_pipelined(bare, together=together))
            done = time.perf_counter()
            if not len(found) == count == theirs:
                raise RuntimeError(f"the walks differ: {len(found)}, {count} and {theirs} objects")
            if number:
                first.append(seen - begun)
                one_by_one.append(walked - seen)
                whole.append(ours - walked)
                pipelined.append(done - ours)
    finally:
        bare.close()
        await monitor.close()
    command = "qom-list-get" if together else "qom-list"
    return [
        Figure("first tree", 1e3 * median(first), 60.0, "ms", f"median of {PAIRS}, empty cache"),
        ratio("first tree to a walk", first, one_by_one, 0.2, "qom-list for every object, one after the other"),
        ratio("whole QOM walk", whole, pipelined, 1.2, f"bare socket, {command} level by level, {count} objects"),
    ]


def _one_by_one(client: BareClient) -> list[str]:
    """Every path, as QEMU's own qom-tree finds them: one query after the other."""
    paths, stack = [], ["/"]
    while stack:
        path = stack.pop()
        paths.append(path)
        stack += [child.path for child in parse_children(path, _result(client.execute("qom-list", path=path)))]
    return paths


def _pipelined(client: BareClient, *, together: bool) -> list[str]:
    """Every path; all queries of a level are sent before the first reply is read, or in one command."""
    paths: list[str] = []
    level = ["/"]
    while level:
        paths += level
        if together:
            answers = cast("list[Mapping[str, object]]", _result(client.execute("qom-list-get", paths=level)))
            listings: list[object] = [answer["properties"] for answer in answers]
        else:
            listings = [_result(one) for one in client.execute_all("qom-list", [{"path": path} for path in level])]
        level = [child.path for path, one in zip(level, listings, strict=True) for child in parse_children(path, one)]
    return paths


def _result(reply: object) -> object:
    message = cast("Mapping[str, object]", reply)
    if "return" not in message:
        raise RuntimeError(f"QEMU returned an error: {message}")
    return list(entries(message["return"])) or message["return"]


class _Pane(App[None]):
    def compose(self) -> ComposeResult:
        yield DeviceTreePane()


def _made_up(width: int = 17, depth: int = 3) -> dict[str, Node]:
    """A composition tree of more than NODES objects."""
    nodes: dict[str, Node] = {}
    level = ["/"]
    for below in range(depth, -1, -1):
        deeper = []
        for path in level:
            names = [f"object[{number}]" for number in range(width)] if below else []
            children = tuple(Child(name, "memory-region", f"{path.rstrip('/')}/{name}") for name in names)
            nodes[path] = Node(path, "memory-region", (Property("size", "uint64", 4096),), children)
            deeper += [child.path for child in children]
        level = deeper
    return nodes


async def _scrolling() -> list[Figure]:
    """Expand everything, then send many keys at once, like a key that is held down: none may be lost."""
    nodes = _made_up()
    app = _Pane()
    async with app.run_test(size=(WIDTH, 40)) as pilot:
        pane, lines = app.query_one(DeviceTreePane), app.query_one(DeviceLines)
        pane.trouble, pane.tree = "", DeviceTree("made-up")
        lines.focus()
        await pilot.press("3")
        pane.set_walk(nodes, values=True)
        begun = time.perf_counter()
        await pilot.press("asterisk")
        while len(lines.rows) < NODES:
            await pilot.pause()
        opened = time.perf_counter() - begun
        await pilot.press("home")
        page = max(1, lines.scrollable_content_region.height - 1)
        begun = time.perf_counter()
        for number in range(KEYS):
            app.post_message(Key(("down", "pagedown")[number % 2], None))
        expected = KEYS // 2 * (page + 1)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while lines.cursor < expected:
                    await asyncio.sleep(0)
        each = (time.perf_counter() - begun) / KEYS
        await pilot.pause()
        lost = expected - lines.cursor
        count = len(lines.rows)
    return [
        Figure(f"open {count:,} lines", 1e3 * opened, 500.0, "ms", f"{len(nodes):,} objects"),
        Figure("keys lost", lost, 0, "line", f"after {KEYS} keys at once, down and page down"),
        Figure("time per key", 1e3 * each, 16.7, "ms", "mean; one frame at 60 Hz"),
    ]
