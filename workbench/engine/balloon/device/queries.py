"""The questions that the balloon's readings put to QEMU."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.qmp.record.record import Origin
    from workbench.engine.qmp.protocol import Monitor


class Queries:
    """Sends them over one monitor, with one deadline, and counts them."""

    def __init__(self, monitor: Monitor, *, origin: Origin, deadline: float) -> None:
        """:param deadline: seconds until one of them counts as unanswered."""
        self._monitor = monitor
        self._origin = origin
        self._deadline = deadline
        self.sent = 0
        """Commands sent since this was last set to 0."""

    @property
    def version(self) -> str:
        """QEMU's version."""
        return self._monitor.version

    async def execute(self, command: str, arguments: Mapping[str, object] | None = None) -> object:
        """:raise MonitorError: if QEMU does not answer, or refuses."""
        self.sent += 1
        return await self._monitor.execute(command, arguments, origin=self._origin, deadline=self._deadline)
