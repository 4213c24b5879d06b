"""A QMP session: qemu.qmp underneath, with deadlines, events and a record of everything that passes.

A QMP socket serves one client at a time; a second one connects and never gets a greeting (QEMU: chardev/char-socket.c
listens with one place). So a connection that is accepted and stays silent means "held by another client" or "frozen".
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from qemu.qmp import ExecInterruptedError, QMPClient, QMPError
from qemu.qmp.message import Message as QmpMessage

from workbench.domain.traffic import Kind, Origin, Record
from workbench.errors import CommandFailed, MonitorClosed, MonitorTimeout, MonitorUnavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

CONNECT_DEADLINE = 5.0
"""Seconds until a socket that accepts and stays silent counts as held or frozen."""
COMMAND_DEADLINE = 5.0
"""Seconds until a command counts as unanswered. QEMU answers in under a millisecond unless it is frozen or busy."""
SUN_PATH_MAX = 107
"""Bytes of a unix socket's path (unix(7): sun_path holds 108 with the final NUL)."""

# qemu.qmp logs what it also raises; the user hears of it once, from us.
logging.getLogger("qemu.qmp").addHandler(logging.NullHandler())
logging.getLogger("qemu.qmp").propagate = False


class _Client(QMPClient):
    """qemu.qmp's client, with its two documented hooks for what passes; the base class renders every message for a log."""

    def __init__(self, received: Callable[[Mapping[str, object]], None]) -> None:
        super().__init__("workbench")
        self._received = received

    def _cb_outbound(self, msg: QmpMessage) -> QmpMessage:
        return msg

    def _cb_inbound(self, msg: QmpMessage) -> QmpMessage:
        if "event" in msg:
            self._received(msg)
        return msg

    async def _event_dispatch(self, msg: QmpMessage) -> None:
        """Events went to ``received`` already; qemu.qmp's own listeners would keep every one of them in a queue."""


