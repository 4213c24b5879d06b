"""QEMU's balloon trace events, enabled while a client watches, and QEMU's trace log, read from its end.

Each watcher holds a shared lock (flock(2)) on ``trace.lookers`` in the guest's directory; the kernel releases it if the
process is killed. The file lists the events that were enabled, so that the last watcher to leave disables them again, or
the next workbench if none could::

    begin   shared lock ─► ask which events are off ─► write their names ─► enable them
    end     unlock ─► exclusive lock, if no one else watches ─► disable the listed ones ─► empty the file
    sweep   file not empty ─► exclusive lock, if no one watches ─► disable the listed ones ─► empty the file
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, cast

import psutil

from workbench.domain.balloon.path.trace_log import EVENTS, HMP_EVENTS, THREADLESS
from workbench.domain.qmp.record.record import Origin
from workbench.domain.versions import version_of
from workbench.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workbench.engine.balloon.place import Place
    from workbench.engine.qmp.protocol import Monitor

LOG = "trace.log"
LOOKERS = "trace.lookers"
DEADLINE = 1.0
"""Seconds that QEMU may take for each of these commands."""
LOCK_PATIENCE = 5.0
"""Seconds to wait for another process that is disabling the events."""
CHUNK = 1 << 18
"""Bytes of the log to read at once."""
LONGEST_LINE = 1 << 16

NO_LOG = "QEMU was started without a trace log (-D)"
NO_EVENTS = "this QEMU was built without trace events"
LOG_GONE = "QEMU's trace log was removed or replaced"
SWITCHED_OFF = "another client disabled QEMU's trace events"


class TraceEvents:
    """The trace events of one guest, as one watcher controls them."""

    def __init__(self, monitor: Monitor, place: Place) -> None:
        self._monitor = monitor
        self._place = place
        self._path = place.directory / LOOKERS
        self._handle: int | None = None

    async def begin(self) -> str:
        """Enable the events that are off; return why nothing can be traced, or an empty string.

        :raise MonitorError: if QEMU does not answer.
        """
        if why := log_trouble(self._place):
            return why
        try:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            return f"cannot write to the guest's directory: {error.strerror}"
        await self._share()
        states = await self._states()
        if not set(EVENTS) & set(states):
            return NO_EVENTS
        off = [name for name, state in states.items() if state == "disabled"]
        # Written first: a workbench that is killed in between leaves an extra name, which does no harm.
        self._note({*_noted(self._handle), *off})
        for name in off:
            await self._switch(name, on=True)
        return ""

    async def trouble(self) -> str:
        """Why nothing can be traced any more, or an empty string.

        :raise MonitorError: if QEMU does not answer.
        """
        if why := log_trouble(self._place):
            return why
        return SWITCHED_OFF if "disabled" in (await self._states()).values() else ""

    async def end(self) -> None:
        """Stop watching; the last watcher disables the events that were enabled.

        :raise MonitorError: if QEMU does not answer; then the next workbench does it.
        """
        if self._handle is None:
            return
        try:
            # Unlock first: of two that leave at the same time, one must be able to be the last.
            fcntl.flock(self._handle, fcntl.LOCK_UN)
            await self._switch_off()
        finally:
            os.close(self._handle)
            self._handle = None

    async def sweep(self) -> None:
        """Disable the events that a killed workbench left enabled.

        :raise MonitorError: if QEMU does not answer.
        """
        try:
            if not self._path.stat().st_size:
                return
            self._handle = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return  # the guest was never watched
        await self.end()

    async def _switch_off(self) -> None:
        assert self._handle is not None
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another client watches
        names = _noted(self._handle)
        known = await self._states() if names else {}
        for name in names:
            if known.get(name) == "enabled":
                await self._switch(name, on=False)
        self._note(set())

    async def _share(self) -> None:
        assert self._handle is not None
        deadline = time.monotonic() + LOCK_PATIENCE
        while True:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise MonitorError("another process holds the lock on this guest's trace events") from None
                await asyncio.sleep(0.01)
            else:
                return

    async def _states(self) -> Mapping[str, str]:
        """The state of each wanted event that this QEMU has."""
        wanted = [*EVENTS, *(HMP_EVENTS if version_of(self._monitor.version) >= THREADLESS else ())]
        found: dict[str, str] = {}
        # Patterns, since QEMU rejects unknown names (trace/qmp.c, check_events()).
        for pattern in ("balloon_*", "virtio_balloon_*", "qmp_e*_human_monitor_command"):
            reply = await self._execute("trace-event-get-state", {"name": pattern})
            for event in cast("list[Mapping[str, str]]", reply):
                found[event["name"]] = event["state"]
        return {name: found[name] for name in wanted if name in found and found[name] != "unavailable"}

    async def _switch(self, name: str, *, on: bool) -> None:
        await self._execute("trace-event-set-state", {"name": name, "enable": on})

    async def _execute(self, command: str, arguments: Mapping[str, object]) -> object:
        return await self._monitor.execute(command, arguments, origin=Origin.SCREEN, deadline=DEADLINE)

    def _note(self, names: set[str]) -> None:
        assert self._handle is not None
        text = "".join(f"{name}\n" for name in sorted(names)).encode()
        os.pwrite(self._handle, text, 0)
        os.ftruncate(self._handle, len(text))


def _noted(handle: int) -> list[str]:
    """The event names in the file."""
    words = os.pread(handle, 4096, 0).decode(errors="replace").split()
    return [word for word in words if word in (*EVENTS, *HMP_EVENTS)]


def log_trouble(place: Place) -> str:
    """Why QEMU does not log to this guest's ``trace.log`` (``-D``); empty if it does."""
    with suppress(psutil.Error):
        argv = psutil.Process(place.pid).cmdline()
        if any(option == "-D" and _is_log(Path(value), place.directory) for option, value in pairwise(argv)):
            return LOG_GONE if _is_gone(place) else ""
    return NO_LOG


def _is_gone(place: Place) -> bool:
    """Whether QEMU's open log was unlinked (proc_pid_fd(5)); QEMU may not have opened it yet."""
    gone = f"{(place.directory / LOG).resolve()} (deleted)"
    with suppress(OSError):  # owned by another user: unknown
        return any(os.readlink(open_file) == gone for open_file in Path(f"/proc/{place.pid}/fd").iterdir())
    return False


def _is_log(written: Path, directory: Path) -> bool:
    """Whether a path on a command line is this guest's trace log, however it is spelled. The file need not exist yet."""
    try:
        return written.name == LOG and written.parent.samefile(directory)
    except OSError:
        return False


class TraceLog:
    """QEMU's trace log from its end when watching began; only new lines are read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun = b""
        """An incomplete last line."""
        try:
            self._at = path.stat().st_size
        except OSError:
            self._at = 0

    def lines(self) -> Iterator[str]:
        """Lines written since the last call; none if the log cannot be read."""
        try:
            size = self._path.stat().st_size
            if size < self._at:  # it was truncated
                self._at, self._begun = 0, b""
            if size == self._at:
                return
            with self._path.open("rb") as file:
                file.seek(self._at)
                while data := file.read(CHUNK):
                    self._at += len(data)
                    *whole, self._begun = (self._begun + data).split(b"\n")
                    for line in whole:
                        yield line.decode(errors="replace")
                    self._begun = self._begun[-LONGEST_LINE:]
        except OSError:
            return
