"""The states of a guest and the moves between them.

::

              start                 QMP answers
    STOPPED ────────► STARTING ───────────────────► RUNNING ◄──────────┐
       ▲                  │                          │  ▲ │            │
       │                  │ QEMU exits         pause │  │ │ power down │ power-down
       │                  ▼                          ▼  │ ▼            │ not followed
       └──────────── (StartError)                 PAUSED│ STOPPING ────┘
       ▲                                             │  │    │
       └─────────────────────────────────────────────┴──┴────┘ QEMU's process ends

Beside the phase stands ``answering``: a QEMU that was frozen with SIGSTOP is still RUNNING or PAUSED,
and nobody can know more until it answers again.
"""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"

    @property
    def alive(self) -> bool:
        """Whether a QEMU process stands behind it."""
        return self is not Phase.STOPPED


RUNNING_STATES = frozenset({"running"})
"""The ``status`` values of ``query-status`` in which the CPUs run (qapi/run-state.json, ``RunState``)."""


def phase_of(status: str) -> Phase:
    """The phase that a ``RunState`` of QEMU means: everything but ``running`` and ``shutdown`` has its CPUs stopped."""
    if status in RUNNING_STATES:
        return Phase.RUNNING
    if status == "shutdown":
        return Phase.STOPPING
    return Phase.PAUSED


def exit_words(code: int | None) -> str:
    """How a process ended, for people.

    :param code: the exit status as a shell reports it (128 + the signal's number for a signal); None if not known.
    """
    if code is None:
        return "ended; nobody saw how"
    if code == 0:
        return "powered off"
    if code > 128:
        return f"killed by signal {code - 128}"
    return f"ended with exit status {code}"
