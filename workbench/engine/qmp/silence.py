"""Why a QEMU says nothing on its monitor. The kernel knows at once of a stopped process what a deadline only guesses."""

from __future__ import annotations

from functools import lru_cache

import psutil

from workbench.domain.guest.lifecycle import Silence
from workbench.errors import MonitorTimeout

_STOPPED = frozenset({psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP})
"""Stopped by a signal, or held by a debugger (proc_pid_stat(5): T, t)."""


def is_stopped(pid: int) -> bool:
    """Whether the process stands still until somebody lets it run on; False also when it is gone."""
    try:
        return _process(pid).status() in _STOPPED
    except psutil.Error:
        _process.cache_clear()  # another process may get its pid, and is not known to be gone
        return False


@lru_cache(maxsize=64)
def _process(pid: int) -> psutil.Process:
    """To make one reads more of /proc than the question itself, which is asked before each reading."""
    return psutil.Process(pid)


def silence_of(pid: int) -> Silence:
    """Why the monitor of this QEMU accepts a client and says nothing."""
    return Silence.STOPPED if is_stopped(pid) else Silence.OCCUPIED


def silence_words(pid: int, silence: Silence | None = None) -> str:
    """The same in words, with what to do about it.

    :param silence: what is known of it already; None to look now.
    """
    silence = silence or silence_of(pid)
    return f"{silence.words}; {_hint(pid)}" if silence is Silence.STOPPED else silence.words


def stopped_error(name: str, pid: int, *, sent: str = "") -> MonitorTimeout:
    """What is said of a request to a guest whose QEMU is stopped.

    :param sent: the command that had gone to it by then, and waits; empty when none had.
    """
    stopped = Silence.STOPPED.words
    if not sent:
        return MonitorTimeout(f"{name} does not answer: {stopped}; nothing was sent", hint=_hint(pid))
    words = f"{name} does not answer {sent}: {stopped}"
    return MonitorTimeout(words, hint=f"{_hint(pid)}; it carries the command out then", sent=sent)


def _hint(pid: int) -> str:
    return f"to let it run on: kill -CONT {pid}"
