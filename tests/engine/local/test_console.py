"""The serial console against a peer that behaves like QEMU: one client, and unread output stalls the guest."""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.commandline import DEADLINE
from workbench.engine.local.console import SCROLLBACK, Console
from workbench.errors import MonitorUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class Peer:
    """The other end of ``serial.sock``: serves one client at a time, as a chardev does."""

    def __init__(self) -> None:
        self.received = b""
        self.clients = 0
        self.served = 0
        self._writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients += 1
        self.served += 1
        self._writer = writer
        while data := await reader.read(65536):
            self.received += data
        self.clients -= 1
        self._writer = None
        writer.close()

    async def say(self, data: bytes) -> None:
        """Returns when the client has taken it, but for what the kernel's buffers hold."""
        assert self._writer is not None
        self._writer.write(data)
        await self._writer.drain()

    def hang_up(self) -> None:
        assert self._writer is not None
        self._writer.close()


@pytest.fixture
async def directory() -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wb-") as name:
        yield Path(name)


@asynccontextmanager
async def listening(directory: Path) -> AsyncIterator[Peer]:
    peer = Peer()
    server = await asyncio.start_unix_server(peer.serve, directory / "serial.sock")
    server.sockets[0].setsockopt(1, 7, 4096)  # SOL_SOCKET, SO_SNDBUF: a client that does not read is noticed soon
    try:
        yield peer
        await until(lambda: peer.clients == 0, "the last client to leave")
    finally:
        server.close()


async def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"waited for {what}"
        await asyncio.sleep(0.01)


async def test_scrollback_first_then_what_comes(directory: Path) -> None:
    (directory / "serial.log").write_text("before\n")
    heard: list[str] = []
    async with listening(directory) as peer:
        console = Console(directory)
        console.listen(heard.append)
        assert heard == ["before\n"], "at once, without a turn of the loop"
        await until(lambda: peer.clients, "the connection")
        await peer.say(b"after\r\n")
        await until(lambda: "".join(heard) == "before\nafter\r\n", "the output")
        await console.close()


async def test_the_scrollback_is_bounded(directory: Path) -> None:
    (directory / "serial.log").write_bytes(b"x" * (SCROLLBACK + 1000) + b"end")
    heard: list[str] = []
    async with listening(directory):
        console = Console(directory)
        console.listen(heard.append)
        assert len(heard[0]) == SCROLLBACK
        assert heard[0].endswith("end")
        await console.close()


async def test_keys_reach_the_guest(directory: Path) -> None:
    async with listening(directory) as peer:
        console = Console(directory)
        console.listen(lambda _text: None)
        await console.type("echo gäste\n")
        await until(lambda: peer.received == "echo gäste\n".encode(), "the keys")
        await console.close()


async def test_everything_is_drained(directory: Path) -> None:
    """What nobody reads would stall the guest after a few kilobytes."""
    count = 0

    def hear(text: str) -> None:
        nonlocal count
        count += len(text)

    async with listening(directory) as peer:
        console = Console(directory)
        console.listen(hear)
        await until(lambda: peer.clients, "the connection")
        async with asyncio.timeout(DEADLINE):
            for _ in range(64):
                await peer.say(b"x" * 65536)
        await until(lambda: count == 64 * 65536, "four megabytes")
        await console.close()


async def test_characters_that_come_in_pieces(directory: Path) -> None:
    heard: list[str] = []
    async with listening(directory) as peer:
        console = Console(directory)
        console.listen(heard.append)
        await until(lambda: peer.clients, "the connection")
        for byte in "→ä".encode():
            await peer.say(bytes([byte]))
            await asyncio.sleep(0)
        await peer.say(b"\xff!")
        await until(lambda: "".join(heard).endswith("!"), "the last of it")
        assert "".join(heard) == "→ä\N{REPLACEMENT CHARACTER}!"
        await console.close()


async def test_one_connection_for_all_listeners(directory: Path) -> None:
    one: list[str] = []
    two: list[str] = []
    async with listening(directory) as peer:
        console = Console(directory)
        forget_one = console.listen(one.append)
        await until(lambda: peer.clients, "the connection")
        forget_two = console.listen(two.append)
        await peer.say(b"both")
        await until(lambda: (one, two) == (["both"], ["both"]), "the output")
        forget_one()
        forget_one()
        await peer.say(b"two")
        await until(lambda: two == ["both", "two"], "the output")
        assert (one, peer.served) == (["both"], 1)
        forget_two()
        await until(lambda: peer.clients == 0, "the place to be free again")
        await console.close()


async def test_a_listener_that_comes_back_at_once_hears_again(directory: Path) -> None:
    """A pane that is closed and opened in one turn of the loop."""
    heard: list[str] = []
    async with listening(directory) as peer:
        console = Console(directory)
        forget = console.listen(lambda _text: None)
        await until(lambda: peer.clients, "the connection")
        forget()
        console.listen(heard.append)
        await until(lambda: (peer.served, peer.clients) == (2, 1), "the new connection")
        await peer.say(b"again")
        await until(lambda: heard == ["again"], "the output")
        await console.type("x")
        await until(lambda: peer.received == b"x", "the key")
        await console.close()


async def test_a_guest_that_ends_is_not_an_error(directory: Path) -> None:
    async with listening(directory) as peer:
        console = Console(directory)
        console.listen(lambda _text: None)
        await until(lambda: peer.clients, "the connection")
        peer.hang_up()
        await until(lambda: not console.connected, "the end")
        await console.close()


@pytest.mark.parametrize("kind", ["nothing", "stale"])
async def test_an_unreachable_console_is_reported(directory: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.engine.local.console.REACH", 0.1)
    if kind == "stale":
        async with listening(directory):
            pass
    heard: list[str] = []
    console = Console(directory)
    console.listen(heard.append)
    await until(lambda: heard, "the words")
    assert "cannot connect to the serial console" in heard[0]
    with pytest.raises(MonitorUnavailable, match="cannot connect to the serial console") as caught:
        await console.type("x")
    assert "serial.sock" in caught.value.hint
    await console.close()


async def test_the_console_of_a_real_guest(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a QEMU's serial port receives is written to its log and to us, and a monitor on it hears our keys."""
    from tests.real import running_qemu

    log, socket = directory / "serial.log", directory / "serial.sock"
    chardev = f"socket,id=s,path={socket},server=on,wait=off,logfile={log},logappend=on"
    with running_qemu("-chardev", chardev, "-mon", "chardev=s,mode=readline", devices=()):
        monkeypatch.setattr("workbench.engine.local.console.REACH", 30.0)  # a busy machine is no fault of the console
        console = Console(directory)
        heard: list[str] = []
        console.listen(heard.append)
        await console.type("info name\n")
        await until(lambda: "(qemu) " in "".join(heard).partition("info name")[2], "the answer")
        await console.close()
        await until(log.exists, "the log")
        console = Console(directory)
        again: list[str] = []
        console.listen(again.append)
        assert "(qemu)" in again[0], "the scrollback"
        await console.close()
