"""The guest's serial console: scrollback from the log, output from the socket, and input to it.

A connected client that does not read stalls the guest's console, so once connected all output is read, shown or not.
"""

from __future__ import annotations

import asyncio
import codecs
from contextlib import suppress
from typing import TYPE_CHECKING

from workbench.engine.session.protocols import CAN
from workbench.engine.state.directory import read_tail
from workbench.errors import MonitorUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCROLLBACK = 256 * 1024
"""Bytes of the log that a new listener receives first."""
REACH = 2.0
"""Seconds that input waits for the connection."""


class Console:
    """One guest's serial console. Connected while it has listeners."""

    can_type = CAN

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._listeners: list[Callable[[str], None]] = []
        self._reader: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._connected = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether input reaches the guest."""
        return self._writer is not None

    def listen(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Send the scrollback now, then output as it comes; returns a function that ends this."""
        scrollback = read_tail(self._directory / "serial.log", SCROLLBACK)
        if scrollback:
            listener(scrollback)
        self._listeners.append(listener)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read(), name=f"console {self._directory.name}")

        def forget() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)
            if not self._listeners and self._reader is not None:
                self._reader.cancel()
                self._reader = None  # the next listener needs a new one, and may come before this one has ended

        return forget

    async def type(self, text: str) -> None:
        """Send text to the guest.

        :raise MonitorUnavailable: if the console's socket cannot be reached.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(REACH):
                await self._connected.wait()
        if self._writer is None:
            raise MonitorUnavailable(
                "cannot connect to the serial console",
                hint="another program may hold serial.sock, which serves one client at a time",
            )
        self._writer.write(text.encode())
        with suppress(ConnectionError):
            await self._writer.drain()

    async def close(self) -> None:
        self._listeners.clear()
        if self._reader is not None:
            self._reader.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await self._reader

    async def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._directory / "serial.sock"))
        except OSError as error:
            self._emit(f"\n[cannot connect to the serial console: {error.strerror}]\n")
            return
        self._writer = writer
        self._connected.set()
        try:
            while data := await reader.read(65536):
                self._emit(decoder.decode(data))
        except OSError:
            pass  # QEMU ended; the guest's driver reports how
        finally:
            writer.close()
            if self._writer is writer:
                self._connected.clear()
                self._writer = None

    def _emit(self, text: str) -> None:
        for listener in tuple(self._listeners):
            listener(text)
