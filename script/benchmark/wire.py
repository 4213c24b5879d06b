"""QMP on plain sockets: a minimal client, and a proxy between the screen and QEMU."""

from __future__ import annotations

import json
import selectors
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class BareClient:
    """A minimal QMP client: it blocks, and has no events and no deadlines."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(str(path))
        self._rest = b""
        self._line()  # the greeting
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: object) -> object:
        """Run one command and return its complete reply; events are skipped."""
        request = {"execute": command, "arguments": arguments} if arguments else {"execute": command}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            reply = self._line()
            if "event" not in reply:
                return reply

    def execute_all(self, command: str, arguments: Sequence[Mapping[str, object]]) -> list[object]:
        """Send one command per set of arguments, all before the first reply is read; returns the replies in order."""
        requests = [json.dumps({"execute": command, "arguments": one}).encode() + b"\n" for one in arguments]
        # A thread sends, because a full socket buffer would block this side while QEMU waits to send its replies.
        sender = threading.Thread(target=self._socket.sendall, args=(b"".join(requests),), daemon=True)
        sender.start()
        replies: list[object] = []
        while len(replies) < len(requests):
            reply = self._line()
            if "event" not in reply:
                replies.append(reply)
        sender.join()
        return replies

    def wait_event(self, name: str) -> float:
        """Wait for an event; returns ``time.perf_counter()`` at its arrival."""
        while True:
            if self._line().get("event") == name:
                return time.perf_counter()

    def close(self) -> None:
        self._socket.close()

    def _line(self) -> dict[str, object]:
        while b"\n" not in self._rest:
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionError("QEMU closed the connection")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        message: dict[str, object] = json.loads(line)
        return message


class Tap(threading.Thread):
    """A proxy in place of a guest's QMP socket: forwards everything, and logs the time of each ``balloon`` command."""

    MARK = b'"balloon"'

    def __init__(self, path: Path) -> None:
        super().__init__(name="tap", daemon=True)
        self.seen: list[float] = []
        """``time.perf_counter()`` of each ``balloon`` command."""
        self._real = path.with_name("qmp-tapped.sock")
        path.rename(self._real)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._news = threading.Condition()
        self._over = False

    def wait(self, count: int, deadline: float) -> float:
        """The time of the ``count``-th command.

        :raise TimeoutError: if it is not sent within ``deadline`` seconds.
        """
        with self._news:
            if not self._news.wait_for(lambda: len(self.seen) >= count, deadline):
                raise TimeoutError(f"no balloon command within {deadline:g} s")
            return self.seen[count - 1]

    def stop(self) -> None:
        self._over = True
        self.join()

    def run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ, None)
            while not self._over:
                for key, _ in selector.select(0.2):
                    if key.data is None:
                        self._connect(selector)
                    elif not self._pass_on(selector, key):
                        break  # both ends are closed: ignore what select() reported for the other one
            for key in tuple(selector.get_map().values()):
                assert isinstance(key.fileobj, socket.socket)
                key.fileobj.close()

    def _connect(self, selector: selectors.BaseSelector) -> None:
        client, _ = self._listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self._real))
        selector.register(client, selectors.EVENT_READ, (server, True))
        selector.register(server, selectors.EVENT_READ, (client, False))

    def _pass_on(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> bool:
        """Forward the data; False at the end of the connection."""
        other, outbound = key.data
        source = key.fileobj
        assert isinstance(source, socket.socket)
        data = b""
        with suppress(ConnectionError):
            data = source.recv(1 << 20)
        if not data:
            for end in (source, other):
                selector.unregister(end)
                end.close()
            return False
        if outbound and self.MARK in data:
            with self._news:
                self.seen.append(time.perf_counter())
                self._news.notify_all()
        with suppress(ConnectionError):
            other.sendall(data)
        return True
