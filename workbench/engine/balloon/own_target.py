"""Records a target that the user typed as a QMP command as this workbench's own."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.engine.balloon.probe import BalloonProbe


def own_target(
    probe: BalloonProbe | None, command: str, arguments: Mapping[str, object]
) -> AbstractContextManager[None]:
    """Wrap a command; if it is ``balloon``, record its target as sent by this workbench."""
    size = _target_in(command, arguments)
    if size is None or probe is None or not probe.present:
        return nullcontext()
    return probe.changes.sending(size)


def asks_for_target(command: str, arguments: Mapping[str, object]) -> bool:
    """Whether a command sets the balloon's target."""
    return _target_in(command, arguments) is not None


def _target_in(command: str, arguments: Mapping[str, object]) -> int | None:
    """Bytes that a command asks for as the balloon's target; None when it does not."""
    size = arguments.get("value")
    return size if command == "balloon" and type(size) is int else None
