"""Hotplug and properties of the guest shown, on a fake engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.ui.fake_engine import running
from tests.ui.main.fake_windows import Bench
from tests.ui.main.opened import STOPPED
from workbench.domain.devices.qom import Property
from workbench.domain.hotplug.unplug import State, Unplug
from workbench.errors import CommandFailed, WorkbenchError
from workbench.ui.devices.set_property import Change
from workbench.ui.main.controllers.hotplug import HotplugRequests, end_words
from workbench.ui.main.controllers.properties import PropertyRequests

if TYPE_CHECKING:
    from workbench.domain.guest.snapshot import GuestSnapshot


class Case(Bench):
    def __init__(self, snapshot: GuestSnapshot | None = None, *answers: object) -> None:
        super().__init__(snapshot or running())
        self.windows.answers = list(answers)
        self.sought: list[tuple[str, bool]] = []
        """The devices to go to, and whether each is a PCI device."""
        self.requests = HotplugRequests(self.desk, self.seek)

    def seek(self, name: str, *, pci: bool) -> None:
        self.sought.append((name, pci))


async def test_a_stopped_guest_is_not_changed() -> None:
    case = Case(STOPPED)
    for what in ("plug", "unplug", "keep"):
        await case.requests.change(what, "net1")
    assert (case.windows.asked, case.windows.dialogs, case.guest.asked) == ([], [], [])


async def test_nothing_is_plugged_in_when_no_kind_is_chosen() -> None:
    case = Case(None, "")
    await case.requests.change("plug", "")
    assert len(case.windows.dialogs) == 1
    assert case.guest.asked == []


@pytest.mark.parametrize(("answer", "sent"), [("unplug", [("unplug", "net1")]), ("", [])])
async def test_a_device_is_unplugged_with_consent(answer: str, sent: list[object]) -> None:
    case = Case(None, answer)
    await case.requests.change("unplug", "net1")
    title, body, _ = case.windows.asked[0]
    assert title == "Unplug net1 from demo?"
    assert "net1 (virtio-net-pci), below0, " in body, "what is lost is named"
    assert case.guest.asked == sent
    assert case.windows.told == ([("information", "Unplugged: net1 from demo")] if sent else [])


async def test_consent_is_for_one_run_of_the_guest() -> None:
    case = Case(None, "unplug")
    case.windows.while_open = lambda: case.publish(running(pid=4712))
    await case.requests.change("unplug", "net1")
    assert case.guest.asked == []


async def test_a_failed_unplug_is_an_error() -> None:
    case = Case(None, "unplug")
    case.guest.failure = CommandFailed("device_del", "GenericError", "busy")
    await case.requests.change("unplug", "net1")
    assert case.windows.errors == [case.guest.failure]


@pytest.mark.parametrize(("answer", "kept"), [("keep", True), ("", False)])
async def test_a_device_is_added_to_the_profile_with_consent(answer: str, kept: bool) -> None:
    case = Case(None, answer)
    await case.requests.change("keep", "net1")
    body = case.windows.asked[0][1]
    for words in ('id = "net1"', "replacing\n\nnet = false", "no key for it: speed."):
        assert words in body
    assert case.guest.asked == ([("keep", "/profiles/demo.toml")] if kept else [])
    assert case.windows.told == ([("information", "net1 kept: /profiles/demo.toml:9")] if kept else [])


def test_how_an_unplug_ended() -> None:
    gone = Unplug("net1", State.GONE)
    assert end_words("demo", gone) == ("Unplugged", "net1 from demo", False)
    assert end_words("demo", replace(gone, state=State.REFUSED))[0::2] == ("Unplug refused", True)
    assert end_words("demo", replace(gone, state=State.PENDING))[0::2] == ("No answer within 15 s", True)


def test_an_unplug_that_ends_late_is_shown_once_for_each_run() -> None:
    case = Case()
    one, two = Unplug("net1", State.GONE), Unplug("net2", State.REFUSED)
    for unplugged in ((), (one,), (one,), (one, two)):
        case.requests.show_late_ends(running(unplugged=unplugged))
    case.requests.show_late_ends(running(pid=4712, unplugged=(one,)))
    assert [severity for severity, _ in case.windows.told] == ["information", "warning", "information"]


# Properties.

PATH = "/machine/peripheral/net0"
CHANGE = Change(PATH, "virtio-net-pci", Property("speed", "int", 1), 2)


class Bar:
    """Notes how it went."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def done(self, change: Change) -> None:
        self.told.append("done")

    def refused(self, change: Change, reason: str) -> None:
        self.told.append(reason)


SENT = [("execute", "qom-set", {"path": PATH, "property": "speed", "value": 2})]


async def test_a_harmless_property_is_set_at_once() -> None:
    bench, bar = Bench(), Bar()
    await PropertyRequests(bench.desk).set(CHANGE, bar)
    assert (bench.guest.asked, bar.told, bench.windows.asked) == (SENT, ["done"], [])


@pytest.mark.parametrize(("answer", "sent"), [("send", True), ("", False)])
async def test_a_property_that_may_do_harm_is_set_with_consent(answer: str, sent: bool) -> None:
    bench, bar = Bench(), Bar()
    bench.windows.answers = [answer]
    await PropertyRequests(bench.desk).set(replace(CHANGE, harm="The link goes down."), bar)
    assert bench.windows.asked[0][1] == f"The link goes down. {CHANGE.words}"
    assert (bench.guest.asked, bar.told) == ((SENT, ["done"]) if sent else ([], []))


async def test_undoing_a_property_needs_no_question() -> None:
    bench, bar = Bench(), Bar()
    await PropertyRequests(bench.desk).set(replace(CHANGE, harm="The link goes down.", undo=True), bar)
    assert (bench.guest.asked, bench.windows.asked) == (SENT, [])


async def test_a_property_of_another_guest_is_not_set() -> None:
    bench, bar = Bench(running(), running("other")), Bar()
    bench.windows.answers = ["send"]
    bench.windows.while_open = lambda: bench.desk.choose(running("other"))
    await PropertyRequests(bench.desk).set(replace(CHANGE, harm="The link goes down."), bar)
    assert (bench.guest.asked, bar.told) == ([], [])


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CommandFailed("qom-set", "GenericError", "out of range"), "out of range"),
        (WorkbenchError("QEMU did not answer"), "QEMU did not answer"),
    ],
)
async def test_a_refused_property_is_explained_in_the_bar(error: WorkbenchError, reason: str) -> None:
    bench, bar = Bench(), Bar()
    bench.guest.failure = error
    await PropertyRequests(bench.desk).set(CHANGE, bar)
    assert bar.told == [reason]
    assert bench.windows.errors == []
