"""Whether a guest lives, asked of the kernel's list of processes; and the shell that keeps how it ended.

::

    workbench ── sh (own session) ── QEMU        sh waits, and writes QEMU's exit status to NAME/exit:
                                                 so how a guest ended is known also when its screen is long gone
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
orphaned at once, so that no workbench ever has to reap it; the kernel shows the subshell with the same arguments.

``:`` is there because a shell becomes the last command of a subshell with execve(2), without a fork: a keeper that
became ``mv`` could not be told from one that has gone, and the end was not written yet."""

GONE = "gone"
"""A shell script in the guest's directory that the keeper runs when QEMU has ended, where there is one to run."""
_RETURNS = KEEPER.replace("; echo $? >", f'; code=$?; sh "$0/{GONE}" "$0" >>"$0/qemu.log" 2>&1; echo $code >')
KEEPERS = {
    (there, returns): (_RETURNS if returns else KEEPER).replace("cd / && ", "" if there else "cd / && ")
    for there in (False, True)
    for returns in (False, True)
}
"""The same, in the directory where it is run (for a profile whose own arguments may have relative paths: any other guest
keeps no file system busy), and with the script that is run before the end counts as written."""


def live_pid(path: Path) -> int | None:
    """The pid of the QEMU that this guest directory belongs to, if it lives.

    A zombie has ended. A process that does not name our pid file is another program that got the number since.
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
    """The shell that started this guest, if it lives: then QEMU starts, runs, or ended a moment ago.

    Until it has written how QEMU ended, the directory is not over, although no QEMU may stand in its pid file yet or
    any more. Looks at every process, so it is asked only of a directory that seems to be stale.
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
    """Whether a path on a command line is this one, however it was written: by a link, or with ``..`` in it."""
    try:
        return written == str(path) or os.path.samefile(written, path)
    except OSError:
        return False
