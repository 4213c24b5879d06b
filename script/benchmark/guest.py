"""An idle demo guest in its own state directory, and the command line of the screen that shows it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.engine.demo import find
from workbench.settings import Settings

from .figures import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "demo"
SAMPLES = Path(__file__).parents[2] / "profiles"
READY_DEADLINE = 120.0
"""Seconds that the guest's balloon driver may take to come up."""


@dataclass(frozen=True)
class Bench:
    """The directories of one run. It uses the sample profile, so the user's files have no influence."""

    root: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "WORKBENCH_PROFILES": str(self.root / "profiles"),
            "WORKBENCH_STATE": str(self.root / "state"),
            "XDG_STATE_HOME": str(self.root / "data"),
        }

    @property
    def guest(self) -> Path:
        """The running guest's directory."""
        return self.root / "state" / NAME

    @property
    def screen(self) -> list[str]:
        return [str(Path(sys.executable).parent / "workbench")]

    @property
    def bare(self) -> list[str]:
        return [sys.executable, "-m", "script.benchmark.bare"]

    def workbench(self, *arguments: str) -> str:
        """Run a verb and return its output."""
        done = subprocess.run(
            [*self.screen, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"workbench {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout


@contextmanager
def running_guest() -> Iterator[Bench]:
    """Start the demo guest, wait until its balloon has settled, and stop it afterwards.

    :raise Unavailable: if the demo guest is not built.
    """
    if find(Settings().cache) is None:
        raise Unavailable("the demo guest is not built: run workbench demo --no-screen")
    with tempfile.TemporaryDirectory(prefix="wb-bench-") as directory:
        bench = Bench(Path(directory))
        (bench.root / "profiles").mkdir()
        shutil.copy(SAMPLES / f"{NAME}.toml", bench.root / "profiles")
        bench.workbench("start", NAME)
        try:
            _wait_settled(bench)
            yield bench
        finally:
            _end(bench)


def _end(bench: Bench) -> None:
    """Stop the guest with ``workbench stop``; if that fails, kill it."""
    pid = int((bench.guest / "pid").read_text())
    try:
        bench.workbench("stop", NAME, "--timeout", "1", "--kill")
    except RuntimeError:
        os.kill(pid, signal.SIGKILL)
        raise


def _wait_settled(bench: Bench) -> None:
    deadline = time.monotonic() + READY_DEADLINE
    while True:
        state = json.loads(bench.workbench("balloon", NAME, "--json"))["state"]
        if state == "settled":
            return
        if time.monotonic() > deadline:
            raise Unavailable(f"the demo guest's balloon is still {state} after {READY_DEADLINE:g} s")
        time.sleep(0.5)
