"""The life cycle of guests on a fake engine: questions, and what is sent after them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ui.fake_engine import running
from tests.ui.main.fake_windows import Bench
from tests.ui.main.opened import STOPPED
from workbench.domain.guest.lifecycle import Exit, Phase
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.domain.host.hugepages import HugepageShortage, Shortage, Supply
from workbench.errors import StartError, WorkbenchError
from workbench.ui.main.controllers.guests import LifeCycle

if TYPE_CHECKING:
    from workbench.ui.guests.list import Action

PAUSED = running(phase=Phase.PAUSED)
SHORTAGE = HugepageShortage("30 hugepages are missing", Shortage(2 << 20, 32, 2, 2), hint="sudo sysctl …")


class Case(Bench):
    """The life cycle at a desk."""

    def __init__(self, *snapshots: GuestSnapshot, answers: tuple[str, ...] = ()) -> None:
        super().__init__(*snapshots)
        self.windows.answers = list(answers)
        self.later: list[GuestSnapshot] = []
        """The guests that are to be killed later if they still run."""
        self.rebalanced: list[object] = []
        """The engines whose guests are to be rebalanced."""
        self.life_cycle = LifeCycle(self.desk, self.rebalanced.append, self.later.append)


@pytest.mark.parametrize(
    ("snapshot", "action", "answers", "sent"),
    [
        (running(), "pause", (), ["pause"]),
        (PAUSED, "pause", (), ["resume"]),
        (running(), "reset", ("reset",), ["reset"]),
        (running(), "reset", ("",), []),
        (running(), "stop", ("down",), ["power_down"]),
        (running(), "stop", ("kill",), ["kill"]),
        (running(), "stop", ("",), []),
    ],
)
async def test_actions_on_a_running_guest(
    snapshot: GuestSnapshot, action: Action, answers: tuple[str, ...], sent: list[str]
) -> None:
    case = Case(snapshot, answers=answers)
    await case.life_cycle.act(action, "demo")
    assert case.guest.asked == sent
    assert case.windows.answers == [], "every question was asked"


@pytest.mark.parametrize("action", ["stop", "pause", "reset"])
async def test_actions_on_a_stopped_guest_name_the_key_that_starts_it(action: Action) -> None:
    case = Case(STOPPED)
    await case.life_cycle.act(action, "alpine")
    assert case.guest.asked == []
    assert case.windows.told == [("warning", "alpine is not running: s starts it")]


@pytest.mark.parametrize(("action", "answer"), [("reset", "reset"), ("stop", "kill"), ("stop", "down")])
@pytest.mark.parametrize("now", [running(pid=4712), GuestSnapshot("demo", ended=Exit(0))], ids=["restarted", "ended"])
async def test_an_answer_is_for_one_run(action: Action, answer: str, now: GuestSnapshot) -> None:
    case = Case(answers=(answer,))
    case.windows.while_open = lambda: case.publish(now)
    await case.life_cycle.act(action, "demo")
    assert case.guest.asked == []
    assert case.later == []


async def test_a_guest_that_ignores_its_power_button_can_be_killed() -> None:
    case = Case(answers=("down", "kill"))
    await case.life_cycle.act("stop", "demo")
    assert case.later == [running()]
    await case.life_cycle.offer_kill(case.later[0])
    assert "within 10 s" in case.windows.asked[-1][1]
    assert case.guest.asked == ["power_down", "kill"]


async def test_a_guest_that_powered_down_is_not_asked_about() -> None:
    case = Case(answers=("down",))
    await case.life_cycle.act("stop", "demo")
    case.publish(GuestSnapshot("demo", ended=Exit(0)))
    await case.life_cycle.offer_kill(case.later[0])
    assert len(case.windows.asked) == 1


async def test_a_power_button_that_cannot_be_pressed_is_not_waited_for() -> None:
    case = Case(answers=("down",))
    case.guest.failure = WorkbenchError("QEMU did not answer")
    await case.life_cycle.act("stop", "demo")
    assert case.later == []
    assert case.windows.errors == [case.guest.failure]


async def test_only_a_paused_guest_is_said_to_need_resuming() -> None:
    for snapshot in (running(), PAUSED):
        case = Case(snapshot, answers=("",))
        await case.life_cycle.act("stop", "demo")
        assert ("only once resumed" in case.windows.asked[0][1]) is (snapshot is PAUSED)


async def test_cautions_are_shown_before_the_start() -> None:
    case = Case(GuestSnapshot("demo", cautions=("the disk is shared",)))
    await case.life_cycle.act("start", "demo")
    assert case.windows.told == [("warning", "demo: the disk is shared")]
    assert case.engine.started == ["demo"]


async def test_a_running_guest_is_not_started() -> None:
    case = Case()
    await case.life_cycle.act("start", "demo")
    assert case.engine.supplies == []
    assert case.windows.told == [("warning", "demo is already running")]


@pytest.mark.parametrize(
    ("answer", "supplies"),
    [
        ("", [Supply.NOTHING]),
        ("return", [Supply.NOTHING, Supply.RETURN]),
        ("keep", [Supply.NOTHING, Supply.KEEP]),
    ],
)
async def test_missing_hugepages_are_allocated_with_consent(answer: str, supplies: list[Supply]) -> None:
    case = Case(STOPPED, answers=(answer,))
    case.engine.start_failure = SHORTAGE
    await case.life_cycle.act("start", "alpine")
    assert case.engine.supplies == supplies
    assert case.windows.asked[0][1].startswith("30 hugepages are missing.\n\nsudo sysctl …\n\n")


async def test_any_other_failure_of_a_start_is_shown() -> None:
    case = Case(STOPPED)
    case.engine.start_failure = StartError("QEMU ended", output="", hint="")
    await case.life_cycle.act("start", "alpine")
    assert case.windows.errors == [case.engine.start_failure]


async def test_a_rebalance_needs_a_running_guest() -> None:
    case = Case(STOPPED)
    await case.life_cycle.act("rebalance", "alpine")
    assert case.rebalanced == []
    assert case.windows.told == [("warning", "No guest is running: s starts the chosen one")]
    case = Case(STOPPED, running())
    await case.life_cycle.act("rebalance", "alpine")
    assert case.rebalanced == [case.engine]


async def test_an_action_on_a_guest_that_is_gone_does_nothing() -> None:
    case = Case()
    await case.life_cycle.act("stop", "gone")
    assert (case.windows.asked, case.windows.told, case.windows.errors) == ([], [], [])
