"""What is read before the screen is drawn, so that its first picture is a whole one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.domain.devices.tree import DeviceTree
    from workbench.domain.host.snapshot import HostSnapshot
    from workbench.engine.base import Engine

T = TypeVar("T")

FIRST_LOOK = 0.2
"""Seconds that may be spent on reading what the first picture shows; what takes longer is shown when it comes."""


class FirstLook(Struct, frozen=True):
    """What is known before the first picture is drawn, so that it is a whole one."""

    name: str = ""
    """The guest to show."""
    tree: DeviceTree | None = None
    late_tree: asyncio.Future[DeviceTree] | None = None
    """Still being read while Textual builds the screen."""
    host: HostSnapshot | None = None


async def first_look(engine: Engine, choose: str) -> FirstLook:
    """Read what the first picture shows, as far as that is quick.

    :param choose: the guest to show; empty for the first one that runs.
    """
    guests = engine.guests()
    running = [guest.name for guest in guests if guest.phase.alive]
    name = choose or next(iter(running), "") or next((guest.name for guest in guests), "")
    tree = asyncio.ensure_future(engine.guest(name).devices.tree()) if name in running else None
    host = asyncio.ensure_future(engine.host())
    await asyncio.wait([task for task in (tree, host) if task is not None], timeout=FIRST_LOOK)
    # What is late is read again when the screen is there, and what does not answer is told there.
    if not host.done():
        host.cancel()
    late = tree if tree is not None and not tree.done() else None
    return FirstLook(name, _answer(tree), late, _answer(host))


def _answer(reading: asyncio.Future[T] | None) -> T | None:
    """What a reading gave, or nothing when it is not there yet or failed."""
    if reading is None or not reading.done() or reading.cancelled():
        return None
    error = reading.exception()
    if error is not None and not isinstance(error, WorkbenchError):
        raise error
    return None if error else reading.result()
