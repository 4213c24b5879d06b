"""A guest that is not running: shows the output of its last run, and refuses everything else."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, NoReturn

from workbench.domain.balloon.path.timeline import PathView
from workbench.domain.qmp.record.record import Origin, Record
from workbench.engine.balloon.record.history import kept_history
from workbench.engine.balloon.record.marks import kept_marks
from workbench.engine.local.console import SCROLLBACK
from workbench.engine.state.directory import read_tail
from workbench.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from workbench.domain.balloon.history.marks import Mark
    from workbench.domain.balloon.history.samples import Past
    from workbench.domain.balloon.safety.protection import ProtectionRequest, Safety
    from workbench.domain.guest.lifecycle import Exit
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.domain.qmp.schema import Schema
    from workbench.engine.base import Devices, Event, Hotplug, Lookups
    from workbench.engine.state.directory import StateDirectory


class StoppedGuest:
    """See :class:`workbench.engine.base.Guest`."""

    def __init__(
        self, snapshot: GuestSnapshot, record: Record | None, state: StateDirectory, *, screen: bool = True
    ) -> None:
        """
        :param record: the record of its last run, if this engine saw it.
        :param screen: whether hints are for a screen or for a command line.
        """
        self.snapshot = snapshot
        self.record = record if record is not None else Record()
        self._state = state
        self._screen = screen
        self.watched = False

    def hold(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def refresh(
        self, *, settle: float = 0.0, report: bool = False, brief: bool = False, patience: float = 0.0
    ) -> GuestSnapshot:
        self._refuse()

    async def wait_until(
        self,
        condition: Callable[[GuestSnapshot], bool],
        seconds: float,
        *,
        each: Callable[[GuestSnapshot], None] = lambda _snapshot: None,
    ) -> GuestSnapshot:
        self._refuse()

    def events(self) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        self._refuse()

    async def execute(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        origin: Origin = Origin.USER,
        oob: bool = False,
        deadline: float | None = None,
    ) -> object:
        self._refuse()

    async def version(self) -> str:
        self._refuse()

    async def wait_disconnected(self) -> NoReturn:
        self._refuse()

    async def schema(self) -> Schema:
        self._refuse()

    @property
    def devices(self) -> Devices:
        self._refuse()

    @property
    def hotplug(self) -> Hotplug:
        self._refuse()

    @property
    def lookups(self) -> Lookups:
        self._refuse()

    async def past(self, start: float, step: float) -> Past:
        return await asyncio.to_thread(kept_history(self._state, self.snapshot.name).past, start, step)

    async def marks(self) -> Sequence[Mark]:
        return kept_marks(self._state, self.snapshot.name).load()

    async def set_target(self, size: int, *, safety: Safety | None = None) -> None:
        self._refuse()

    async def protect(self, request: ProtectionRequest) -> None:
        self._refuse()

    async def pause(self) -> None:
        self._refuse()

    async def resume(self) -> None:
        self._refuse()

    async def reset(self) -> None:
        self._refuse()

    async def power_down(self) -> None:
        self._refuse()

    async def kill(self) -> None:
        self._refuse()

    async def wait_ended(self, seconds: float) -> Exit | None:
        return self.snapshot.ended

    async def stop(self, seconds: float = 30.0, *, kill: bool = False) -> Exit:
        self._refuse()

    def console(self, listener: Callable[[str], None]) -> Callable[[], None]:
        if last_words := read_tail(self._state.kept_log(self.snapshot.name, "serial.log"), SCROLLBACK):
            listener(last_words)
        return lambda: None

    async def type(self, text: str) -> None:
        self._refuse()

    def path(self, listener: Callable[[PathView], None]) -> Callable[[], None]:
        listener(PathView("", why=f"{self.snapshot.name} is not running"))
        return lambda: None

    def _refuse(self) -> NoReturn:
        if self._screen:
            raise NotFound(f"{self.snapshot.name} is not running", hint="start it first: s")
        raise self._state.not_running(self.snapshot.name)
