"""qemu.qmp's client, made quick: requests and their replies, also the late ones, without its queues and tasks."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import msgspec
from qemu.qmp import ExecInterruptedError, QMPClient

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from qemu.qmp.message import Message as QmpMessage

LONGEST_REPLY = 256 << 20
"""Bytes of the longest message that is read; with qemu.qmp's own limit of 10 MiB a longer reply ends the session."""

# qemu.qmp logs what it also raises; the user hears of it once, from us.
logging.getLogger("qemu.qmp").addHandler(logging.NullHandler())
logging.getLogger("qemu.qmp").propagate = False


class Client(QMPClient):
    """qemu.qmp's client with its documented hooks for what passes; the base class renders every message for a log."""

    def __init__(self, received: Callable[[Mapping[str, object]], None]) -> None:
        super().__init__("workbench", readbuflen=LONGEST_REPLY)
        self._received = received
        self._waiting: dict[object, asyncio.Future[Mapping[str, object]]] = {}
        self.late: dict[object, Callable[[Mapping[str, object]], None]] = {}
        """Who hears of the reply to a command that nobody waits for any more."""
        self._lines: _Lines | None = None

    def _cb_outbound(self, msg: QmpMessage) -> QmpMessage:
        return msg

    def _cb_inbound(self, msg: QmpMessage) -> QmpMessage:
        if "event" in msg:
            self._received(msg)
        return msg

    def read_directly(self) -> None:
        """From now on take replies and events from the transport as they come, once the session stands.

        qemu.qmp's reader is a task of its own behind a stream: a turn of the loop more for each message. It gets what
        is neither a reply that somebody waits for nor an event, and so keeps its say in everything that is wrong.
        """
        assert self._writer is not None
        transport = self._writer.transport
        protocol = transport.get_protocol()
        assert isinstance(protocol, asyncio.StreamReaderProtocol)
        self._lines = _Lines(protocol, self._take)
        transport.set_protocol(self._lines)

    def _take(self, line: bytes) -> bool:
        """Whether a line was a reply that somebody waits for, or an event, and was given to whom it is for."""
        try:
            message = msgspec.json.decode(line)
            if "event" in message:
                self._received(message)
                return True
            if message["id"] in self.late:
                self.late.pop(message["id"])(message)
                return True
            future = self._waiting[message["id"]]
        except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError):
            return False
        if not future.done():
            future.set_result(message)
        return True

    async def request(self, data: bytes, id_: str, deadline: float) -> Mapping[str, object]:
        """Send a message and wait for the reply that has its id.

        ``execute()`` sends from a task of its own and passes message and reply through queues: half the time of a
        round trip.

        :raise TimeoutError: when no reply comes within ``deadline`` seconds.
        :raise ExecInterruptedError: when the connection ends first.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Mapping[str, object]] = loop.create_future()
        self._waiting[id_] = future
        timer = loop.call_later(deadline, _expire, future)
        try:
            assert self._writer is not None
            self._writer.write(data)
            return await future
        finally:
            timer.cancel()
            del self._waiting[id_]

    async def _on_message(self, msg: QmpMessage) -> None:
        if "event" not in msg:  # events went to ``received`` already; qemu.qmp's listeners would keep them in a queue
            await super()._on_message(msg)

    async def _bh_disconnect(self) -> None:
        try:
            await super()._bh_disconnect()
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(ExecInterruptedError("Disconnected"))

    @property
    def socket(self) -> socket.socket | None:
        """The connection's socket while there is one."""
        return self._writer.get_extra_info("socket") if self._writer is not None else None

    @property
    def cut_short(self) -> bool:
        """Whether the other side closed the connection in the middle of a message."""
        return self._lines is not None and self._lines.cut_short

    def drop(self) -> None:
        """End the connection at once. What is unsent is thrown away: a frozen QEMU would never take it."""
        if self._writer is not None:
            self._writer.transport.abort()


class _Lines(asyncio.Protocol):
    """Stands before a stream's protocol: whole lines go to ``take``, and those that it leaves to the stream."""

    def __init__(self, behind: asyncio.StreamReaderProtocol, take: Callable[[bytes], bool]) -> None:
        self._behind = behind
        self._take = take
        self._begun = bytearray()
        """A line that has no end yet."""
        self.cut_short = False
        """Whether the end of all came before the end of a line."""

    def data_received(self, data: bytes) -> None:
        head, newline, rest = data.partition(b"\n")
        self._begun += head
        while newline:
            line = bytes(self._begun)
            if not self._take(line):
                self._behind.data_received(line + newline)
            head, newline, rest = rest.partition(b"\n")
            self._begun = bytearray(head)
        if len(self._begun) > LONGEST_REPLY:  # the stream ends the session then
            self._behind.data_received(bytes(self._begun))
            self._begun = bytearray()

    def eof_received(self) -> bool | None:
        self.cut_short = bool(self._begun.strip())
        return self._behind.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._behind.connection_lost(exc)

    def pause_writing(self) -> None:
        self._behind.pause_writing()

    def resume_writing(self) -> None:
        self._behind.resume_writing()


def _expire(future: asyncio.Future[Mapping[str, object]]) -> None:
    if not future.done():
        future.set_exception(TimeoutError())
