"""Requests for profiles on a fake engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ui.fake_engine import running
from tests.ui.main.fake_windows import Bench
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.errors import NotFound
from workbench.ui.common.value_dialog import ValueDialog
from workbench.ui.main.controllers.profiles import PROFILE_ACTIONS, ProfileRequests

if TYPE_CHECKING:
    from workbench.domain.command_line.checked import ProfileText
    from workbench.engine.base import Profiles

TEXT = "[memory]\nsize = '64M'\n"


class Case(Bench):
    """One guest with a profile, and another profile that extends it."""

    def __init__(self, guest: GuestSnapshot, *answers: object) -> None:
        super().__init__(guest)
        self.windows.answers = list(answers)
        self.expected: list[str] = []
        """The guests to be highlighted."""
        self.files = self.engine.profiles.files
        self.engine.profiles.write("demo", TEXT)
        self.engine.profiles.write("child", 'extends = "demo.toml"\n')
        self.edited: list[str] = []
        """The profiles opened in the editor."""
        self.requests = ProfileRequests(self.desk, self.edit, self.expected.append)

    def edit(self, profiles: Profiles, known: ProfileText) -> None:
        assert profiles is self.engine.profiles
        self.edited.append(known.name)

    def texts(self) -> dict[str, str]:
        return {name: one.text for name, one in self.files.items() if name != "child"}


STOPPED = GuestSnapshot("demo")


async def test_a_new_profile_is_made_from_a_template_and_opened() -> None:
    case = Case(STOPPED, "small", "fresh")
    await case.requests.act("new", "")
    assert case.texts() == {"demo": TEXT, "fresh": '[memory]\nsize = "64M"\n'}
    assert (case.edited, case.expected) == (["fresh"], ["fresh"])


@pytest.mark.parametrize("answers", [(None,), ("small", None)], ids=["no template", "no name"])
async def test_a_new_profile_that_is_cancelled_is_not_made(answers: tuple[object, ...]) -> None:
    case = Case(STOPPED, *answers)
    await case.requests.act("new", "")
    assert (case.texts(), case.edited, case.expected) == ({"demo": TEXT}, [], [])


async def test_a_profile_is_opened_in_the_editor() -> None:
    case = Case(STOPPED)
    await case.requests.act("edit", "demo")
    assert (case.edited, case.expected) == (["demo"], [])


async def test_a_copy_has_the_text_of_the_original() -> None:
    case = Case(STOPPED, "copy")
    await case.requests.act("duplicate", "demo")
    assert case.texts() == {"demo": TEXT, "copy": TEXT}
    assert (case.edited, case.expected) == (["copy"], ["copy"])


async def test_a_stopped_guest_can_be_renamed() -> None:
    case = Case(STOPPED, "renamed")
    await case.requests.act("rename", "demo")
    assert case.texts() == {"renamed": TEXT}
    assert case.expected == ["renamed"]
    assert isinstance(case.windows.dialogs[0], ValueDialog)


async def test_a_running_guest_cannot_be_renamed() -> None:
    case = Case(running())
    await case.requests.act("rename", "demo")
    assert "is running" in case.windows.errors[0].message
    assert case.windows.dialogs == [], "nothing was asked"


async def test_a_guest_started_while_its_name_was_typed_keeps_it() -> None:
    case = Case(STOPPED, "renamed")
    case.windows.while_open = lambda: case.publish(running())
    await case.requests.act("rename", "demo")
    assert "is running" in case.windows.errors[0].message
    assert case.texts() == {"demo": TEXT}
    assert case.expected == []


@pytest.mark.parametrize(("answer", "left"), [("delete", {}), ("", {"demo": TEXT})])
async def test_a_profile_is_deleted_with_consent(answer: str, left: dict[str, str]) -> None:
    case = Case(running(), answer)
    await case.requests.act("delete", "demo")
    assert case.texts() == left
    title, body, choices = case.windows.asked[0]
    assert (title, choices) == ("Delete the profile demo?", ("delete",))
    assert body.endswith("The guest keeps running without it. child extends it and will not start without it.")
    assert bool(case.windows.told) is (answer == "delete")


async def test_a_profile_that_cannot_be_read_is_an_error() -> None:
    case = Case(STOPPED)
    del case.files["demo"]
    await case.requests.act("edit", "demo")
    assert isinstance(case.windows.errors[0], NotFound)
    assert case.edited == []


@pytest.mark.parametrize("action", sorted(set(PROFILE_ACTIONS) - {"new"}))
async def test_without_a_guest_there_is_no_profile_to_change(action: str) -> None:
    case = Case(STOPPED)
    await case.requests.act(action, "gone")  # type: ignore[arg-type]
    assert (case.windows.asked, case.windows.dialogs, case.edited, case.windows.errors) == ([], [], [], [])
