"""The QMP console in a small app."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from textual.widgets import Button

from tests.real import using
from workbench.domain.qmp.record.record import Record
from workbench.engine.qmp.monitor import Monitor
from workbench.engine.qmp.schema import read_schema
from workbench.engine.session.lookups import SessionLookups
from workbench.engine.storage.input_history import InputHistory
from workbench.errors import WorkbenchError
from workbench.ui.keys.order import KeyOrder
from workbench.ui.qmp.console import QmpConsole
from workbench.ui.qmp.input import QmpInput
from workbench.ui.qmp.record.log import TrafficLog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.pilot import Pilot

    from workbench.domain.qmp.schema import Schema


class ConsoleApp(KeyOrder):
    """One console, and what a screen does for it."""

    CSS = "QmpConsole { border: round $primary; } Button { dock: top; height: 1; border: none; }"

    def __init__(self, record: Record, monitor: Monitor | None = None, cache: Path | None = None) -> None:
        super().__init__()
        self.record = record
        self.monitor = monitor
        self.cache = cache
        self.history = InputHistory(cache / "state" / "history" if cache else None)
        self.submitted: list[QmpConsole.Submitted] = []

    def compose(self) -> ComposeResult:
        yield Button("elsewhere")
        yield QmpConsole(self.history)

    def on_mount(self) -> None:
        console = self.console_pane
        if self.monitor is None:
            console.show("demo", self.record, None)
        else:
            console.show("demo", self.record, self.schema, SessionLookups(using(self.monitor), 0))
        self.query_one(QmpInput).focus()

    @property
    def console_pane(self) -> QmpConsole:
        return self.query_one(QmpConsole)

    async def schema(self) -> Schema:
        assert self.monitor is not None
        assert self.cache is not None
        return await read_schema(self.monitor, self.cache)

    async def on_qmp_console_submitted(self, message: QmpConsole.Submitted) -> None:
        self.submitted.append(message)
        if self.monitor is not None:
            try:
                await self.monitor.execute(message.request.command, message.request.arguments)
            except WorkbenchError as error:
                self.console_pane.explain(error)

    @property
    def shown(self) -> str:
        return self.query_one(TrafficLog).text


@asynccontextmanager
async def console(
    path: Path | None, cache: Path, size: tuple[int, int] = (100, 30)
) -> AsyncIterator[tuple[Pilot[None], ConsoleApp]]:
    monitor = await Monitor.connect(path) if path is not None else None
    app = ConsoleApp(monitor.record if monitor else Record(), monitor, cache)
    try:
        async with app.run_test(size=size) as pilot:
            await pilot.app.workers.wait_for_complete()
            await pilot.pause()
            yield pilot, app
    finally:
        if monitor is not None:
            await monitor.close()


async def until(pilot: Pilot[None], condition: Callable[[], bool], deadline: float = 10) -> None:
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, pilot.app.query_one(TrafficLog).text
        await pilot.pause(0.01)
