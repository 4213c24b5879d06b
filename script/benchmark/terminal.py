"""A program under a pseudo-terminal: what it wrote, when each piece of it came, and keys to press."""

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
"""Characters of a screen that are told when what was waited for did not come."""

_STRING = r"\x1b[\]P_^X].*?(?:\x07|\x1b\\)"
_ESCAPE = re.compile(rf"(?P<move>\x1b\[[\d;]*[Hf])|{_STRING}|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[^\[\]P_^X]", re.DOTALL)
"""Control sequences (ECMA-48). Where the cursor jumps a new line begins, so that neighbours do not run together."""


class Terminal:
    """Starts a program and reads all that it writes, in a thread of its own."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        self.begun = time.perf_counter()
        self.pid, self._handle = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
            os.execvpe(argv[0], list(argv), {**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"})
        self._text = io.StringIO()
        """All that came; a string that is added to would be copied whole for each piece, and hold up the other threads."""
        self._rest = ""
        self._arrived = 0.0
        self._ended = False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    @property
    def written(self) -> int:
        """How many characters came so far: where to begin to look for what comes next."""
        with self._news:
            return self._text.tell()

    @property
    def last(self) -> str:
        """The end of what came."""
        with self._news:
            return self._since(max(0, self._text.tell() - LAST))

    def press(self, keys: str) -> float:
        """Press keys; gives the time just before."""
        now = time.perf_counter()
        os.write(self._handle, keys.encode())
        return now

    def wait_for(self, patterns: Iterable[str], since: int = 0, deadline: float = 30.0) -> float:
        """The time at which the last of some regular expressions came.

        :param since: the value of :attr:`written` before which nothing counts.
        :raise TimeoutError: when one of them does not come within ``deadline`` seconds, or the program ends.
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
                    raise TimeoutError(f"{', '.join(missing)} did not come: {why}. Last: {text[-LAST:]}")
                self._news.wait(rest)

    def close(self, key: str = "\x11", deadline: float = 10.0) -> None:
        """Leave the program by its key, and end it when it does not."""
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
            except OSError:  # EIO: the last holder of the other end is gone (pty(7))
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
        """Keep the text without its control sequences; the beginning of one waits for its end."""
        data = self._rest + data
        clean = _ESCAPE.sub(lambda match: "\n" if match["move"] else "", data)
        text, escape, self._rest = clean.partition("\x1b")
        self._rest = escape + self._rest
        self._text.write(text)

    def _since(self, place: int) -> str:
        self._text.seek(place)
        return self._text.read()
