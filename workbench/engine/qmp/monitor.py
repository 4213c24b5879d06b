"""A QMP session on top of qemu.qmp, with deadlines, events and a record of all messages.

A QMP socket serves one client at a time; a second one connects but never gets a greeting (QEMU: chardev/char-socket.c
listens with a backlog of one). A connection that is accepted but silent is therefore held by another client or frozen.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import struct
import time
from typing import TYPE_CHECKING, cast

from qemu.qmp import QMPError, Runstate

from workbench.domain.qmp.record.record import Kind, Origin, Record
from workbench.engine.qmp.client import Client
from workbench.engine.qmp.protocol import COMMAND_DEADLINE
from workbench.errors import (
    CommandFailed,
    MonitorClosed,
    MonitorCrowded,
    MonitorError,
    MonitorSilent,
    MonitorTimeout,
    MonitorUnavailable,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

CONNECT_DEADLINE = 5.0
"""Seconds until a socket that accepts but stays silent counts as held or frozen."""
SUN_PATH_MAX = 107
"""Maximum length of a unix socket's path in bytes (unix(7): sun_path holds 108 with the final NUL)."""
ONE_CLIENT = "a monitor serves one client at a time: close the other client, or check whether QEMU is stopped"


class Monitor:
    """One connection to one QMP socket.

    >>> monitor = await Monitor.connect(path)                           # doctest: +SKIP
    >>> await monitor.execute("query-status")                           # doctest: +SKIP
    {'status': 'running', 'singlestep': False, 'running': True}
    """

    def __init__(self, path: Path, record: Record | None = None) -> None:
        self.path = path
        self.record = record if record is not None else Record()
        self._client = Client(self._on_event)
        self._event_listeners: list[Callable[[str, Mapping[str, object], float], None]] = []
        self._serial = 0
        self._closed_listeners: list[Callable[[], None]] = []
        self._closing = False
        self._closed = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, path: Path, record: Record | None = None, *, deadline: float = CONNECT_DEADLINE) -> Monitor:
        """Connect and negotiate.

        :raise MonitorUnavailable: when there is no socket, nothing is listening, or the peer does not speak QMP.
        :raise MonitorCrowded: when the socket's queue of waiting clients is full.
        :raise MonitorSilent: when the socket accepts but sends no greeting within ``deadline`` seconds.
        """
        monitor = cls(path, record)
        if len(os.fsencode(path)) > SUN_PATH_MAX:
            raise MonitorUnavailable(
                f"socket path too long ({len(os.fsencode(path))} bytes, at most {SUN_PATH_MAX}): {path}",
                hint="choose a shorter state directory with --state DIR or WORKBENCH_STATE",
            )
        try:
            async with asyncio.timeout(deadline):
                await monitor._client.connect(str(path))
        except TimeoutError as error:
            raise MonitorSilent(
                f"no greeting on {path.name}: QEMU is frozen, or another client holds this monitor",
                hint=ONE_CLIENT,
            ) from error
        except (QMPError, OSError, EOFError) as error:
            if _queue_is_full(error):
                raise MonitorCrowded(
                    f"too many clients waiting on {path.name}: QEMU is frozen, or another client holds this monitor",
                    hint=ONE_CLIENT,
                ) from error
            raise MonitorUnavailable(f"cannot connect to {path}: {_root_cause(error)}") from error
        monitor._client.read_directly()
        monitor._watcher = asyncio.create_task(monitor._watch(), name=f"monitor {path.name}")
        return monitor

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    async def wait_closed(self) -> None:
        """Wait until either side has closed the connection."""
        await self._closed.wait()

    @property
    def version(self) -> str:
        """QEMU's version from its greeting, such as ``7.2.22``, without a trailing ``(Debian …)``."""
        greeting = self._client.greeting
        if greeting is None:
            return ""
        version = cast("Mapping[str, Mapping[str, int]]", greeting.QMP.version).get("qemu", {})
        return ".".join(str(version.get(part, 0)) for part in ("major", "minor", "micro"))

    @property
    def package(self) -> str:
        """The package in its greeting, such as ``Debian 1:7.2+dfsg-7+deb12u18``; often empty."""
        greeting = self._client.greeting
        return str(greeting.QMP.version.get("package", "")) if greeting is not None else ""

    @property
    def peer_pid(self) -> int | None:
        """The process listening on the socket (SO_PEERCRED, unix(7)); None when it is not visible."""
        connection = self._client.socket
        if connection is None:
            return None
        pid, _uid, _gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return int(pid) or None

    async def execute(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        origin: Origin = Origin.USER,
        deadline: float = COMMAND_DEADLINE,
        oob: bool = False,
    ) -> object:
        """Run one command and return its result. Cancelling only stops the wait: a late reply still goes to the record.

        :param deadline: seconds until it counts as unanswered. QEMU may still run the command later.
        :param oob: run out of band: ahead of waiting commands and even while the main loop is busy
            (docs/interop/qmp-spec, "Out-of-band execution"). qemu.qmp negotiates this where it is offered; QEMU rejects
            commands that do not support it.
        :raise CommandFailed: when QEMU replies with an error.
        :raise MonitorTimeout: when it does not reply in time.
        :raise MonitorClosed: when the connection ends first.
        """
        if self.closed or self._client.runstate is not Runstate.RUNNING:
            raise MonitorClosed("the connection to QEMU has ended")
        self._serial += 1
        id_ = f"wb-{self._serial}"
        data = _message(command, arguments, id_, oob=oob)
        record = self.record
        record.add(time.time(), Kind.COMMAND, origin, command, arguments or {}, oob=oob)
        begun = time.perf_counter()
        try:
            reply = await self._client.request(data, id_, deadline)
        except asyncio.CancelledError:
            # The screen abandons its own queries whenever it shows something else: not worth a note.
            text = f"gave up waiting for {command} after {time.perf_counter() - begun:.1f} s"
            self._expect_late(id_, command, origin, begun, "" if origin is Origin.SCREEN else text)
            raise
        except TimeoutError as error:
            text = f"no reply to {command} within {deadline:g} s"
            self._expect_late(id_, command, origin, begun)
            record.add(time.time(), Kind.NOTE, origin, "", text)
            raise MonitorTimeout(
                text, hint="QEMU is frozen or busy; it may still run the command later", sent=command
            ) from error
        except QMPError as error:
            raise MonitorClosed(f"the connection to QEMU ended before the reply to {command}", sent=True) from error
        latency = time.perf_counter() - begun
        if "error" in reply:
            failure = reply["error"]
            record.add(time.time(), Kind.ERROR, origin, command, failure, latency)
            details = cast("Mapping[str, str]", failure) if isinstance(failure, dict) else {}
            raise CommandFailed(command, details.get("class", "GenericError"), details.get("desc", str(failure)))
        if "return" not in reply:
            raise MonitorError(f"{command}: invalid reply, neither a return value nor an error")
        value = reply["return"]
        record.add(time.time(), Kind.REPLY, origin, command, value, latency)
        return value

    def _expect_late(self, id_: str, command: str, origin: Origin, begun: float, note: str = "") -> None:
        """Record the reply to an abandoned command when it comes, and add a note now."""
        record = self.record
        if note:
            record.add(time.time(), Kind.NOTE, origin, "", note)

        def came(reply: Mapping[str, object]) -> None:
            if origin is not Origin.SCREEN:
                record.add(time.time(), Kind.NOTE, origin, "", f"late reply to {command}")
            kind = Kind.ERROR if "error" in reply else Kind.REPLY
            value = reply.get("error", reply.get("return"))
            record.add(time.time(), kind, origin, command, value, time.perf_counter() - begun)

        self._client.late[id_] = came

    async def hmp(self, line: str, *, origin: Origin = Origin.USER, deadline: float = COMMAND_DEADLINE) -> str:
        """Run one HMP command line and return its output."""
        text = await self.execute("human-monitor-command", {"command-line": line}, origin=origin, deadline=deadline)
        return str(text)

    def on_event(self, listener: Callable[[str, Mapping[str, object], float], None]) -> None:
        """Call ``listener(name, data, unix_time)`` for each event."""
        self._event_listeners.append(listener)

    def on_closed(self, listener: Callable[[], None]) -> None:
        """Call ``listener()`` once either side has closed the connection."""
        self._closed_listeners.append(listener)

    async def close(self) -> None:
        """Close the connection, even if QEMU is frozen. The guest is not affected."""
        self._closing = True
        self._client.drop()
        if self._watcher is not None:
            await asyncio.wait({self._watcher})  # it may have been cancelled: a loop that ends cancels all tasks
        self._end()

    def _end(self) -> None:
        if not self._closed.is_set():
            self._closed.set()
            for listener in self._closed_listeners:
                listener()

    def _on_event(self, message: Mapping[str, object]) -> None:
        name = str(message["event"])
        data = message.get("data")
        payload = cast("Mapping[str, object]", data) if isinstance(data, dict) else {}
        stamp = message.get("timestamp")
        when = time.time()
        if isinstance(stamp, dict) and isinstance(stamp.get("seconds"), int) and stamp["seconds"] >= 0:
            when = stamp["seconds"] + float(stamp.get("microseconds", 0)) / 1e6
        self.record.add(when, Kind.EVENT, Origin.SCREEN, name, payload)
        for listener in tuple(self._event_listeners):
            listener(name, payload, when)

    async def _watch(self) -> None:
        """Wait for the end of the connection, record qemu.qmp's reason for it, and notify the listeners."""
        client = self._client
        while client.runstate is Runstate.RUNNING:
            await client.runstate_changed()
        reason = "connection closed"
        try:
            await client.disconnect()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            # The second and third occur when data was still unsent.
            if not self._closing:
                reason = "QEMU closed the connection" + (" in the middle of a message" if client.cut_short else "")
        except Exception as error:  # noqa: BLE001  any error that the peer's bytes cause in qemu.qmp's reader
            reason = f"QMP connection failed: {_root_cause(error)}"
        self.record.add(time.time(), Kind.NOTE, Origin.SCREEN, "", reason)
        self._end()


def _message(command: str, arguments: Mapping[str, object] | None, id_: str, *, oob: bool = False) -> bytes:
    """A command encoded for sending."""
    body: dict[str, object] = {"exec-oob" if oob else "execute": command, "id": id_}
    if arguments:
        body["arguments"] = arguments
    try:
        return json.dumps(body, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{command}: cannot encode the arguments as JSON: {error}") from error


def _queue_is_full(error: BaseException) -> bool:
    """Whether a connection failed because the listener's queue is full.

    connect(2) fails with EAGAIN; asyncio treats that as "in progress", and the first use of the socket fails instead.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    return isinstance(error, OSError) and error.errno in (errno.EAGAIN, errno.EINVAL, errno.ENOTCONN)


def _root_cause(error: BaseException) -> str:
    """The innermost reason in words, without the bytes that a parser rejected."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, ConnectionRefusedError):
        return "nothing is listening"
    if isinstance(error, FileNotFoundError):
        return "no such socket"
    if isinstance(error, EOFError):
        return "closed by the peer before a greeting"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error).splitlines()[0] if str(error) else type(error).__name__
