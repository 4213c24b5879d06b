"""The QMP session against peers that misbehave, and against a real QEMU that is frozen, killed or busy with others."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast

import pytest

from tests.real import each_qemu, running_qemu
from workbench.domain.qmp.record.record import Kind, Origin
from workbench.engine.qmp.monitor import Monitor
from workbench.errors import CommandFailed, MonitorClosed, MonitorError, MonitorTimeout, MonitorUnavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Talk = Callable[["Peer"], Awaitable[None]]

GREETING = {"QMP": {"version": {"qemu": {"micro": 1, "minor": 2, "major": 3}, "package": "v3"}, "capabilities": []}}


class Peer:
    """The other end of a QMP socket. Requests come without a newline between them, as qemu.qmp sends them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer
        self._text = ""

    async def request(self) -> dict[str, object]:
        decoder = json.JSONDecoder()
        while True:
            with suppress(json.JSONDecodeError):
                value, end = decoder.raw_decode(self._text.lstrip())
                self._text = self._text.lstrip()[end:]
                assert isinstance(value, dict)
                return value
            more = await self.reader.read(65536)
            if not more:
                raise EOFError
            self._text += more.decode()

    async def send(self, message: object) -> None:
        await self.send_bytes(json.dumps(message).encode() + b"\r\n")

    async def send_bytes(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def negotiate(self) -> None:
        await self.send(GREETING)
        await self.reply({})

    async def reply(self, value: object) -> dict[str, object]:
        """Answer the next request and return it."""
        request = await self.request()
        await self.send({"return": value, "id": request["id"]} if "id" in request else {"return": value})
        return request

    async def silence(self) -> None:
        """Wait until the peer disconnects."""
        while await self.reader.read(65536):
            pass


@asynccontextmanager
async def peer(talk: Talk) -> AsyncIterator[Path]:
    """A socket on which ``talk`` answers the one client; what it raises fails the test."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(EOFError, ConnectionError):
                await talk(Peer(reader, writer))
        except BaseException as error:
            done.set_exception(error)
            raise
        else:
            done.set_result(None)
        finally:
            writer.close()

    with TemporaryDirectory(prefix="wb-") as directory:
        path = Path(directory) / "qmp.sock"
        server = await asyncio.start_unix_server(serve, path, limit=1 << 26)
        try:
            yield path
            async with asyncio.timeout(10):
                await done
        finally:
            server.close()


@pytest.fixture(autouse=True)
async def _no_lost_exceptions() -> AsyncIterator[None]:
    """asyncio reports an unretrieved exception when its task is collected: that fails the test."""
    lost: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: lost.append(context))
    yield
    gc.collect()
    await asyncio.sleep(0)
    assert lost == []


def notes(monitor: Monitor) -> list[str]:
    return [str(message.payload) for message in monitor.record if message.kind is Kind.NOTE]


async def test_a_reply_and_its_record() -> None:
    async def talk(other: Peer) -> None:
        await other.negotiate()
        request = await other.reply({"status": "running"})
        assert request["execute"] == "query-status"
        assert "arguments" not in request
        await other.silence()

    async with peer(talk) as path:
        monitor = await Monitor.connect(path)
        assert (monitor.version, monitor.package) == ("3.2.1", "v3")
        assert await monitor.execute("query-status", origin=Origin.ACTION) == {"status": "running"}
        command, reply = monitor.record
        assert (command.kind, command.origin, command.name, command.payload) == (
            Kind.COMMAND,
            Origin.ACTION,
            "query-status",
            {},
        )
        assert (reply.kind, reply.origin, reply.payload) == (Kind.REPLY, Origin.ACTION, {"status": "running"})
        assert reply.latency is not None
        await monitor.close()
    assert monitor.closed
    assert notes(monitor) == ["connection closed"]


@pytest.mark.parametrize(
    "greeting",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\xff\xfe\x00garbage\n",
        b"[1, 2]\n",
        b'{"QMP": 5}\n',
        b'{"hello": "world"}\n',
        b'{"QMP": {"version": {"qemu": {"micro": 1}}',
        b"",
        b"[" * 100_000 + b"\n",
    ],
)
async def test_a_peer_that_does_not_speak_qmp(greeting: bytes) -> None:
    async def talk(other: Peer) -> None:
        await other.send_bytes(greeting)

    async with peer(talk) as path:
        with pytest.raises(MonitorUnavailable) as caught:
            await Monitor.connect(path)
    assert str(path) in caught.value.message
    assert len(caught.value.message) < 300


async def test_a_peer_that_refuses_negotiation() -> None:
    async def talk(other: Peer) -> None:
        await other.send(GREETING)
        await other.request()
        await other.send({"error": {"class": "GenericError", "desc": "no"}})

    async with peer(talk) as path:
        with pytest.raises(MonitorUnavailable):
            await Monitor.connect(path)


async def test_a_silent_peer_is_given_up_at_the_deadline() -> None:
    async with peer(Peer.silence) as path:
        with pytest.raises(MonitorTimeout) as caught:
            await Monitor.connect(path, deadline=0.05)
    assert "another client" in caught.value.message
    assert caught.value.hint


async def test_no_socket_and_no_listener(tmp_path: Path) -> None:
    with pytest.raises(MonitorUnavailable, match="no such socket"):
        await Monitor.connect(tmp_path / "qmp.sock")
    (tmp_path / "file").touch()
    with pytest.raises(MonitorUnavailable, match="nothing is listening"):
        await Monitor.connect(tmp_path / "file")
    with pytest.raises(MonitorUnavailable, match="107"):
        await Monitor.connect(tmp_path / ("x" * 100) / "qmp.sock")


@pytest.mark.parametrize(
    "bytes_",
    [
        b"garbage\r\n",
        b'{"return": {\r\n',
        b'"a string"\r\n',
        b"\xff\xff\r\n",
        b"[" * 100_000 + b"\r\n",
        b'{"return": {}, "id": ["not", "ours"]}\r\n',
        b'{"error": {"class": "GenericError", "desc": "JSON parse error"}}\r\n',
        b'{"event": "RESET", "data": 5, "timestamp": {"seconds": "x"}}\r\n{]\r\n',
        b'{"return": {"half a mess',
        b"",
    ],
)
async def test_garbage_in_the_place_of_a_reply_ends_the_session_with_a_reason(bytes_: bytes) -> None:
    async def talk(other: Peer) -> None:
        await other.negotiate()
        await other.request()
        await other.send_bytes(bytes_)

    async with peer(talk) as path:
        monitor = await Monitor.connect(path)
        with pytest.raises(MonitorClosed, match="query-status"):
            await monitor.execute("query-status")
        async with asyncio.timeout(5):
            await monitor.wait_closed()
        assert monitor.closed
        [note] = notes(monitor)
        assert note
        assert len(note) < 300
        with pytest.raises(MonitorClosed):
            await monitor.execute("query-status")
        await monitor.close()
        await monitor.close()


async def test_a_reply_of_neither_kind_is_an_error_of_its_own() -> None:
    async def talk(other: Peer) -> None:
        await other.negotiate()
        request = await other.request()
        await other.send({"id": request["id"]})
        await other.reply(1)

    async with peer(talk) as path:
        monitor = await Monitor.connect(path)
        with pytest.raises(MonitorError, match="neither"):
            await monitor.execute("query-status")
        assert await monitor.execute("query-status") == 1
        await monitor.close()


async def test_an_error_keeps_its_class_and_text() -> None:
    async def talk(other: Peer) -> None:
        await other.negotiate()
        request = await other.request()
        await other.send({"error": {"class": "DeviceNotFound", "desc": "no [/x]"}, "id": request["id"]})
        request = await other.request()
        await other.send({"error": "odd", "id": request["id"]})
        await other.silence()

    async with peer(talk) as path:
        monitor = await Monitor.connect(path)
        with pytest.raises(CommandFailed) as caught:
            await monitor.execute("device_del", {"id": "x"})
        assert (caught.value.error_class, caught.value.description) == ("DeviceNotFound", "no [/x]")
        with pytest.raises(CommandFailed, match="odd"):
            await monitor.execute("device_del", {"id": "x"})
        assert [message.kind for message in monitor.record][1::2] == [Kind.ERROR, Kind.ERROR]
        await monitor.close()


async def test_a_reply_of_twelve_megabytes() -> None:
    big = "x" * (12 << 20)

    async def talk(other: Peer) -> None:
        await other.negotiate()
        await other.reply(big)
        await other.reply({})

    async with peer(talk) as path:
        monitor = await Monitor.connect(path)
        assert await monitor.execute("human-monitor-command", {"command-line": "x"}) == big
        assert await monitor.execute("query-status") == {}
        await monitor.close()


async def test_an_event_during_a_command_and_in_pieces() -> None:
    event = json.dumps(
        {"event": "RESET", "data": {"guest": False}, "timestamp": {"seconds": 5, "microseconds": 250000}}
    )

    async def talk(other: Peer) -> None:
        await other.negotiate()
        request = await other.request()
        for byte in event.encode() + b"\r\n":
            await other.send_bytes(bytes([byte]))
            await asyncio.sleep(0)
        await other.send({"return": 7, "id": request["id"]})
        await other.silence()

    async with peer(talk) as path:
        monitor = await Monitor.connect(path)
        heard: list[tuple[str, object, float]] = []
        monitor.on_event(lambda name, data, when: heard.append((name, data, when)))
        assert await monitor.execute("query-status") == 7
        assert heard == [("RESET", {"guest": False}, 5.25)]
        assert [message.kind for message in monitor.record] == [Kind.COMMAND, Kind.EVENT, Kind.REPLY]
        await monitor.close()


async def test_a_late_reply_is_kept_and_the_next_command_works() -> None:
    answer = asyncio.Event()

    async def talk(other: Peer) -> None:
        await other.negotiate()
        request = await other.request()
        await answer.wait()
        await other.send({"return": "late", "id": request["id"]})
        await other.reply("in time")
        await other.silence()

    async with peer(talk) as path:
        monitor = await Monitor.connect(path)
        with pytest.raises(MonitorTimeout, match=r"no reply to query-status within 0\.05 s"):
            async with asyncio.timeout(10):
                await monitor.execute("query-status", deadline=0.05)
        answer.set()
        assert await monitor.execute("query-status") == "in time"
        assert notes(monitor) == ["no reply to query-status within 0.05 s", "late reply to query-status"]
        late = next(message for message in monitor.record if message.kind is Kind.REPLY)
        assert late.payload == "late"
        assert late.latency is not None
        assert late.latency > 0.05
        await monitor.close()


async def test_who_gives_up_waiting_loses_no_reply() -> None:
    with running_qemu(paused=True) as (process, path):
        monitor = await Monitor.connect(path)
        process.send_signal(signal.SIGSTOP)
        waiting = asyncio.create_task(monitor.execute("query-status", deadline=60))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        looking = asyncio.create_task(monitor.execute("query-name", origin=Origin.SCREEN, deadline=60))
        await asyncio.sleep(0)
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
        [said] = notes(monitor)
        assert said.startswith("gave up waiting for query-status")
        process.send_signal(signal.SIGCONT)
        await monitor.execute("query-version")
        replies = {message.name: message.payload for message in monitor.record if message.kind is Kind.REPLY}
        assert isinstance(replies["query-status"], dict)
        assert "status" in replies["query-status"]
        assert notes(monitor)[1] == "late reply to query-status"
        await monitor.close()


async def able_out_of_band(monitor: Monitor) -> str:
    """A command that runs out of band; before QEMU 6.0 there are only two, and without a migration they fail."""
    known = await monitor.execute("query-commands")
    return "query-yank" if {"name": "query-yank"} in cast("list[object]", known) else "migrate-pause"


async def answer(monitor: Monitor, command: str, *, oob: bool = False, deadline: float = 5) -> str:
    """The outcome in words."""
    try:
        return f"returned {await monitor.execute(command, oob=oob, deadline=deadline)}"
    except CommandFailed as error:
        return error.description


@each_qemu()
async def test_out_of_band(qemu: str) -> None:
    with running_qemu(binary=qemu, paused=True) as (_process, path):
        monitor = await Monitor.connect(path)
        command = await able_out_of_band(monitor)
        assert await answer(monitor, command, oob=True) == await answer(monitor, command)
        with pytest.raises(CommandFailed, match="does not support OOB"):
            await monitor.execute("query-status", oob=True)
        await monitor.close()


@each_qemu()
async def test_out_of_band_passes_a_main_loop_that_is_busy(qemu: str, tmp_path: Path) -> None:
    """QEMU opens a fifo without a reader: open(2) blocks its main loop until there is one."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with running_qemu(binary=qemu, paused=True) as (_process, path):
        monitor = await Monitor.connect(path)
        command = await able_out_of_band(monitor)
        already = len(monitor.record)
        backend = {"type": "file", "data": {"out": str(fifo)}}
        opening = asyncio.create_task(monitor.execute("chardev-add", {"id": "c0", "backend": backend}, deadline=60))
        behind = asyncio.create_task(monitor.execute("query-version", deadline=60))
        try:
            await asyncio.sleep(0)
            assert await answer(monitor, command, oob=True, deadline=30)
            done, _ = await asyncio.wait({opening, behind}, timeout=0.2)
            assert not done
        finally:
            reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        assert await opening == {}
        assert isinstance(await behind, dict)
        os.close(reader)
        sent = [(one.name, one.oob) for one in list(monitor.record)[already:] if one.kind is Kind.COMMAND]
        assert sent == [("chardev-add", False), ("query-version", False), (command, True)]
        await monitor.close()


@pytest.mark.parametrize("value", [{1, 2}, float, "\N{SNOWMAN}".encode()])
async def test_arguments_that_json_cannot_carry_leave_the_session_alone(value: object) -> None:
    async def talk(other: Peer) -> None:
        await other.negotiate()
        await other.reply(1)
        await other.silence()

    async with peer(talk) as path:
        monitor = await Monitor.connect(path)
        with pytest.raises(UsageError):
            await monitor.execute("qom-set", {"value": value})
        assert len(monitor.record) == 0
        assert await monitor.execute("query-status") == 1
        await monitor.close()


async def test_close_ends_the_commands_that_wait() -> None:
    arrived = asyncio.Event()

    async def talk(other: Peer) -> None:
        await other.negotiate()
        for _ in range(3):
            await other.request()
        arrived.set()
        await other.silence()

    async with peer(talk) as path:
        monitor = await Monitor.connect(path)
        waiting = [asyncio.create_task(monitor.execute("query-status")) for _ in range(3)]
        await arrived.wait()
        await monitor.close()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(result) for result in results] == [MonitorClosed] * 3


