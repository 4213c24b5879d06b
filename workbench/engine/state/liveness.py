"""Whether a guest is alive, by the kernel's list of processes; and the shell script that keeps its exit status.

::

    workbench ── sh (own session) ── QEMU        sh waits, and writes QEMU's exit status to NAME/exit:
                                                 so it is known even if no screen is open
"""

from __future__ import annotations

import os
from itertools import pairwise
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pathlib import Path

KEEPER = '( cd / && "$@" </dev/null >>"$0/qemu.log" 2>&1; echo $? >"$0/exit.new"; mv "$0/exit.new" "$0/exit"; : ) &'
"""The shell script that runs QEMU and keeps its exit status: ``sh -c KEEPER DIRECTORY QEMU ARGUMENT…``. Its subshell is
orphaned at once, so that no workbench has to reap it; the kernel shows the subshell with the same arguments.

``:`` is there because a shell may execve(2) the last command of a subshell without a fork: a keeper that became ``mv``
would look as if it had gone before the exit status was written."""

GONE = "gone"
"""An optional shell script in the guest's directory that the keeper runs when QEMU has ended."""
_RETURNS = KEEPER.replace("; echo $? >", f'; code=$?; sh "$0/{GONE}" "$0" >>"$0/qemu.log" 2>&1; echo $code >')
KEEPERS = {
    (there, returns): (_RETURNS if returns else KEEPER).replace("cd / && ", "" if there else "cd / && ")
    for there in (False, True)
    for returns in (False, True)
}
"""Variants by whether it stays in the current directory (for ``[qemu] args`` with relative paths; other guests keep no
file system busy), and whether it runs :data:`GONE` before it writes the exit status."""


def live_pid(path: Path) -> int | None:
    """The pid of this guest directory's QEMU, if it is alive.

    A zombie has ended. A process that does not name our pid file is another program with a reused pid.
    """
    pid_file = path / "pid"
    try:
        pid = int(pid_file.read_text())
        process = psutil.Process(pid)
        argv = process.cmdline()
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
    except (OSError, ValueError, psutil.Error):
        return None
    named = any(option == "-pidfile" and _same_file(value, pid_file) for option, value in pairwise(argv))
    return pid if named else None


def is_over(path: Path) -> bool:
    """Whether nothing of a guest is left but its directory."""
    return live_pid(path) is None and ((path / "exit").exists() or not any(path.iterdir()) or keeper_of(path) is None)


def keeper_of(path: Path) -> psutil.Process | None:
    """The shell that started this guest, if it is alive: then QEMU is starting, running, or has just ended.

    Until it has written QEMU's exit status, the directory is in use, even if there is no QEMU in its pid file yet or any
    more. Scans all processes, so call it only for a directory that seems stale.
    """
    for process in psutil.process_iter():
        try:
            argv = process.cmdline()
        except psutil.Error:
            continue
        if argv[1:2] == ["-c"] and len(argv) > 3 and argv[2] in KEEPERS.values() and _same_file(argv[3], path):
            return process
    return None


def _same_file(written: str, path: Path) -> bool:
    """Whether a path on a command line is this one, also through a link or with ``..`` in it."""
    try:
        return written == str(path) or os.path.samefile(written, path)
    except OSError:
        return False
