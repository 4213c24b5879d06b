"""The states of a guest and their transitions.

::

              start                 QMP answers
    STOPPED ────────► STARTING ───────────────────► RUNNING ◄──────────┐
       ▲                  │                          │  ▲ │            │
       │                  │ QEMU exits         pause │  │ │ power down │ power-down
       │                  ▼                          ▼  │ ▼            │ not followed
       └──────────── (StartError)                 PAUSED│ STOPPING ────┘
       ▲                                             │  │    │
       └─────────────────────────────────────────────┴──┴────┘ QEMU's process ends

Independent of the phase is ``answering``: a QEMU frozen with SIGSTOP stays RUNNING or PAUSED until it answers again.
"""

from __future__ import annotations

from enum import Enum, StrEnum

from msgspec import Struct


class Phase(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"

    @property
    def alive(self) -> bool:
        """Whether there is a QEMU process."""
        return self is not Phase.STOPPED


SIGBUS = 7
"""On x86 and ARM (signal(7))."""


class Silence(Enum):
    """Why a live QEMU does not answer."""

    STOPPED = "stopped"
    """Its process is stopped by a signal or a debugger."""
    OCCUPIED = "occupied"
    """It accepts the connection but sends nothing: it is busy, or another client holds its monitor."""
    BROKEN = "broken"
    """Its monitor cannot be reached, or answers with an error."""

    @property
    def words(self) -> str:
        """For people, without a hint."""
        return SILENCE_WORDS[self]


SILENCE_WORDS = {
    Silence.STOPPED: "QEMU's process is stopped (SIGSTOP)",
    Silence.OCCUPIED: (
        "QEMU does not answer: it is busy, or another client (such as a second workbench) holds its monitor"
    ),
    Silence.BROKEN: "QEMU does not answer",
}


RUNNING_STATES = frozenset({"running"})
"""The ``status`` values of ``query-status`` in which the CPUs run (qapi/run-state.json, ``RunState``)."""


def phase_of(status: str) -> Phase:
    """The phase for a QEMU ``RunState``: in all but ``running`` and ``shutdown`` the CPUs are stopped."""
    if status in RUNNING_STATES:
        return Phase.RUNNING
    if status == "shutdown":
        return Phase.STOPPING
    return Phase.PAUSED


def exit_words(code: int | None) -> str:
    """How a process ended, for people.

    :param code: the exit status as a shell reports it (128 + signal number); None if unknown.
    """
    if code is None:
        return "ended, exit status unknown"
    if code == 0:
        return "powered off"
    if code == 128 + SIGBUS:
        return f"killed by signal {SIGBUS} (SIGBUS)"
    if code > 128:
        return f"killed by signal {code - 128}"
    return f"ended with exit status {code}"


class Exit(Struct, frozen=True):
    """How a QEMU process ended."""

    code: int | None
    """The exit status as a shell reports it; None if unknown."""

    @property
    def orderly(self) -> bool:
        """Whether the guest powered off or was shut down, rather than crashed."""
        return self.code == 0

    @property
    def words(self) -> str:
        return exit_words(self.code)

    @property
    def short(self) -> str:
        """:attr:`words` for a narrow column."""
        return "killed by SIGBUS" if self.code == 128 + SIGBUS else self.words


def exit_cause(code: int | None, *, hugepages: bool, reporting: bool, prealloc: bool) -> str:
    """Why a QEMU died and what to do; empty if unknown.

    The kernel sends SIGBUS on a page fault that it cannot serve from a file: for hugetlb, when the pool is empty
    (mm/hugetlb.c, ``hugetlb_no_page``). For ordinary memory the cause is not known.

    :param reporting: whether free page reporting was on.
    :param prealloc: whether all pages were allocated at the start.
    """
    if code != 128 + SIGBUS or not hugepages:
        return ""
    if reporting:
        return (
            "no hugepage left: free page reporting had returned pages to the pool, and another process took them; "
            "set free-page-reporting = false, or keep enough pages free in the pool"
        )
    if not prealloc:
        return "no hugepage left: the pool was empty; set prealloc = true"
    return "a hugepage could not be accessed, cause unknown; check the kernel log for memory errors"