class Monitor:
    """One connection to one QMP socket.

    >>> monitor = await Monitor.connect(path)                           # doctest: +SKIP
    >>> await monitor.execute("query-status")                           # doctest: +SKIP
    {'status': 'running', 'singlestep': False, 'running': True}
    """

    def __init__(self, path: Path, record: Record | None = None) -> None:
        self.path = path
        self.record = record if record is not None else Record()
        self._client = _Client(self._on_event)
        self._event_listeners: list[Callable[[str, Mapping[str, object], float], None]] = []
        self._closed = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, path: Path, record: Record | None = None, *, deadline: float = CONNECT_DEADLINE) -> Monitor:
        """Connect and negotiate.

        :raise MonitorUnavailable: when there is no socket, nobody listens, the talk is not QMP, or another client holds it.
        :raise MonitorTimeout: when the socket accepts and nothing comes within ``deadline`` seconds.
        """
        monitor = cls(path, record)
        if len(os.fsencode(path)) > SUN_PATH_MAX:
            raise MonitorUnavailable(
                f"the socket's path has {len(os.fsencode(path))} bytes and can have {SUN_PATH_MAX}: {path}",
                hint="name a shorter state directory with --state DIR or WORKBENCH_STATE",
            )
        try:
            async with asyncio.timeout(deadline):
                await monitor._client.connect(str(path))
        except TimeoutError as error:
            raise MonitorTimeout(
                f"{path.name} accepts and says nothing: QEMU is frozen, or another client holds this monitor",
                hint="one client at a time: close the other one, or see whether QEMU's process is stopped",
            ) from error
        except (QMPError, OSError, EOFError) as error:
            raise MonitorUnavailable(f"no QMP at {path}: {_root_cause(error)}") from error
        monitor._watcher = asyncio.create_task(monitor._watch(), name=f"monitor {path.name}")
        return monitor

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    async def wait_closed(self) -> None:
        """Return when the connection has ended, from either side."""
        await self._closed.wait()

    @property
    def version(self) -> str:
        """QEMU's version from its greeting, such as ``7.2.22``; a trailing ``(Debian …)`` is left out."""
        greeting = self._client.greeting
        if greeting is None:
            return ""
        version = cast("Mapping[str, Mapping[str, int]]", greeting.QMP.version).get("qemu", {})
        return ".".join(str(version.get(part, 0)) for part in ("major", "minor", "micro"))

    async def execute(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        origin: Origin = Origin.USER,
        deadline: float = COMMAND_DEADLINE,
    ) -> object:
        """Run one command and give its return value.

        :param deadline: seconds until it counts as unanswered. The command may still be carried out later.
        :raise CommandFailed: when QEMU answers with an error.
        :raise MonitorTimeout: when it does not answer in time.
        :raise MonitorClosed: when the connection ends first.
        """
        if self.closed:
            raise MonitorClosed("the connection to QEMU has ended")
        record = self.record
        record.add(time.time(), Kind.COMMAND, origin, command, arguments or {})
        begun = time.perf_counter()
        body: dict[str, object] = {"execute": command}
        if arguments:
            body["arguments"] = arguments
        message = QmpMessage(body, eager=False)
        try:
            async with asyncio.timeout(deadline):
                # _execute and not execute(): that one copies the message, serializes it again and builds models.
                reply = await self._client._execute(message)
        except TimeoutError as error:
            text = f"no answer to {command} within {deadline:g} s"
            record.add(time.time(), Kind.NOTE, origin, "", text)
            raise MonitorTimeout(
                text, hint="QEMU is frozen or busy; the command may still be carried out when it wakes"
            ) from error
        except (QMPError, OSError, EOFError, asyncio.InvalidStateError) as error:
            raise MonitorClosed(f"the connection to QEMU ended before it answered {command}") from error
        except (TypeError, ValueError) as error:
            raise UsageError(f"{command}: not something that JSON can carry: {error}") from error
        latency = time.perf_counter() - begun
        if "error" in reply:
            failure = reply["error"]
            record.add(time.time(), Kind.ERROR, origin, command, failure, latency)
            details = cast("Mapping[str, str]", failure) if isinstance(failure, dict) else {}
            raise CommandFailed(command, details.get("class", "GenericError"), details.get("desc", str(failure)))
        value = reply.get("return")
        record.add(time.time(), Kind.REPLY, origin, command, value, latency)
        return value

    async def hmp(self, line: str, *, origin: Origin = Origin.USER, deadline: float = COMMAND_DEADLINE) -> str:
        """Run one HMP command line and give what it printed."""
        text = await self.execute("human-monitor-command", {"command-line": line}, origin=origin, deadline=deadline)
        return str(text)

    def on_event(self, listener: Callable[[str, Mapping[str, object], float], None]) -> None:
        """Call ``listener(name, data, unix_time)`` for each event."""
        self._event_listeners.append(listener)

    async def close(self) -> None:
        """End the connection. The guest is not affected."""
        # The reason for the end (EOF, reset) was kept by the watcher; here nobody asks any more.
        with suppress(QMPError, OSError, EOFError):
            async with asyncio.timeout(1.0):
                await self._client.disconnect()
        if self._watcher is not None:
            self._watcher.cancel()
            with suppress(asyncio.CancelledError):
                await self._watcher
        self._closed.set()

    def _on_event(self, message: Mapping[str, object]) -> None:
        name = str(message["event"])
        data = message.get("data")
        payload = cast("Mapping[str, object]", data) if isinstance(data, dict) else {}
        stamp = message.get("timestamp")
        when = time.time()
        if isinstance(stamp, dict) and stamp.get("seconds", -1) >= 0:
            when = stamp["seconds"] + stamp.get("microseconds", 0) / 1e6
        self.record.add(when, Kind.EVENT, Origin.SCREEN, name, payload)
        for listener in tuple(self._event_listeners):
            listener(name, payload, when)

    async def _watch(self) -> None:
        """Notice the end of the connection, fetch qemu.qmp's reason for it, and tell the waiters."""
        from qemu.qmp.protocol import Runstate

        client = self._client
        while client.runstate is Runstate.RUNNING:
            await client.runstate_changed()
        reason = ""
        try:
            await client.disconnect()
        except EOFError:
            reason = "QEMU closed the connection"
        except (QMPError, OSError) as error:
            reason = str(_root_cause(error))
        self._closed.set()
        self.record.add(time.time(), Kind.NOTE, Origin.SCREEN, "", reason or "connection closed")


def _root_cause(error: BaseException) -> str:
    """The innermost reason, in words, without the bytes that a parser choked on."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens"
    if isinstance(error, FileNotFoundError):
        return "there is no such socket"
    if isinstance(error, EOFError):
        return "the other side closed at once"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error).splitlines()[0] if str(error) else type(error).__name__
