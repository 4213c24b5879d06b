"""A faster qemu.qmp client: requests and replies, including late ones, bypass its queues and tasks."""

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
"""Bytes of the longest message accepted; qemu.qmp's default limit of 10 MiB would end the session at a longer reply."""

# qemu.qmp logs what it also raises; the user should see it only once.
logging.getLogger("qemu.qmp").addHandler(logging.NullHandler())
logging.getLogger("qemu.qmp").propagate = False


class Client(QMPClient):
    """qemu.qmp's client with its documented hooks overridden: the base class formats every message for a log."""

    def __init__(self, received: Callable[[Mapping[str, object]], None]) -> None:
        super().__init__("workbench", readbuflen=LONGEST_REPLY)
        self._received = received
        self._waiting: dict[object, asyncio.Future[Mapping[str, object]]] = {}
        self.late: dict[object, Callable[[Mapping[str, object]], None]] = {}
        """Message id -> callback for the reply to a command whose caller gave up waiting."""
        self._lines: _Lines | None = None

    def _cb_outbound(self, msg: QmpMessage) -> QmpMessage:
        return msg

    def _cb_inbound(self, msg: QmpMessage) -> QmpMessage:
        if "event" in msg:
            self._received(msg)
        return msg

    def read_directly(self) -> None:
        """Read replies and events directly from the transport; call this once the session is established.

        qemu.qmp's reader is a separate task behind a stream, which costs one more iteration of the event loop per message.
        It still gets everything that is neither an expected reply nor an event, and so handles all errors.
        """
        assert self._writer is not None
        transport = self._writer.transport
        protocol = transport.get_protocol()
        assert isinstance(protocol, asyncio.StreamReaderProtocol)
        self._lines = _Lines(protocol, self._take)
        transport.set_protocol(self._lines)

    def _take(self, line: bytes) -> bool:
        """Dispatch a line if it is an expected reply or an event; return whether it was."""
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
        """Send a message and wait for the reply with its id.

        ``execute()`` sends from a separate task and passes message and reply through queues, which takes half the time of
        a round trip.

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
        if "event" not in msg:  # events were passed to ``received``; qemu.qmp's listeners would queue them
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
        """The socket while connected."""
        return self._writer.get_extra_info("socket") if self._writer is not None else None

    @property
    def cut_short(self) -> bool:
        """Whether the peer closed the connection in the middle of a message."""
        return self._lines is not None and self._lines.cut_short

    def drop(self) -> None:
        """Close the connection at once and discard unsent data, which a frozen QEMU would never read."""
        if self._writer is not None:
            self._writer.transport.abort()


class _Lines(asyncio.Protocol):
    """Sits in front of a stream's protocol: passes whole lines to ``take``, and those it declines to the stream."""

    def __init__(self, behind: asyncio.StreamReaderProtocol, take: Callable[[bytes], bool]) -> None:
        self._behind = behind
        self._take = take
        self._begun = bytearray()
        """An incomplete line."""
        self.cut_short = False
        """Whether the connection ended within a line."""

    def data_received(self, data: bytes) -> None:
        head, newline, rest = data.partition(b"\n")
        self._begun += head
        while newline:
            line = bytes(self._begun)
            if not self._take(line):
                self._behind.data_received(line + newline)
            head, newline, rest = rest.partition(b"\n")
            self._begun = bytearray(head)
        if len(self._begun) > LONGEST_REPLY:  # makes the stream end the session
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
