"""The list of guests keeps its cursor on the guest that the next key is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.app import App

from tests.ui.fake_engine import NOW, running
from workbench.domain.guest.lifecycle import Exit, Silence
from workbench.domain.guest.snapshot import GuestSnapshot
from workbench.ui.guests.list import GuestList, state_words

if TYPE_CHECKING:
    from textual.app import ComposeResult


class Guests(App[None]):
    def compose(self) -> ComposeResult:
        yield GuestList(id="guests")

    @property
    def list(self) -> GuestList:
        return self.query_one(GuestList)

    def show(self, *names: str) -> None:
        self.list.guests = tuple(GuestSnapshot(name) for name in names)


async def test_a_new_guest_is_chosen_when_it_appears() -> None:
    """The next key is for a profile just created, copied or renamed."""
    app = Guests()
    async with app.run_test():
        app.show("a", "b")
        app.list.expect("web")
        assert app.list.chosen == "a"
        app.show("a", "b", "web")
        assert app.list.chosen == "web"
        app.show("a", "web")
        assert app.list.chosen == "web", "once"
        app.list.expect("a")
        assert app.list.chosen == "a", "it is there already"


async def test_when_a_guest_is_gone_the_next_one_is_chosen() -> None:
    app = Guests()
    async with app.run_test():
        app.show("a", "b", "c")
        app.list.choose("b")
        app.show("a", "c")
        assert app.list.chosen == "c", "and not the first"
        app.show("a")
        assert app.list.chosen == "a"
        app.show()
        assert app.list.chosen is None


def test_how_a_guest_died_fits_on_one_line() -> None:
    died = GuestSnapshot("huge", ended=Exit(135))
    assert [state_words(died, NOW, width)[0] for width in (27, 24)] == [
        "killed by signal 7 (SIGBUS)",
        "killed by SIGBUS",
    ]


@pytest.mark.parametrize(
    ("silence", "words"),
    [
        (Silence.STOPPED, "does not answer"),
        (Silence.BROKEN, "does not answer"),
        (Silence.OCCUPIED, "busy, or monitor in use"),
    ],
)
def test_a_guest_that_does_not_answer_is_not_shown_as_running(silence: Silence, words: str) -> None:
    assert state_words(running(answering=False, silence=silence), NOW, 24)[0] == words
