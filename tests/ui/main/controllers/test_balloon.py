"""Requests of the balloon panel, and alarms of the guards, on a fake engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.ui.fake_engine import NOW, RAM, running
from tests.ui.main.fake_windows import Bench
from workbench.domain.balloon.safety.forecast import Forecast, Risk
from workbench.domain.balloon.safety.guard import Alarm
from workbench.domain.balloon.safety.protection import Protection
from workbench.domain.units import MIB
from workbench.errors import WorkbenchError
from workbench.ui.main.controllers.alarms import GuardAlarms
from workbench.ui.main.controllers.balloon import BalloonRequests

if TYPE_CHECKING:
    from workbench.domain.guest.snapshot import GuestSnapshot

SAFE = Forecast(RAM // 2, 200 * MIB, None, 2.0)
RISKY = replace(SAFE, risk=Risk.BELOW_FLOOR, risk_words="below the floor")
PRESETS = (("small", "64M"), ("large", "max"))


async def test_a_safe_target_is_sent_without_a_question() -> None:
    bench = Bench()
    assert await BalloonRequests(bench.desk).set_target(SAFE)
    assert bench.guest.asked == [("target", RAM // 2)]
    assert bench.windows.asked == []


@pytest.mark.parametrize(("answer", "sent"), [("send", True), ("", False)])
async def test_a_risky_target_is_sent_only_with_consent(answer: str, sent: bool) -> None:
    bench = Bench()
    bench.windows.answers = [answer]
    assert await BalloonRequests(bench.desk).set_target(RISKY) is sent
    assert bench.guest.asked == ([("target", RAM // 2)] if sent else [])
    assert "below the floor" in bench.windows.asked[0][1]


async def test_consent_is_for_one_run_of_the_guest() -> None:
    bench = Bench()
    bench.windows.answers = ["send"]
    bench.windows.while_open = lambda: bench.publish(running(pid=4712))
    assert not await BalloonRequests(bench.desk).set_target(RISKY)
    assert bench.guest.asked == []


async def test_a_risky_target_goes_to_the_guest_that_was_asked_about() -> None:
    bench = Bench(running(), running("other"))
    bench.windows.answers = ["send"]
    bench.windows.while_open = lambda: bench.desk.choose(running("other"))
    assert await BalloonRequests(bench.desk).set_target(RISKY)
    assert bench.guest.asked == [("target", RAM // 2)]
    assert bench.engine.guest("other").asked == []


async def test_a_target_that_fails_was_not_sent() -> None:
    bench = Bench()
    bench.guest.failure = WorkbenchError("no balloon")
    assert not await BalloonRequests(bench.desk).set_target(SAFE)
    assert bench.windows.errors == [bench.guest.failure]


async def test_a_preset_is_for_the_guest_whose_presets_were_shown() -> None:
    bench = Bench(running(), running("other"))
    bench.windows.answers = ["small", "", "small"]
    requests = BalloonRequests(bench.desk)
    assert await requests.choose_preset(PRESETS) == "small"
    assert await requests.choose_preset(PRESETS) == ""
    bench.windows.while_open = lambda: bench.desk.choose(running("other"))
    assert await requests.choose_preset(PRESETS) == ""


ALARM = Alarm(NOW, "only 12 MiB available", 128 * MIB)


def alarmed(name: str, alarm: Alarm | None = ALARM) -> GuestSnapshot:
    return running(name, protection=Protection(alarm=alarm))


def test_each_alarm_is_shown_once() -> None:
    bench = Bench(running(), running("other"))
    alarms = GuardAlarms(bench.desk, lambda: True)
    for alarm in (None, ALARM, ALARM, None, ALARM, replace(ALARM, time=NOW + 60)):
        alarms.show(alarmed("other", alarm))
    assert bench.windows.told == [("error", "Guard: other got 128 MiB back: only 12 MiB available")] * 2


@pytest.mark.parametrize(("visible", "told"), [(True, 0), (False, 1)])
def test_the_alarm_of_the_guest_shown_is_in_its_panel(visible: bool, told: int) -> None:
    bench = Bench()
    GuardAlarms(bench.desk, lambda: visible).show(alarmed("demo"))
    assert len(bench.windows.told) == told
