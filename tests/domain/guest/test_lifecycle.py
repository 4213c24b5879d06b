"""The states of a guest, and how its end is reported."""

from __future__ import annotations

import signal

import pytest

from workbench.domain.guest.lifecycle import Phase, exit_cause, exit_words, phase_of

RUN_STATES = [
    "debug", "inmigrate", "internal-error", "io-error", "paused", "postmigrate", "prelaunch", "finish-migrate",
    "restore-vm", "running", "save-vm", "shutdown", "suspended", "watchdog", "guest-panicked", "colo",
]  # fmt: skip
"""qapi/run-state.json, ``RunState``."""


@pytest.mark.parametrize("status", RUN_STATES)
def test_only_running_runs(status: str) -> None:
    expected = {"running": Phase.RUNNING, "shutdown": Phase.STOPPING}.get(status, Phase.PAUSED)
    assert phase_of(status) is expected


def test_only_a_stopped_guest_has_no_process() -> None:
    assert [phase for phase in Phase if not phase.alive] == [Phase.STOPPED]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (None, "ended, exit status unknown"),
        (0, "powered off"),
        (1, "ended with exit status 1"),
        (128, "ended with exit status 128"),
        (128 + signal.SIGKILL, "killed by signal 9"),
        (128 + signal.SIGSEGV, "killed by signal 11"),
        (128 + signal.SIGBUS, "killed by signal 7 (SIGBUS)"),
    ],
)
def test_how_it_ended(code: int | None, words: str) -> None:
    assert exit_words(code) == words


@pytest.mark.parametrize(
    ("reporting", "prealloc", "words"),
    [
        (True, True, "free page reporting had returned pages"),
        (True, False, "free page reporting had returned pages"),
        (False, False, "the pool was empty"),
        (False, True, "cause unknown"),
    ],
)
def test_a_death_by_sigbus_has_a_cause_on_hugepages_only(reporting: bool, prealloc: bool, words: str) -> None:
    bus = 128 + signal.SIGBUS
    assert words in exit_cause(bus, hugepages=True, reporting=reporting, prealloc=prealloc)
    assert exit_cause(bus, hugepages=False, reporting=reporting, prealloc=prealloc) == ""
    for other in (None, 0, 1, 7, 128 + signal.SIGKILL):
        assert exit_cause(other, hugepages=True, reporting=reporting, prealloc=prealloc) == ""
