"""A program on a pseudo-terminal: its output, with the time of arrival, and its input."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import termios
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COLUMNS, LINES = 142, 44
LAST = 2000
"""Characters of output in the message when a wait times out."""

_STRING = r"\x1b[\]P_^X].*?(?:\x07|\x1b\\)"
_ESCAPE = re.compile(rf"(?P<move>\x1b\[[\d;]*[Hf])|{_STRING}|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[^\[\]P_^X]", re.DOTALL)
"""Control sequences (ECMA-48). Cursor movements become newlines, so that neighbouring texts stay apart."""


class Terminal:
    """Starts a program, and reads its output in a thread."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        self.begun = time.perf_counter()
        self.pid, self._handle = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
            os.execvpe(argv[0], list(argv), {**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"})
        self._text = io.StringIO()
        """All output. Appending to a string would copy it for each piece, and block the other threads."""
        self._rest = ""
        self._arrived = 0.0
        self._ended = False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    @property
    def written(self) -> int:
        """The number of characters received so far: the position to search from for later output."""
        with self._news:
            return self._text.tell()

    @property
    def last(self) -> str:
        """The end of the output."""
        with self._news:
            return self._since(max(0, self._text.tell() - LAST))

    def press(self, keys: str) -> float:
        """Press keys; returns the time just before."""
        now = time.perf_counter()
        os.write(self._handle, keys.encode())
        return now

    def wait_for(self, patterns: Iterable[str], since: int = 0, deadline: float = 30.0) -> float:
        """The time at which the output matched the last of the regular expressions.

        :param since: a value of :attr:`written`; earlier output is ignored.
        :raise TimeoutError: if one of them does not match within ``deadline`` seconds, or the program ends.
        """
        missing = {pattern: re.compile(pattern) for pattern in patterns}
        limit = time.monotonic() + deadline
        with self._news:
            while True:
                text = self._since(since)
                missing = {name: pattern for name, pattern in missing.items() if not pattern.search(text)}
                if not missing:
                    return self._arrived
                rest = limit - time.monotonic()
                if self._ended or rest <= 0:
                    why = "the program ended" if self._ended else f"within {deadline:g} s"
                    raise TimeoutError(f"{', '.join(missing)} not seen: {why}. Last output: {text[-LAST:]}")
                self._news.wait(rest)

    def close(self, key: str = "\x11", deadline: float = 10.0) -> None:
        """Quit the program with its key, and kill it if it does not end."""
        with suppress(OSError):
            self.press(key)
        self._reader.join(deadline)
        if self._reader.is_alive():
            os.kill(self.pid, 9)
            self._reader.join()
        os.waitpid(self.pid, 0)
        os.close(self._handle)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._handle, 1 << 16)
            except OSError:  # EIO: the other end is closed (pty(7))
                data = b""
            now = time.perf_counter()
            with self._news:
                self._take(data.decode(errors="replace"))
                self._arrived = now
                self._ended = not data
                self._news.notify_all()
            if not data:
                return

    def _take(self, data: str) -> None:
        """Store the text without control sequences; an incomplete one is kept until its end arrives."""
        data = self._rest + data
        clean = _ESCAPE.sub(lambda match: "\n" if match["move"] else "", data)
        text, escape, self._rest = clean.partition("\x1b")
        self._rest = escape + self._rest
        self._text.write(text)

    def _since(self, place: int) -> str:
        self._text.seek(place)
        return self._text.read()
