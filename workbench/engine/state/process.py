"""Identifies a process by pid and start time, and checks whether it is still alive."""

from __future__ import annotations

import os
from pathlib import Path


def born(pid: int) -> int:
    """Start time of a process in clock ticks since the host's boot (proc_pid_stat(5), field 22); 0 if it is gone.

    It identifies a process even if its pid is reused.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return 0 if fields[0] in "ZX" else int(fields[19])
    except (OSError, IndexError, ValueError):
        return 0


def lives(pid: int, start: int) -> bool:
    """Whether the process with this pid and start time is alive."""
    return born(pid) == start != 0


def this_process() -> tuple[int, int]:
    """Our own pid and start time."""
    return os.getpid(), born(os.getpid())
