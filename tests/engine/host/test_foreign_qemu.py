"""Reading the command line of a running QEMU, and of other processes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.commandline import wait_until
from tests.real import QEMU, running_qemu
from workbench.engine.host.foreign_qemu import command_line_of, read_config
from workbench.errors import HostError, NotFound

LINE = ["-nodefaults", "-display", "none", "-S", "-m", "64"]


def test_a_qemu_that_runs() -> None:
    with running_qemu("-name", "a b", paused=True) as (process, _):
        argv, directory = command_line_of(process.pid)
        assert argv == process.args
        assert directory == os.getcwd()


def test_a_qemu_that_calls_itself_otherwise() -> None:
    process = subprocess.Popen([f"exec -a myvm {QEMU} {' '.join(LINE)}"], shell=True, executable="/bin/bash")
    try:
        # Within execve(2) the executable changes before the arguments can be read.
        wait_until(lambda: Path(f"/proc/{process.pid}/cmdline").read_bytes().startswith(b"myvm"), "QEMU to be executed")
        assert command_line_of(process.pid)[0] == ["myvm", *LINE]
    finally:
        process.kill()
        process.wait()


def test_what_only_calls_itself_qemu() -> None:
    process = subprocess.Popen(["exec -a qemu-system-x86_64 sleep 60"], shell=True, executable="/bin/bash")
    try:
        wait_until(lambda: "sleep" in os.readlink(f"/proc/{process.pid}/exe"), "sleep to be executed")
        with pytest.raises(HostError, match=f"process {process.pid} is not a QEMU"):
            command_line_of(process.pid)
    finally:
        process.kill()
        process.wait()


def test_a_process_that_has_ended() -> None:
    process = subprocess.Popen(["true"])
    wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE, "it to end")
    with pytest.raises((HostError, NotFound)):
        command_line_of(process.pid)
    process.wait()
    with pytest.raises(NotFound, match=f"no process with pid {process.pid}"):
        command_line_of(process.pid)


def test_a_process_that_may_not_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: psutil.Process) -> list[str]:
        raise psutil.AccessDenied(self.pid)

    monkeypatch.setattr(psutil.Process, "cmdline", refused)
    with pytest.raises(HostError) as caught:
        command_line_of(os.getpid())
    assert psutil.Process().username() in str(caught.value)


def test_files_of_readconfig(tmp_path: Path) -> None:
    (tmp_path / "a.cfg").write_text("[machine]\n")
    assert read_config(str(tmp_path), "a.cfg") == read_config("/", str(tmp_path / "a.cfg")) == "[machine]\n"
    (tmp_path / "b").write_bytes(b"\xff")
    for name, why in (("c", "No such file"), ("b", "not valid UTF-8"), (".", "directory")):
        with pytest.raises(ValueError, match=why):
            read_config(str(tmp_path), name)
