"""What a guest needs from where it lives. Everything else is written once, against these protocols.

======== ============================================ ======================================
Protocol What it gives                                Guests started by the workbench
======== ============================================ ======================================
Monitors connections to QEMU, events, version         own QMP sockets
Process  run id, alive, how it ended                  pid file, /proc, exit record
HostLook resident memory and its backing              /proc
Console  bytes in and out, scrollback                 serial.sock and its log
Power    pause, resume, reset, power button, kill     QMP, signals
Store    where its history, marks and targets are     its state directory
Source   what defines it                              its TOML profile
======== ============================================ ======================================

Each says with a :class:`Capability` what it cannot do and why; the session passes that reason on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from workbench.engine.balloon.host_look import HostLook
from workbench.engine.qmp.protocol import Monitor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workbench.domain.guest.lifecycle import Silence
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.domain.qmp.record.record import Record
    from workbench.engine.balloon.place import Place
    from workbench.engine.state.directory import Ended, Running

__all__ = ["Capability", "Console", "HostLook", "Monitor", "Monitors", "Parts", "Power", "Process", "Source", "Store"]


class Capability(Struct, frozen=True):
    """Whether something can be done to a guest, and if not, why."""

    why_not: str = ""
    """Empty if it can be done."""

    def __bool__(self) -> bool:
        return not self.why_not


CAN = Capability()


class Monitors(Protocol):
    """Opens connections to a guest's QEMU."""

    @property
    def user(self) -> str:
        """The QMP socket reserved for the user's own tools; empty if there is none."""

    async def connect(self, record: Record, *, deadline: float) -> Monitor:
        """Open the connection that the session reads and changes the guest with.

        :param record: gets all messages on it.
        :param deadline: seconds until a monitor that accepts and sends no greeting counts as occupied.
        :raise workbench.errors.MonitorUnavailable: if it cannot be reached.
        :raise workbench.errors.MonitorSilent: if it sends no greeting in time.
        """

    async def connect_for_events(self) -> Monitor:
        """Open a connection that is only listened to, for as long as the caller likes.

        :raise workbench.errors.MonitorError: as for :meth:`connect`.
        """


class Process(Protocol):
    """The guest's QEMU process."""

    @property
    def run(self) -> str:
        """Identifies this run: differs after every restart."""

    @property
    def pid(self) -> int: ...

    @property
    def alive(self) -> bool: ...

    @property
    def stopped(self) -> bool:
        """Whether it is stopped by a signal or a debugger, so that it answers nothing."""

    def silence(self) -> tuple[Silence, str]:
        """Why it does not answer now, and that in words with what to do."""

    async def end(self) -> Ended:
        """How it ended, once it is gone; cleans up after it."""


class Console(Protocol):
    """The guest's serial console."""

    @property
    def can_type(self) -> Capability: ...

    def listen(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Pass the scrollback to ``listener``, then output as it comes. Call the returned function to stop."""

    async def type(self, text: str) -> None:
        """Send text to the guest.

        :raise workbench.errors.MonitorUnavailable: if the console cannot be reached.
        """

    async def close(self) -> None: ...


class Power(Protocol):
    """Changes the guest's run state. ``monitor`` is the session's own connection."""

    @property
    def can_kill(self) -> Capability: ...

    async def pause(self, monitor: Monitor) -> None: ...

    async def resume(self, monitor: Monitor) -> None: ...

    async def reset(self, monitor: Monitor) -> None: ...

    async def power_down(self, monitor: Monitor) -> None:
        """Press the ACPI power button. The guest may ignore it."""

    def kill(self) -> None:
        """End QEMU at once, even if it is frozen."""


class Store(Protocol):
    """Where the workbench keeps what it knows of this run: target, marks, history, ramp, guard."""

    @property
    def place(self) -> Place:
        """Its directory, and what is known of the run without asking QEMU."""

    @property
    def can_write(self) -> Capability: ...


class Source(Protocol):
    """What defines the guest."""

    @property
    def path(self) -> str:
        """The profile's file; empty if it has none."""

    def describe(self, snapshot: GuestSnapshot) -> GuestSnapshot:
        """Add what it says of the guest as it was started: description, cautions, floor, ramp, guard, presets."""

    @property
    def can_keep(self) -> Capability:
        """Whether a hot-plugged device can be added to it."""

    def device_lines(self) -> Mapping[str, str]:
        """For each device id the place that defines it, such as ``demo.toml:14``."""


class Parts(Protocol):
    """Everything of one run of a guest that depends on where it lives."""

    @property
    def name(self) -> str: ...

    @property
    def facts(self) -> Running:
        """What was known when it started: directory, pid, RAM, times."""

    @property
    def monitors(self) -> Monitors: ...

    @property
    def process(self) -> Process: ...

    @property
    def console(self) -> Console: ...

    @property
    def power(self) -> Power: ...

    @property
    def store(self) -> Store: ...

    @property
    def source(self) -> Source: ...

    def host_look(self) -> HostLook:
        """A new look at what the host holds of the guest's RAM: one for each connection."""
