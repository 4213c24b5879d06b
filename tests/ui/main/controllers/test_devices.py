"""Reads for the device tree: each answer is for one run of a guest, in a pane that is still there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from tests.ui.devices.bench import NODE, TREE
from tests.ui.fake_engine import FakeDevices, balloon, running
from tests.ui.main.fake_windows import Bench
from tests.ui.main.opened import STOPPED
from workbench.errors import CommandFailed, NotFound, WorkbenchError
from workbench.ui.devices.store import Question, Want
from workbench.ui.main.controllers.devices import DeviceReads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workbench.domain.compare.drift import Difference
    from workbench.domain.devices.tree import DeviceTree, Node
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.ui.devices.pane import DeviceTreePane

QUESTION = Question(Want.NODE, NODE.path)
LINES = {"balloon0": "demo.toml:3"}


class Pane:
    """Notes what it is given."""

    def __init__(self) -> None:
        self.is_attached = True
        self.tree: DeviceTree | None = None
        self.differences: tuple[Difference, ...] = ()
        self.profile_lines: Mapping[str, str] = {}
        self.no_drift = self.guest = self.version = self.trouble = ""
        self.pending: Mapping[str, str] = {}
        self.looks = 0
        """How often it was to look at its tree again."""
        self.given: list[object] = []

    def look_again(self) -> None:
        self.looks += 1

    def set_node(self, node: Node) -> None:
        self.given.append(node)

    def set_failure(self, question: Question, reason: str = "") -> None:
        self.given.append(reason)


class Devices(FakeDevices):
    """Devices that can be read, once ``meanwhile`` has happened."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], None] = lambda: None
        self.failure: WorkbenchError | None = None
        self.profile_failure: WorkbenchError | None = None

    def _answer(self) -> None:
        self.meanwhile()
        if self.failure is not None:
            raise self.failure

    async def tree(self) -> DeviceTree:
        self._answer()
        return TREE

    async def node(self, path: str) -> Node:
        self._answer()
        return NODE

    async def drift(self) -> tuple[Difference, ...]:
        if self.profile_failure is not None:
            raise self.profile_failure
        return ()

    async def places(self) -> Mapping[str, str]:
        return LINES


class Case(Bench):
    def __init__(self, snapshot: GuestSnapshot | None = None, late: asyncio.Future[DeviceTree] | None = None) -> None:
        super().__init__(snapshot or running(device_lines={"balloon0": "old.toml:1"}))
        self.pane = Pane()
        self.devices = self.guest.devices = Devices()
        self.reads = DeviceReads(self.desk, cast("DeviceTreePane", self.pane), late)


def test_the_tree_is_read_once_for_each_revision() -> None:
    case = Case()
    revisions = [case.reads.show(running(devices_revision=number)) for number in (0, 0, 1, 1)]
    assert revisions == [True, False, True, False]
    case.reads.forget()
    assert case.reads.show(running(devices_revision=1)), "another guest, or another run"


def test_the_tree_is_read_only_with_a_reading_of_the_balloon() -> None:
    case = Case()
    assert not case.reads.show(running(balloon=None))
    assert case.reads.show(running(balloon=balloon()))


@pytest.mark.parametrize(
    ("snapshot", "trouble"),
    [
        (running(), ""),
        (running(answering=False, trouble="does not answer"), "does not answer"),
        (STOPPED, "alpine is stopped"),
    ],
)
def test_the_pane_says_why_its_tree_is_old(snapshot: GuestSnapshot, trouble: str) -> None:
    case = Case(snapshot)
    case.reads.show(snapshot)
    assert case.pane.trouble == trouble
    assert case.reads.readable is (not trouble)


async def test_tree_and_profile_are_shown() -> None:
    case = Case()
    case.reads.show(case.guest.snapshot)
    assert case.pane.profile_lines == {"balloon0": "old.toml:1"}
    await case.reads.read()
    assert (case.pane.tree, case.pane.looks) == (TREE, 1)
    assert (case.pane.profile_lines, case.pane.no_drift) == (LINES, "")
    case.reads.show(case.guest.snapshot)
    assert case.pane.profile_lines == LINES, "the profile as it is now is newer than the one at the start"


async def test_without_a_profile_the_lines_are_those_of_the_start() -> None:
    case = Case()
    case.devices.profile_failure = NotFound("no profile demo")
    await case.reads.read()
    assert case.pane.tree == TREE
    assert case.pane.profile_lines == {"balloon0": "old.toml:1 at the start"}
    assert case.pane.no_drift == "no profile demo"


async def test_a_read_that_began_before_the_screen_is_used_once() -> None:
    late: asyncio.Future[DeviceTree] = asyncio.Future()
    case = Case(late=late)
    case.devices.failure = WorkbenchError("asked again")
    reading = asyncio.create_task(case.reads.read())
    late.set_result(TREE)
    await reading
    assert case.pane.tree == TREE
    case.pane.tree = None
    await case.reads.read()
    assert case.pane.tree is None, "the second read asks the guest"


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda case: case.publish(running(pid=4712)),
        lambda case: case.desk.choose(running("other")),
        lambda case: setattr(case.pane, "is_attached", False),
    ],
    ids=["restarted", "another guest", "pane removed"],
)
async def test_a_late_answer_is_dropped(meanwhile: Callable[[Case], None]) -> None:
    case = Case()
    case.devices.meanwhile = lambda: meanwhile(case)
    await case.reads.read()
    case.desk.choose(running())
    await case.reads.answer(QUESTION)
    assert (case.pane.tree, case.pane.profile_lines, case.pane.given) == (None, {}, [])


async def test_a_question_is_answered() -> None:
    case = Case()
    await case.reads.answer(QUESTION)
    assert case.pane.given == [NODE]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CommandFailed("qom-list", "DeviceNotFound", "no such path"), "qom-list: no such path"),
        (WorkbenchError("QEMU does not answer"), ""),
    ],
)
async def test_only_a_refusal_is_shown_in_the_line(error: WorkbenchError, reason: str) -> None:
    case = Case()
    case.devices.failure = error
    await case.reads.answer(QUESTION)
    assert case.pane.given == [reason]
    assert case.windows.errors == []
