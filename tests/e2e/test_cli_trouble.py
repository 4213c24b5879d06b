"""What must go wrong well, as the command line tells it: each trouble is a real one, made on a real QEMU."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.commandline import command_line, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.commandline import CommandLine

FIRMWARE = 'memory.size = "64M"\naccelerator = "tcg"\n'
QUICK = 3.0
"""Seconds that tell "at once" from "after the deadline of 5 s that a silent monitor has", on a busy machine too."""


def entries(directory: Path) -> list[str]:
    """The guests' directories of a state directory."""
    return sorted(name for name in os.listdir(directory) if name[0] != ".") if directory.exists() else []


# Before QEMU.


def test_qemu_is_not_installed(workbench: CommandLine) -> None:
    workbench.profile("one", FIRMWARE)
    done = workbench("start", "one", PATH=str(workbench.base))
    done.check_error(1, "qemu-system-x86_64 is not installed", "hint: ")
    assert entries(workbench.state) == []
    workbench("start", "one", WORKBENCH_QEMU="/nonexistent/qemu").check_error(
        1, "WORKBENCH_QEMU is set to /nonexistent/qemu"
    )
    assert workbench("list", PATH=str(workbench.base)).code == 0, "a list needs no QEMU"


def test_a_profile_with_mistakes_tells_all_of_them(workbench: CommandLine) -> None:
    path = workbench.profile("bad", 'memory.size = "lots"\n\n[cpu]\ncount = 0\n\n[baloon]\nstatistics = 2\n')
    done = workbench("start", "bad")
    done.check_error(1, "profile bad has 3 problems")
    places = [line.split(": ")[0].strip().rpartition(":")[0] for line in done.stderr.splitlines()[1:4]]
    assert places == [f"{path}:1", f"{path}:4", f"{path}:6"]
    for words in ("memory.size", "cpu.count", "baloon", "balloon"):
        assert words in done.stderr
    assert entries(workbench.state) == []
    assert workbench.listed("bad")["problems"] == 3
    assert "3 problems in the profile: workbench check bad" in workbench("list").stdout


def test_a_kernel_that_is_not_there(workbench: CommandLine) -> None:
    path = workbench.profile("one", FIRMWARE + '[boot]\nkernel = "nowhere/vmlinuz"\n')
    done = workbench("start", "one")
    done.check_error(1, f"{path}:4:1: boot.kernel: ", f"{path.parent}/nowhere/vmlinuz", "No such file")
    assert entries(workbench.state) == []


def test_a_state_directory_too_deep_for_a_socket(workbench: CommandLine) -> None:
    workbench.profile("one", FIRMWARE)
    deep = workbench.base / ("d" * 100)
    done = workbench("--state", str(deep), "start", "one")
    done.check_error(1, "too deep", "a socket's path can have at most 107", "hint: name a shorter directory with --state")
    assert not deep.exists(), "refused before anything is made"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_a_state_directory_of_somebody_else(workbench: CommandLine) -> None:
    workbench.profile("one", FIRMWARE)
    workbench.state.mkdir()
    os.chown(workbench.state, 12345, -1)
    for arguments in (["start", "one"], ["list"], ["balloon", "one"]):
        workbench(*arguments).check_error(
            1, "is not a directory owned by you", "hint: name another directory with --state"
        )


def test_a_state_directory_that_others_can_read_is_closed(workbench: CommandLine) -> None:
    workbench.profile("one", FIRMWARE)
    workbench.state.mkdir(mode=0o755)
    workbench.start("one")
    assert stat.S_IMODE(workbench.state.stat().st_mode) == 0o700
    sockets = [path for path in (workbench.state / "one").iterdir() if path.is_socket()]
    assert {path.name for path in sockets} >= {"qmp.sock", "qmp-cli.sock", "qmp-user.sock", "serial.sock"}


# A start that fails.


