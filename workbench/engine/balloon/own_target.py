"""Records a target that the user typed as a QMP command as this workbench's own."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from workbench.domain.qmp.record.record import Origin
from workbench.engine.balloon.probe import BalloonProbe
from workbench.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.engine.qmp.monitor import Monitor
    from workbench.engine.state.directory import Running


def own_target(
    probe: BalloonProbe | None, command: str, arguments: Mapping[str, object]
) -> AbstractContextManager[None]:
    """Wrap a command; if it is ``balloon``, record its target as sent by this workbench."""
    size = _target_in(command, arguments)
    if size is None or probe is None or not probe.present:
        return nullcontext()
    return probe.own_target(size)


async def probe_for(
    monitor: Monitor, running: Running, command: str, arguments: Mapping[str, object]
) -> BalloonProbe | None:
    """A probe that has read the state before the command, if that sets a target; None for any other command."""
    if _target_in(command, arguments) is None:
        return None
    probe = BalloonProbe(monitor, running, origin=Origin.USER)
    try:
        await probe.open()
        await probe.read()
        await probe.stats()
    except CommandFailed:
        return None  # QEMU's error for the command itself is more useful
    return probe


def _target_in(command: str, arguments: Mapping[str, object]) -> int | None:
    """Bytes that a command asks for as the balloon's target; None when it does not."""
    size = arguments.get("value")
    return size if command == "balloon" and type(size) is int else None
