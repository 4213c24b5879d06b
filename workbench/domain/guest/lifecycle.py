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
        """Whether a QEMU process stands behind it."""
        return self is not Phase.STOPPED


SIGBUS = 7
"""On x86 and ARM (signal(7))."""


class Silence(Enum):
    """Why a QEMU that lives gives no figures."""

    STOPPED = "stopped"
    """Its process is stopped by a signal or held by a debugger."""
    OCCUPIED = "occupied"
    """It accepts a client and says nothing: it is busy, or another client holds its monitor."""
    BROKEN = "broken"
    """Its monitor cannot be reached, or answers with an error."""

    @property
    def words(self) -> str:
        """For people, without what to do about it."""
        return SILENCE_WORDS[self]


SILENCE_WORDS = {
    Silence.STOPPED: "QEMU's process is stopped (SIGSTOP)",
    Silence.OCCUPIED: (
        "QEMU does not answer: it is busy, or another client holds its monitor, as a second screen of workbench does"
    ),
    Silence.BROKEN: "QEMU does not answer",
}


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
    if code == 128 + SIGBUS:
        return f"killed by signal {SIGBUS} (SIGBUS)"
    if code > 128:
        return f"killed by signal {code - 128}"
    return f"ended with exit status {code}"


class Exit(Struct, frozen=True):
    """How a QEMU's process ended."""

    code: int | None
    """The exit status as a shell reports it; None if not known."""

    @property
    def orderly(self) -> bool:
        """Whether the guest powered off or was shut down, rather than died."""
        return self.code == 0

    @property
    def words(self) -> str:
        return exit_words(self.code)

    @property
    def short(self) -> str:
        """:attr:`words` for a narrow column."""
        return "killed by SIGBUS" if self.code == 128 + SIGBUS else self.words


def exit_cause(code: int | None, *, hugepages: bool, reporting: bool, prealloc: bool) -> str:
    """Why a QEMU died, as far as that is known, and what to do; empty when it is not.

    The kernel sends SIGBUS for a touch of a page of a file that it cannot give; of hugetlb pages, when the pool has none
    left (mm/hugetlb.c, ``hugetlb_no_page``). On ordinary memory nothing is known.

    :param reporting: whether free page reporting was on.
    :param prealloc: whether all pages were taken at the start.
    """
    if code != 128 + SIGBUS or not hugepages:
        return ""
    if reporting:
        return (
            "a hugepage that it touched was gone: free page reporting had given it back to the pool, and somebody else "
            "took it; set free-page-reporting = false, or keep as many pages free in the pool"
        )
    if not prealloc:
        return "a hugepage that it touched was not to be had: the pool was empty; set prealloc = true"
    return "a hugepage that it touched was not to be had; why is not known: look at the kernel's log for memory errors"