async def test_close_in_mid_reply() -> None:
    async def talk(other: Peer) -> None:
        await other.negotiate()
        await other.request()
        await other.send_bytes(b'{"return": "' + b"x" * 100_000)

    async with peer(talk) as path:
        monitor = await Monitor.connect(path)
        with pytest.raises(MonitorClosed, match="ended before the reply to query-status"):
            await monitor.execute("query-status")
        async with asyncio.timeout(5):
            await monitor.wait_closed()
        assert notes(monitor) == ["QEMU closed the connection in the middle of a message"]
        await monitor.close()


async def test_a_peer_that_closes_while_something_is_sent_has_closed_the_connection() -> None:
    async def talk(other: Peer) -> None:
        await other.negotiate()
        await other.reader.read(1)

    async with peer(talk) as path:
        monitor = await Monitor.connect(path)
        with pytest.raises(MonitorClosed):
            await monitor.execute("human-monitor-command", {"command-line": "x" * (4 << 20)})
        async with asyncio.timeout(5):
            await monitor.wait_closed()
        assert notes(monitor) == ["QEMU closed the connection"]
        await monitor.close()


async def test_a_frozen_qemu_times_out_and_lets_go_at_once() -> None:
    with running_qemu() as (process, path):
        monitor = await Monitor.connect(path)
        process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(MonitorTimeout):
                await monitor.execute("query-status", deadline=0.1)
            # More than the socket's buffers take: what is unsent must not hold close() up.
            with pytest.raises(MonitorTimeout):
                await monitor.execute("human-monitor-command", {"command-line": "x" * (4 << 20)}, deadline=0.1)
            async with asyncio.timeout(30):
                await monitor.close()
        finally:
            process.send_signal(signal.SIGCONT)


