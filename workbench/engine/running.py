"""The command line of a QEMU that somebody runs on this host (proc_pid_cmdline(5))."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from workbench.domain.imports.shell import PROGRAM
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
        raise HostError(f"process {pid} is another user's", hint="run this as that user, or as root") from error
    if not argv or not (PROGRAM.match(argv[0]) or PROGRAM.match(_program(process))):
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


def _program(process: psutil.Process) -> str:
    try:
        return str(process.exe())
    except psutil.Error:
        return ""
