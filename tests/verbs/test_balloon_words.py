"""A balloon in words for people: what is said of figures that are older than the target."""

from __future__ import annotations

import time

from workbench.domain.balloon import Balloon, GuestStats, State
from workbench.domain.causes import Verdict
from workbench.domain.ledger import Ledger, Moment
from workbench.domain.standing import Standing
from workbench.verbs.balloon_words import as_lines

MIB = 1 << 20


def said_of_the_guest(*, spoken_since: bool) -> str:
    now = time.time()
    ledger = Ledger(
        512 * MIB,
        Moment(now, target=256 * MIB, actual=256 * MIB, available=160 * MIB if spoken_since else None),
        Moment(now - 1, target=512 * MIB, actual=512 * MIB, available=420 * MIB),
    )
    stats = GuestStats(now - 2, 2, available=420 * MIB)
    lines = as_lines("demo", Balloon(Verdict(State.SETTLED), stats=stats, ledger=ledger), Standing())
    return next(line for line in lines if line.startswith("  guest "))


def test_figures_from_before_the_change_are_told_as_that() -> None:
    assert said_of_the_guest(spoken_since=False) == "  guest      420 MiB available, 2 s ago, before the target changed"


def test_figures_from_after_it_are_not() -> None:
    assert said_of_the_guest(spoken_since=True) == "  guest      420 MiB available, 2 s ago"
