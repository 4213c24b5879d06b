"""An engine on real guests, and what its snapshots hold."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.commandline import DEADLINE, CommandLine
from workbench.domain.balloon.diagnosis.causes import State
from workbench.domain.units import MIB
from workbench.engine.local.engine import LocalEngine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.balloon.ledger import Ledger
    from workbench.domain.balloon.reading import Reading
    from workbench.engine.session.guest import SessionGuest


@asynccontextmanager
async def opened(workbench: CommandLine) -> AsyncIterator[LocalEngine]:
    """An engine that leaves nothing behind: no task of it lives on."""
    before = asyncio.all_tasks()
    engine = LocalEngine(workbench.settings)
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()
    left = {task for task in asyncio.all_tasks() - before if not task.done()}
    assert left == set(), "tasks outlive close()"


async def until(condition: Callable[[], object], what: str, deadline: float = DEADLINE) -> None:
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"waited {deadline:g} s for {what}"
        await asyncio.sleep(0.01)


def running(engine: LocalEngine, name: str) -> SessionGuest:
    """A guest of the engine that runs."""
    from workbench.engine.session.guest import SessionGuest

    guest = engine.guest(name)
    assert isinstance(guest, SessionGuest), guest.snapshot
    return guest


def balloon_of(guest: SessionGuest) -> Balloon:
    assert guest.snapshot.balloon is not None
    return guest.snapshot.balloon


def reading_of(guest: SessionGuest) -> Reading:
    reading = balloon_of(guest).reading
    assert reading is not None
    return reading


async def settled(guest: SessionGuest, size: int) -> None:
    def there() -> bool:
        balloon = guest.snapshot.balloon
        return (
            balloon is not None
            and balloon.reading is not None
            and balloon.reading.target == balloon.reading.actual == size
            and balloon.verdict.state is State.SETTLED
        )

    await until(there, f"a balloon that settled at {size // MIB} MiB")


async def watched(engine: object, name: str) -> SessionGuest:
    guest = running(engine, name)  # type: ignore[arg-type]
    guest.watched = True
    guest.console(lambda _text: None)
    await until(lambda: guest.snapshot.balloon, "the first look")
    return guest


def available(guest: SessionGuest) -> int:
    stats = balloon_of(guest).stats
    return stats.available or 0 if stats else 0


def resident(guest: SessionGuest) -> int:
    host = balloon_of(guest).host
    assert host is not None
    return host.resident


def ledger_of(guest: SessionGuest) -> Ledger:
    ledger = balloon_of(guest).ledger
    assert ledger is not None
    return ledger
