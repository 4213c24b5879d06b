"""Reads what the first frame shows before it is drawn, so that the frame is complete."""

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

PATIENCE = 0.2
"""Seconds to read what the first frame shows; what takes longer is shown when it arrives."""


class FirstData(Struct, frozen=True):
    """What is known before the first frame is drawn."""

    name: str = ""
    """The guest to show."""
    tree: DeviceTree | None = None
    late_tree: asyncio.Future[DeviceTree] | None = None
    """Still being read while Textual builds the screen."""
    host: HostSnapshot | None = None


async def read_first_data(engine: Engine, choose: str) -> FirstData:
    """Read what the first frame shows, as far as that is quick.

    :param choose: the guest to show; empty for the first running one.
    """
    guests = engine.guests()
    running = [guest.name for guest in guests if guest.phase.alive]
    name = choose or next(iter(running), "") or next((guest.name for guest in guests), "")
    tree = asyncio.ensure_future(engine.guest(name).devices.tree()) if name in running else None
    host = asyncio.ensure_future(engine.host())
    await asyncio.wait([task for task in (tree, host) if task is not None], timeout=PATIENCE)
    # The screen reads again what is late, and shows errors.
    if not host.done():
        host.cancel()
    late = tree if tree is not None and not tree.done() else None
    return FirstData(name, _result(tree), late, _result(host))


def _result(reading: asyncio.Future[T] | None) -> T | None:
    """The result of a read; None when it is not done or has failed."""
    if reading is None or not reading.done() or reading.cancelled():
        return None
    error = reading.exception()
    if error is not None and not isinstance(error, WorkbenchError):
        raise error
    return None if error else reading.result()