async def test_a_frozen_qemu_answers_again_when_it_wakes() -> None:
    with running_qemu() as (process, path):
        monitor = await Monitor.connect(path)
        process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(MonitorTimeout):
                await monitor.execute("query-status", deadline=0.1)
        finally:
            process.send_signal(signal.SIGCONT)
        assert isinstance(await monitor.execute("query-status"), dict)
        await monitor.close()


async def test_a_killed_qemu_is_noticed() -> None:
    with running_qemu() as (process, path):
        monitor = await Monitor.connect(path)
        ended: list[bool] = []
        monitor.on_closed(lambda: ended.append(monitor.closed))
        process.kill()
        async with asyncio.timeout(5):
            await monitor.wait_closed()
        assert notes(monitor)
        await monitor.close()
        assert ended == [True], "notified once"


async def test_quit_answers_and_then_closes() -> None:
    with running_qemu() as (process, path):
        monitor = await Monitor.connect(path)
        assert await monitor.execute("quit") == {}
        async with asyncio.timeout(5):
            await monitor.wait_closed()
        assert notes(monitor) == ["QEMU closed the connection"]
        await asyncio.to_thread(process.wait)


async def test_a_monitor_that_others_hold_says_so_however_many_wait() -> None:
    with running_qemu() as (_process, path):
        first = await Monitor.connect(path)
        results = await asyncio.gather(*(Monitor.connect(path, deadline=0.3) for _ in range(6)), return_exceptions=True)
        for result in results:
            assert isinstance(result, MonitorError)
            assert "another client" in result.message
        assert isinstance(await first.execute("query-status"), dict)
        await first.close()


async def test_the_peer_is_the_process_that_listens() -> None:
    with running_qemu() as (process, path):
        monitor = await Monitor.connect(path)
        assert monitor.peer_pid == process.pid
        await monitor.close()
        assert monitor.peer_pid is None
