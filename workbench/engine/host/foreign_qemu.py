"""The command line of a QEMU that somebody runs on this host (proc_pid_cmdline(5))."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from workbench.domain.convert.shell.qemu_commands import PROGRAM
from workbench.errors import HostError, NotFound


def command_line_of(pid: int) -> tuple[list[str], str]:
    """Its words, the program first, and the directory where its relative paths begin.

    :raise NotFound: when no such process runs.
    :raise HostError: when it may not be looked at, or is no QEMU.
    """
    try:
        process = psutil.Process(pid)
        argv, directory = process.cmdline(), process.cwd()
    except psutil.NoSuchProcess as error:
        raise NotFound(f"no process {pid} runs") from error
    except psutil.AccessDenied as error:
        whose = process.username()
        by = "root" if whose == "root" else f"{whose}, or as root"
        raise HostError(
            f"process {pid} may not be looked at: it is {whose}'s",
            hint=f"run this as {by}",
        ) from error
    # A process can call itself anything: what it runs counts, where that can be seen (execve(2)).
    program = _program(process)
    if not argv or not PROGRAM.match(program or argv[0]):
        what = os.path.basename(argv[0]) if argv else "a kernel thread or a process that has ended"
        raise HostError(f"process {pid} is no QEMU: {what}", hint="what runs: pgrep -a qemu-system")
    return argv, directory


def read_config(directory: str, path: str) -> str:
    """The text of a file that ``-readconfig`` names.

    :param directory: where relative paths begin.
    :raise ValueError: when it cannot be read, with the reason.
    """
    try:
        return Path(directory, path).read_text()
    except OSError as error:
        raise ValueError(str(error.strerror)) from error
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8") from error


def said_here() -> dict[str, str]:
    """What the commands say on this host that scripts ask most."""
    host = os.uname()
    said = {"uname": host.sysname, "uname -s": host.sysname, "uname -m": host.machine, "uname -r": host.release}
    said |= {"arch": host.machine, "hostname": host.nodename}
    said |= {"nproc": str(len(os.sched_getaffinity(0))), "nproc --all": str(os.cpu_count() or 1)}
    return said | {"id -u": str(os.geteuid()), "id -g": str(os.getegid())}


def _program(process: psutil.Process) -> str:
    """The path of what it runs; a program that was replaced meanwhile, as by an upgrade, is the same (proc_pid_exe(5))."""
    try:
        return str(process.exe()).removesuffix(" (deleted)")
    except psutil.Error:
        return ""