def test_qemu_exits_at_once(workbench: CommandLine) -> None:
    workbench.profile("one", FIRMWARE + 'qemu.args = ["-rtc", "base=never"]\n')
    done = workbench("start", "one")
    done.check_error(
        1,
        "one: QEMU ended with exit status 1 before its monitor answered",
        "  | ",
        "invalid datetime format",
        "hint: to see its command line: workbench command one",
    )
    assert entries(workbench.state) == []
    assert (workbench.listed("one")["state"], workbench.listed("one")["ended"]) == ("stopped", "")


def test_two_starts_at_the_same_moment(workbench: CommandLine) -> None:
    workbench.profile("one", FIRMWARE)
    for _ in range(3):
        both = [workbench.begin("start", "one") for _ in range(2)]
        errors = [process.communicate(timeout=60)[1] for process in both]
        assert sorted(process.returncode for process in both) == [0, 1], errors
        (error,) = filter(None, errors)
        assert error.startswith("workbench: one ")
        assert any(words in error for words in ("already running", "already being started", "just starting or ending"))
        assert workbench.listed("one")["state"] == "running"
        assert workbench("stop", "one", "--timeout", "0", "--kill").code == 0


def test_a_starter_that_is_killed_leaves_a_guest_that_is_found(workbench: CommandLine) -> None:
    """From the moment that QEMU is there, it is never taken for nothing, whatever becomes of its starter."""
    workbench.profile("one", FIRMWARE)
    starter = workbench.begin("start", "one")
    wait_until((workbench.state / "one" / "qemu.log").exists, "QEMU to begin")
    starter.kill()
    starter.communicate()
    wait_until(lambda: workbench.listed("one")["state"] == "running", "the guest in the list")
    assert workbench("stop", "one", "--timeout", "0", "--kill").code == 0


# A guest that dies, or stands still.


def test_a_killed_qemu_is_told_at_once(workbench: CommandLine) -> None:
    workbench.profile("one", FIRMWARE)
    for _ in range(3):
        os.kill(workbench.start("one"), signal.SIGKILL)
        guest = workbench.listed("one")  # no wait: the kernel may still be taking QEMU apart
        assert (guest["state"], guest["pid"], guest["ended"]) == ("stopped", None, "killed by signal 9")
        assert "last run: killed by signal 9" in workbench("list").stdout
        assert entries(workbench.state) == []


def test_a_command_that_waits_is_told_how_its_qemu_ended(workbench: CommandLine) -> None:
    workbench.profile("one", FIRMWARE)
    pid = workbench.start("one")
    waiting = workbench.begin("balloon", "one", "48M", "--wait", "60")
    wait_until((workbench.state / "one" / "balloon.json").exists, "the target to be sent")
    os.kill(pid, signal.SIGKILL)
    _, errors = waiting.communicate(timeout=30)
    assert waiting.returncode == 1
    assert "workbench: one: killed by signal 9: the connection to QEMU " in errors
    assert "hint: to start it again: workbench start one" in errors
    workbench("balloon", "one").check_error(3, "no running guest named 'one'")
    assert "hint: no guest is running; to start it: workbench start one" in workbench("balloon", "one").stderr


def test_a_start_right_after_a_kill(workbench: CommandLine) -> None:
    """The keeper of the run before must not write its exit status into the new run's directory."""
    workbench.profile("one", FIRMWARE)
    for _ in range(3):
        pid = workbench.start("one")
        os.kill(pid, signal.SIGKILL)
        again = workbench.start("one")
        assert again != pid
        assert workbench.listed("one")["state"] == "running"
        assert not (workbench.state / "one" / "exit").exists()
        assert workbench("stop", "one", "--timeout", "0", "--kill").code == 0


def test_stale_directories_are_cleaned(workbench: CommandLine) -> None:
    workbench.profile("one", FIRMWARE)
    stale = workbench.state / "one"
    stale.mkdir(parents=True, mode=0o700)
    workbench.state.chmod(0o700)
    (stale / "pid").write_text(f"{os.getpid()}\n")  # this number belongs to another program now
    (stale / "qmp-cli.sock").touch()
    (workbench.state / "forgotten").mkdir()
    guest = workbench.listed("one")
    assert (guest["state"], guest["ended"]) == ("stopped", "ended, exit status unknown")
    assert entries(workbench.state) == []


