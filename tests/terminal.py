"""A real terminal: the screen under tmux, with keys typed and the picture read back."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DEADLINE = 60.0
"""Seconds that anything may take before it counts as not coming."""
_numbers = count()
SCREEN = [sys.executable, "-m", "workbench.cli"]


class Terminal:
    """One tmux server with one window, in which a command runs."""

    def __init__(self, socket: str, environment: Mapping[str, str]) -> None:
        self._tmux = ["tmux", "-L", socket, "-f", "/dev/null"]
        self._environment = {**environment, "TERM": "xterm-256color", "LANG": "C.UTF-8"}

    def open(self, *command: str, width: int = 120, height: int = 40) -> None:
        """Run a command in a new window; its exit status appears when it ends."""
        line = f"{shlex.join(command)}; echo exit status $?; exec cat"
        self._run("new-session", "-d", "-s", "main", "-x", str(width), "-y", str(height), line)

    def keys(self, *keys: str) -> None:
        """Press keys, by tmux's names for them."""
        self._run("send-keys", "-t", "main", *keys)

    def type(self, text: str) -> None:
        """Type text letter by letter."""
        self._run("send-keys", "-t", "main", "-l", text)

    def resize(self, width: int, height: int) -> None:
        self._run("resize-window", "-t", "main", "-x", str(width), "-y", str(height))

    def picture(self) -> str:
        return self._run("capture-pane", "-p", "-t", "main")

    def wait_for(self, *words: str, without: str = "\0") -> str:
        """The picture in which all these words stand."""
        return self.wait_until(lambda seen: all(word in seen for word in words) and without not in seen, str(words))

    def wait_until(self, condition: Callable[[str], bool], what: str) -> str:
        deadline = time.monotonic() + DEADLINE
        while True:
            seen = self.picture()
            if condition(seen):
                return seen
            assert time.monotonic() < deadline, f"{what} did not come:\n{seen}"
            time.sleep(0.02)

    def process(self) -> psutil.Process:
        """The workbench that runs in the window."""
        shell = psutil.Process(int(self._run("display-message", "-p", "-t", "main", "#{pane_pid}")))
        return next(child for child in shell.children() if "workbench" in " ".join(child.cmdline()))

    def close(self) -> None:
        """End the terminal, as closing its window does."""
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [*self._tmux, *words], env=self._environment, capture_output=True, text=True, check=True, timeout=DEADLINE
        )
        return done.stdout


@contextmanager
def terminal(environment: Mapping[str, str]) -> Iterator[Terminal]:
    """A terminal of one's own, gone at the end."""
    # A name of its own each time: a server that was told to end may still be there for a moment.
    made = Terminal(f"workbench-test-{os.getpid()}-{next(_numbers)}", environment)
    try:
        yield made
    finally:
        made.close()
