"""Commands of the QMP console, and requests of its record, on a fake engine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.ui.fake_engine import NOW, RAM, running
from tests.ui.main.fake_windows import Bench
from workbench.domain.balloon.safety.forecast import Forecast, Risk
from workbench.domain.preferences import Preferences
from workbench.domain.qmp.lookups import Known
from workbench.domain.qmp.record.record import Kind, Origin, Record
from workbench.domain.qmp.typed_line import Request, parse_line
from workbench.errors import HostError, WorkbenchError
from workbench.ui.main.controllers.qmp import NAMED, QmpCommands, typed
from workbench.ui.main.controllers.record import RecordRequests
from workbench.ui.qmp.waits import Wait, Waits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workbench.domain.qmp.lookups import Lookup
    from workbench.domain.qmp.record.record import Message

RISKY = Forecast(RAM // 2, 0, None, None, Risk.BELOW_FLOOR, "below the floor")


class Console:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.errors: list[WorkbenchError] = []
        self.waits = Waits()
        self.begun = asyncio.Event()
        """Set when a command was sent."""

    def explain(self, error: WorkbenchError) -> None:
        self.errors.append(error)

    def wait_for(self, command: str, give_up: Callable[[], object]) -> Wait:
        self.begun.set()
        return self.waits.begin(command, give_up)

    def no_longer(self, wait: Wait) -> None:
        self.waits.end(wait)


class Case(Bench):
    def __init__(self, *answers: str, plan: Forecast | None = None, ask: bool = True) -> None:
        super().__init__()
        self.windows.answers = list(answers)
        self.console = Console()
        self.planned: list[int] = []

        def planned(target: int) -> Forecast | None:
            self.planned.append(target)
            return plan

        self.commands = QmpCommands(self.desk, self.console, planned, Preferences(ask=ask))

    async def run(self, line: str) -> None:
        await self.commands.run(parse_line(line))


async def test_a_harmless_command_is_sent_at_once() -> None:
    case = Case()
    await case.run("query-status")
    assert case.guest.asked == [("execute", "query-status", {})]
    assert case.windows.asked == []
    assert not case.console.waits


@pytest.mark.parametrize(("answer", "sent"), [("send", 1), ("", 0)])
async def test_a_command_that_loses_something_is_sent_with_consent(answer: str, sent: int) -> None:
    case = Case(answer)
    await case.run("quit")
    assert case.windows.asked[0][0] == "quit on demo?"
    assert len(case.guest.asked) == sent


async def test_a_target_is_judged_like_one_of_the_panel() -> None:
    case = Case("", plan=RISKY)
    await case.run(f"balloon value={RAM // 2}")
    assert case.planned == [RAM // 2]
    assert "below the floor" in case.windows.asked[0][1]
    assert case.guest.asked == []
    case = Case(plan=replace(RISKY, risk=None))
    await case.run(f"balloon value={RAM // 2}")
    assert len(case.guest.asked) == 1


async def test_questions_can_be_switched_off() -> None:
    case = Case(plan=RISKY, ask=False)
    await case.run("quit")
    await case.run(f"balloon value={RAM // 2}")
    assert [what[1] for what in case.guest.asked] == ["quit", "balloon"]  # type: ignore[index]


async def test_consent_is_for_one_run_of_the_guest() -> None:
    case = Case("send")
    case.windows.while_open = lambda: case.publish(running(pid=4712))
    await case.run("quit")
    assert case.guest.asked == []
    assert [error.message for error in case.console.errors] == ["quit: not sent, demo has ended"]


async def test_an_error_is_explained_and_no_longer_waited_for() -> None:
    case = Case()
    case.guest.failure = WorkbenchError("the monitor is closed")
    await case.run("query-status")
    assert case.console.errors == [case.guest.failure]
    assert not case.console.waits


async def test_giving_up_ends_the_wait() -> None:
    case = Case()

    async def never(*_what: object, **_more: object) -> object:
        return await asyncio.Event().wait()

    case.guest.execute = never  # type: ignore[method-assign]
    running_command = asyncio.create_task(case.run("query-status"))
    await case.console.begun.wait()
    case.console.waits.give_up_oldest()
    await running_command
    assert not case.console.waits
    assert case.console.errors == []


def test_a_long_command_is_shortened_in_a_title() -> None:
    line = Request("human-monitor-command", {"command-line": "savevm \x1b"}, hmp=True)
    assert typed(line) == r"!savevm \x1b"
    assert len(typed(Request("x" * 100, {}))) == NAMED


# The record.


class Records(Bench):
    def __init__(self, *, in_tree: bool = True) -> None:
        super().__init__()
        self.shown: list[str] = []

        def go_to(device: str) -> bool:
            self.shown.append(device)
            return in_tree

        self.requests = RecordRequests(self.desk, go_to)
        self.guest.lookups.known = self.known  # type: ignore[method-assign]

    async def known(self, lookup: Lookup) -> Sequence[Known]:
        return [Known("/machine/peripheral/net0")] if lookup.of == "/machine/peripheral" else []


@pytest.mark.parametrize("device", ["net0", "/machine/peripheral/net0"])
async def test_an_event_leads_to_its_device(device: str) -> None:
    case = Records()
    await case.requests.show_device(device)
    assert case.shown == [device]
    assert case.windows.told == []


@pytest.mark.parametrize(("device", "in_tree"), [("net1", True), ("/machine/x", True), ("net0", False)])
async def test_a_device_that_is_gone_is_said_to_be(device: str, in_tree: bool) -> None:
    case = Records(in_tree=in_tree)
    await case.requests.show_device(device)
    assert case.shown == ([] if in_tree else [device])
    assert case.windows.told == [("information", f"{device} is not a device of this guest")]


async def test_a_record_without_messages_is_not_saved() -> None:
    case = Records()
    for record in (None, Record()):
        await case.requests.save(record)
    assert case.windows.told == [("information", "No messages yet")] * 2


async def test_a_record_is_saved_and_its_path_shown() -> None:
    case = Records()
    saved: list[tuple[str, int]] = []

    async def keep(name: str, messages: Sequence[Message]) -> Path:
        saved.append((name, len(messages)))
        return Path("/records/[demo].jsonl")

    case.engine.keep_record = keep  # type: ignore[method-assign]
    record = Record()
    record.add(NOW, Kind.COMMAND, Origin.USER, "query-status", {"execute": "query-status"})
    await case.requests.save(record)
    assert saved == [("demo", 1)]
    assert case.windows.told == [("information", "Saved: 1 messages: /records/[demo].jsonl")]


async def test_a_record_that_cannot_be_saved_is_said_to_be() -> None:
    case = Records()

    async def refuse(name: str, messages: Sequence[Message]) -> Path:
        raise HostError("No space left on device")

    case.engine.keep_record = refuse  # type: ignore[method-assign]
    record = Record()
    record.add(NOW, Kind.COMMAND, Origin.USER, "query-status", {"execute": "query-status"})
    await case.requests.save(record)
    assert case.windows.told == [("error", "Not saved: No space left on device")]
