"""The desk of the main screen: the guest shown, attempts and questions, without a screen."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.ui.fake_engine import FakeEngine, running
from tests.ui.main.fake_windows import Bench, FakeWindows
from workbench.domain.guest.lifecycle import Exit
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.errors import NotFound, WorkbenchError
from workbench.ui.main.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Callable

ENDED = GuestSnapshot("demo", ended=Exit(0))


def test_a_desk_needs_no_textual() -> None:
    code = "import sys, workbench.ui.main.desk; print(sorted(name for name in sys.modules if name == 'textual'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_no_guest_is_chosen_at_first() -> None:
    desk = Desk(FakeEngine(running()), FakeWindows())
    assert desk.chosen is None
    assert not desk.still_shown(running())
    assert desk.still_runs(running())


@pytest.mark.parametrize(
    ("now", "shown"),
    [
        (running(status="paused"), True),
        (running(pid=4712), False),
        (ENDED, False),
        (running("other"), False),
    ],
)
def test_a_guest_is_still_shown_while_its_run_is(now: GuestSnapshot, shown: bool) -> None:
    bench = Bench()
    bench.desk.choose(now)
    assert bench.desk.still_shown(running()) is shown


@pytest.mark.parametrize(
    ("change", "runs"),
    [
        (lambda bench: bench.engine.publish(running(status="paused")), True),
        (lambda bench: bench.desk.choose(running("other")), True),
        (lambda bench: bench.engine.publish(running(pid=4712)), False),
        (lambda bench: bench.engine.publish(ENDED), False),
    ],
    ids=["paused", "not shown", "restarted", "ended"],
)
def test_a_guest_still_runs_until_its_run_ends(change: Callable[[Bench], None], runs: bool) -> None:
    bench = Bench()
    change(bench)
    assert bench.desk.still_runs(running()) is runs


async def test_an_attempt_that_succeeds_shows_nothing() -> None:
    bench = Bench()
    assert await bench.desk.attempt(lambda: bench.desk.guest("demo").pause())
    assert bench.guest.asked == ["pause"]
    assert bench.windows.errors == []


async def test_an_attempt_that_fails_shows_its_error() -> None:
    bench = Bench()
    bench.guest.failure = WorkbenchError("QEMU did not answer")
    assert not await bench.desk.attempt(lambda: bench.desk.guest("demo").pause())
    assert bench.windows.errors == [bench.guest.failure]


async def test_an_attempt_on_a_guest_that_is_gone_shows_that() -> None:
    bench = Bench()
    assert not await bench.desk.attempt(lambda: bench.desk.guest("gone").pause())
    assert isinstance(bench.windows.errors[0], NotFound)


async def test_an_attempt_hides_no_mistake_of_the_program() -> None:
    bench = Bench()

    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await bench.desk.attempt(broken)
    assert bench.windows.errors == []


async def test_what_is_told_and_asked_reaches_the_windows() -> None:
    bench = Bench()
    bench.windows.answers = ["kill"]
    bench.desk.tell("[3] messages", title="Saved", severity="warning")
    assert (
        await bench.desk.ask("Stop demo?", "Data is lost.", ("down", "Power down", ""), ("kill", "Kill", "")) == "kill"
    )
    assert bench.windows.told == [("warning", "Saved: [3] messages")]
    assert bench.windows.asked == [("Stop demo?", "Data is lost.", ("down", "kill"))]
