"""Reads the command line of any QEMU on this host (proc_pid_cmdline(5))."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from workbench.domain.convert.shell.qemu_commands import PROGRAM
from workbench.errors import HostError, NotFound


def command_line_of(pid: int) -> tuple[list[str], str]:
    """Its arguments, the program first, and its working directory.

    :raise NotFound: if there is no such process.
    :raise HostError: if it cannot be inspected, or is not a QEMU.
    """
    try:
        process = psutil.Process(pid)
        argv, directory = process.cmdline(), process.cwd()
    except psutil.NoSuchProcess as error:
        raise NotFound(f"no process with pid {pid}") from error
    except psutil.AccessDenied as error:
        whose = process.username()
        by = "root" if whose == "root" else f"{whose} or root"
        raise HostError(
            f"no permission to inspect process {pid}: it belongs to {whose}",
            hint=f"run this as {by}",
        ) from error
    # argv[0] can be anything (execve(2)): the executable counts, if it can be read.
    program = _program(process)
    if not argv or not PROGRAM.match(program or argv[0]):
        what = os.path.basename(argv[0]) if argv else "a kernel thread or a process that has ended"
        raise HostError(f"process {pid} is not a QEMU: {what}", hint="to list QEMU processes: pgrep -a qemu-system")
    return argv, directory


def read_config(directory: str, path: str) -> str:
    """The text of a file that ``-readconfig`` names.

    :param directory: base of relative paths.
    :raise ValueError: if it cannot be read, with the reason.
    """
    try:
        return Path(directory, path).read_text()
    except OSError as error:
        raise ValueError(str(error.strerror)) from error
    except UnicodeDecodeError as error:
        raise ValueError("not valid UTF-8") from error


def command_outputs() -> dict[str, str]:
    """Output on this host of the commands that scripts call most."""
    host = os.uname()
    found = {"uname": host.sysname, "uname -s": host.sysname, "uname -m": host.machine, "uname -r": host.release}
    found |= {"arch": host.machine, "hostname": host.nodename}
    found |= {"nproc": str(len(os.sched_getaffinity(0))), "nproc --all": str(os.cpu_count() or 1)}
    return found | {"id -u": str(os.geteuid()), "id -g": str(os.getegid())}


def _program(process: psutil.Process) -> str:
    """The path of its executable, also if that was replaced since, as by an upgrade (proc_pid_exe(5))."""
    try:
        return str(process.exe()).removesuffix(" (deleted)")
    except psutil.Error:
        return ""
