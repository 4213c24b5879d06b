"""What the engine asks of a connection to QEMU; :class:`workbench.engine.qmp.monitor.Monitor` is one over a QMP socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from workbench.domain.qmp.record.record import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workbench.domain.qmp.record.record import Record

COMMAND_DEADLINE = 5.0
"""Seconds until a command counts as unanswered. QEMU replies in under a millisecond unless it is frozen or busy."""


class Monitor(Protocol):
    """One connection to one QEMU: commands, events, version."""

    record: Record
    """All its messages."""

    @property
    def version(self) -> str:
        """QEMU's version, such as ``7.2.22``; empty if not known."""

    @property
    def package(self) -> str:
        """The distribution's package, such as ``Debian 1:7.2+dfsg-7+deb12u18``; often empty."""

    @property
    def peer_pid(self) -> int | None:
        """The process at the other end; None when it is not visible."""

    @property
    def closed(self) -> bool: ...

    async def execute(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        origin: Origin = Origin.USER,
        deadline: float = COMMAND_DEADLINE,
        oob: bool = False,
    ) -> object:
        """Run one command and return its result. Cancelling only stops the wait.

        :raise workbench.errors.CommandFailed: when QEMU replies with an error.
        :raise workbench.errors.MonitorTimeout: when it does not reply within ``deadline`` seconds.
        :raise workbench.errors.MonitorClosed: when the connection ends first.
        """

    def on_event(self, listener: Callable[[str, Mapping[str, object], float], None]) -> None:
        """Call ``listener(name, data, unix_time)`` for each event."""

    def on_closed(self, listener: Callable[[], None]) -> None:
        """Call ``listener()`` once either side has closed the connection."""

    async def wait_closed(self) -> None:
        """Wait until either side has closed the connection."""

    async def close(self) -> None:
        """Close the connection, even if QEMU is frozen. The guest is not affected."""
