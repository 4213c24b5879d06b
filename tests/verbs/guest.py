"""A running guest for tests of verbs: a state directory as a start leaves it, with a real QEMU."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.real import QEMU, VIRTIO_DEVICES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def running_guest(state: Path, name: str = "demo", qemu: str = QEMU) -> Iterator[subprocess.Popen[bytes]]:
    """A guest with firmware only, below a state directory, with the monitors that the verbs use."""
    directory = state / name
    directory.mkdir(mode=0o700, parents=True)
    state.chmod(0o700)
    sockets = ("qmp.sock", "qmp-cli.sock", "qmp-events.sock")
    monitors = [
        word
        for socket in sockets
        for word in (
            "-chardev",
            f"socket,id={socket[:-5]},path={directory / socket},server=on,wait=off",
            "-mon",
            f"chardev={socket[:-5]},mode=control",
        )
    ]
    command = [
        qemu, "-machine", "q35", "-accel", "tcg", "-m", "128M", "-no-user-config", "-nodefaults", "-display", "none",
        "-pidfile", str(directory / "pid"), *monitors, *VIRTIO_DEVICES,
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        while not ((directory / "pid").exists() and (directory / "pid").read_text().strip()):
            assert process.poll() is None
            time.sleep(0.002)
        yield process
    finally:
        process.kill()
        process.wait()


def workbench(state: Path, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    """The command line as a process of its own, with a home below the state directory's parent."""
    home = state.parent
    environment = {**os.environ, "XDG_CACHE_HOME": str(home / "cache"), "XDG_STATE_HOME": str(home / "data")}
    return subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", "--state", str(state), *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def done(process: subprocess.Popen[str], timeout: float = 30, *, text: str | None = None) -> tuple[int, str, str]:
    """Exit code, stdout and stderr; ``text`` goes to its standard input."""
    out, err = process.communicate(text, timeout=timeout)
    return process.returncode, out, err