def test_a_frozen_qemu(workbench: CommandLine) -> None:
    workbench.profile("one", FIRMWARE)
    pid = workbench.start("one")
    with stopped(pid):
        begun = time.monotonic()
        assert workbench.listed("one")["state"] == "frozen"
        assert "frozen" in workbench("status", "one").stdout
        for arguments in (["balloon", "one"], ["pause", "one"], ["balloon", "one", "32M", "--wait"]):
            workbench(*arguments).check_error(
                1,
                "one does not answer: QEMU's process is stopped (SIGSTOP)",
                f"hint: to resume it: kill -CONT {pid}",
            )
        workbench("stop", "one", "--timeout", "0.5").check_error(
            4, "one is still running after 0.5 s", "stopped (SIGSTOP)"
        )
        workbench("start", "one").check_error(1, f"one is already running, pid {pid}")
        assert time.monotonic() - begun < 6 * QUICK
    assert workbench.listed("one")["state"] == "running"
    assert workbench("balloon", "one").code == 0


def test_a_qemu_that_freezes_while_it_is_asked(workbench: CommandLine) -> None:
    workbench.profile("one", FIRMWARE)
    pid = workbench.start("one")
    asking = workbench.begin("balloon", "one", "32M", "--wait", "60")
    wait_until((workbench.state / "one" / "balloon.json").exists, "the target to be sent")
    with stopped(pid):
        out, err = asking.communicate(timeout=30)
    assert (asking.returncode, out) == (1, "")
    assert f"hint: to resume it: kill -CONT {pid}" in err


def test_a_frozen_qemu_can_be_killed(workbench: CommandLine) -> None:
    workbench.profile("one", FIRMWARE)
    pid = workbench.start("one")
    with stopped(pid):
        done = workbench("stop", "one", "--kill")
        assert (done.code, done.stdout) == (0, "one: killed by signal 9\n")
    assert not psutil.pid_exists(pid)


def test_a_monitor_that_another_client_holds(workbench: CommandLine) -> None:
    """A second ``--wait`` of the command line meets the first on the same socket."""
    workbench.profile("one", FIRMWARE)
    workbench.start("one")
    first = workbench.begin("balloon", "one", "32M", "--wait", "60")
    wait_until((workbench.state / "one" / "balloon.json").exists, "the first client")
    workbench("pause", "one").check_error(
        1, "no greeting on qmp-cli.sock", "hint: a monitor serves one client at a time"
    )
    assert workbench.listed("one")["state"] == "unknown"
    first.terminate()
    first.communicate()
    assert workbench("pause", "one").code == 0


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that stands still, until the body is over."""
    process = psutil.Process(pid)
    process.suspend()
    try:
        wait_until(lambda: process.status() == psutil.STATUS_STOPPED, "the process to stop")
        yield
    finally:
        if process.is_running():
            process.resume()


# Where there is no room.


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_leaves_no_half_started_guest() -> None:
    with command_line() as workbench:
        workbench.profile("one", FIRMWARE)
        workbench.state.mkdir(mode=0o700)
        mount(workbench.state)
        try:
            fill(workbench.state / "filler")
            workbench("start", "one").check_error(1, "one: cannot write to", "No space left", "hint: free some space")
            assert entries(workbench.state) == ["filler"]
            (workbench.state / "filler").unlink()
            workbench.start("one")
            fill(workbench.state / "filler")
            done = workbench("balloon", "one", "32M", "--json")
            assert (done.code, done.json["target"]) == (0, 32 << 20), "a target is sent also when it cannot be noted"
            assert workbench("stop", "one", "--timeout", "0", "--kill").code == 0
        finally:
            workbench.end_guests()
            os.system(f"umount {workbench.state}")


def mount(directory: Path) -> None:
    if not shutil.which("mount") or os.system(f"mount -t tmpfs -o size=256k,mode=700 none {directory} 2>/dev/null"):
        pytest.skip("a tmpfs cannot be mounted here")


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return
