"""The ``workbench`` command as a user runs it: a process of its own, with directories of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from workbench.engine.demo import READY
from workbench.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEADLINE = 30.0
"""Seconds that anything may take in a test before it counts as not coming."""

COMMAND = [sys.executable, "-m", "workbench.cli"]
CHECKOUT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, object]:
        value = json.loads(self.stdout)
        assert isinstance(value, dict), value
        return value

    @property
    def list(self) -> list[dict[str, object]]:
        value = json.loads(self.stdout)
        assert isinstance(value, list), value
        return value

    def check_error(self, code: int, *words: str) -> None:
        """It failed as the contract says: the exit code, ``workbench: …`` with these words, and no traceback."""
        assert self.code == code, self
        assert self.stderr.startswith("workbench: "), self
        assert "Traceback" not in self.stderr, self
        for word in words:
            assert word in self.stderr, (word, self)


class CommandLine:
    """Runs ``workbench``; every guest that it started is ended by :meth:`end_guests`."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.profiles = base / "profiles"
        self.state = base / "state"
        self.profiles.mkdir()
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("WORKBENCH_", "XDG_"))},
            **{key: value for key, value in os.environ.items() if key == "XDG_CACHE_HOME"},
            "WORKBENCH_PROFILES": str(self.profiles),
            "WORKBENCH_STATE": str(self.state),
            "XDG_RUNTIME_DIR": str(base),
            "XDG_CONFIG_HOME": str(base / "config"),
            "XDG_STATE_HOME": str(base / "data"),
        }

    @property
    def settings(self) -> Settings:
        """The same directories for an engine in this process."""
        return Settings(profiles_option=self.profiles, state_option=self.state)

    def __call__(self, *arguments: str, timeout: float = 60, typed: str | None = None, **environment: str) -> Done:
        """Run it to its end; ``typed`` is what stands in its standard input."""
        process = self.begin(*arguments, stdin=subprocess.DEVNULL if typed is None else subprocess.PIPE, **environment)
        try:
            out, err = process.communicate(typed, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return Done(process.returncode, out, err)

    def begin(self, *arguments: str, stdin: int = subprocess.DEVNULL, **environment: str) -> subprocess.Popen[str]:
        """Start it and do not wait."""
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=CHECKOUT,
            env={**self.environment, **environment},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def profile(self, name: str, text: str = 'memory.size = "64M"\n') -> Path:
        path = self.profiles / f"{name}.toml"
        path.write_text(text)
        return path

    def sample(self, name: str) -> None:
        """One of the shipped profiles."""
        shutil.copy(CHECKOUT / "profiles" / f"{name}.toml", self.profiles)

    def start(self, name: str) -> int:
        """Start a guest and give the pid of its QEMU."""
        done = self("start", name, "--json")
        assert done.code == 0, done
        pid = done.json["pid"]
        assert isinstance(pid, int)
        return pid

    def wait_for_boot(self, name: str = "demo") -> None:
        """Until the demo guest says that it is up: its drivers work, and it follows its power button."""
        log = self.state / name / "serial.log"
        wait_until(lambda: READY in log.read_text(errors="replace"), f"{name} to boot", deadline=60)

    def listed(self, name: str) -> dict[str, object]:
        """A guest as ``list --json`` shows it."""
        done = self("list", "--json")
        assert done.code == 0, done
        (guest,) = (guest for guest in done.list if guest["name"] == name)
        return guest

    def end_guests(self) -> None:
        """SIGKILL every QEMU whose pid file is below our state directory, also where that file is gone."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                argv = process.cmdline()
                # Not the shell that keeps its exit status, which has the same words: it ends by itself, and reaps QEMU.
                if argv[1:2] != ["-c"] and any(self._is_pid_file(*option) for option in pairwise(argv)):
                    process.kill()
                    process.wait(DEADLINE)

    def _is_pid_file(self, option: str, value: str) -> bool:
        return option == "-pidfile" and Path(value).is_relative_to(self.base)


@contextmanager
def command_line() -> Iterator[CommandLine]:
    """With directories that are gone afterwards, guests and all. Their path is short: sockets stand below it."""
    base = Path(tempfile.mkdtemp(prefix="wb-"))
    workbench = CommandLine(base)
    try:
        yield workbench
    finally:
        workbench.end_guests()
        shutil.rmtree(base, ignore_errors=True)


def wait_until(condition: Callable[[], object], what: str, deadline: float = DEADLINE) -> None:
    """Poll until the condition holds; a test fails when it does not in time."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"waited {deadline:g} s for {what}"
        time.sleep(0.01)
