"""A real QEMU for tests: with a q35 board and devices, no operating system, or with whatever argv a test gives."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from workbench.engine.qmp.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

QEMU = shutil.which("qemu-system-x86_64") or "qemu-system-x86_64"

VIRTIO_DEVICES = (
    "-device", "virtio-net-pci,id=net0,addr=1", "-device", "virtio-scsi-pci,id=scsi0,addr=2",
    "-device", "virtio-balloon-pci,id=balloon0,addr=3,deflate-on-oom=on",
    "-device", "virtio-serial-pci,id=serial0,addr=4", "-device", "virtio-rng-pci,id=rng0,addr=5",
)  # fmt: skip
"""In comma syntax: QEMU 5.2 knows no other."""


def qemus() -> list[str]:
    """The host's QEMU and each one that WORKBENCH_TEST_QEMUS names (paths, separated by ``:``)."""
    named = os.environ.get("WORKBENCH_TEST_QEMUS", "")
    return [QEMU, *filter(None, named.split(":"))]


def each_qemu() -> pytest.MarkDecorator:
    """Run a test against the host's QEMU and each named one; where none is named, one visible skip says so."""
    params = [pytest.param(path, id=Path(path).name) for path in qemus()]
    if len(params) == 1:
        skip = pytest.mark.skip(reason="WORKBENCH_TEST_QEMUS names no other QEMU")
        params.append(pytest.param("", id="other-qemus", marks=skip))
    return pytest.mark.parametrize("qemu", params)


def _listening(path: Path) -> bool:
    """Whether the socket is listened to: it has its name a moment before, from bind(2) (proc(5): __SO_ACCEPTCON)."""
    lines = Path("/proc/net/unix").read_text().splitlines()
    return any(line.endswith(f" {path}") and line.split()[3] == "00010000" for line in lines)


@contextmanager
def running_qemu(
    *argv: str,
    binary: str = QEMU,
    memory: str = "128M",
    devices: Sequence[str] = VIRTIO_DEVICES,
    paused: bool = False,
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A QEMU on TCG with firmware only, and the path of its QMP socket, which listens already."""
    with tempfile.TemporaryDirectory(prefix="wb-") as directory:
        path = Path(directory) / "qmp.sock"
        command = [
            binary, "-machine", "q35", "-accel", "tcg", "-m", memory, "-no-user-config", "-nodefaults",
            "-display", "none", *(["-S"] if paused else []), *devices, *argv,
            # Last: QEMU makes its chardevs in this order, so those of argv listen by then, too.
            "-chardev", f"socket,id=mon0,path={path},server=on,wait=off", "-mon", "chardev=mon0,mode=control",
        ]  # fmt: skip
        log = Path(directory) / "log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr)
        try:
            # QEMU listens before it does anything slow; poll() tells a QEMU that gave up.
            while not _listening(path):
                assert process.poll() is None, log.read_text()
                time.sleep(0.002)
            yield process, path
        finally:
            process.kill()
            process.wait()


def using(monitor: Monitor) -> Callable[..., AbstractAsyncContextManager[Monitor]]:
    """What gives a session's parts their connection: always this one."""

    @asynccontextmanager
    async def use() -> AsyncIterator[Monitor]:
        yield monitor

    return use


async def answering(path: Path) -> None:
    """Until QEMU answers: its machine is built then, and what is preallocated is taken."""
    monitor = await Monitor.connect(path, deadline=30)
    await monitor.close()
