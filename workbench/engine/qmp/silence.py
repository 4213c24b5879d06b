"""Why a QEMU is silent on its monitor: the kernel reports a stopped process at once, without waiting for a deadline."""

from __future__ import annotations

from functools import lru_cache

import psutil

from workbench.domain.guest.lifecycle import Silence
from workbench.errors import MonitorTimeout

_STOPPED = frozenset({psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP})
"""Stopped by a signal, or held by a debugger (proc_pid_stat(5): T, t)."""


def is_stopped(pid: int) -> bool:
    """Whether the process is stopped until it is resumed; also False when it has exited."""
    try:
        return _process(pid).status() in _STOPPED
    except psutil.Error:
        _process.cache_clear()  # its pid may be reused by another process
        return False


@lru_cache(maxsize=64)
def _process(pid: int) -> psutil.Process:
    """Cached, because creating one reads more of /proc than the status, which is checked before each reading."""
    return psutil.Process(pid)


def silence_of(pid: int) -> Silence:
    """Why the monitor of this QEMU accepts a client but stays silent."""
    return Silence.STOPPED if is_stopped(pid) else Silence.OCCUPIED


def silence_words(pid: int, silence: Silence | None = None) -> str:
    """The reason in words, with what to do about it.

    :param silence: the reason, if known already; None to determine it now.
    """
    silence = silence or silence_of(pid)
    return f"{silence.words}; {_hint(pid)}" if silence is Silence.STOPPED else silence.words


def stopped_error(name: str, pid: int, *, sent: str = "") -> MonitorTimeout:
    """The error for a request to a guest whose QEMU is stopped.

    :param sent: the command that was sent and is waiting; empty when none was.
    """
    stopped = Silence.STOPPED.words
    if not sent:
        return MonitorTimeout(f"{name} does not answer: {stopped}; nothing was sent", hint=_hint(pid))
    words = f"{name} does not answer {sent}: {stopped}"
    return MonitorTimeout(words, hint=f"{_hint(pid)}; it will then run the command", sent=sent)


def _hint(pid: int) -> str:
    return f"to resume it: kill -CONT {pid}"
