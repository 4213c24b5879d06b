"""The states of a guest, and how its end is told."""

from __future__ import annotations

import signal

import pytest

from workbench.domain.lifecycle import Phase, exit_words, phase_of

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
        (None, "ended; nobody saw how"),
        (0, "powered off"),
        (1, "ended with exit status 1"),
        (128, "ended with exit status 128"),
        (128 + signal.SIGKILL, "killed by signal 9"),
        (128 + signal.SIGSEGV, "killed by signal 11"),
    ],
)
def test_an_end_in_words(code: int | None, words: str) -> None:
    assert exit_words(code) == words
