"""Keys that arrive in one burst: typed ahead while the screen was busy, or by a script."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from workbench.ui.keys import order
from workbench.ui.keys.order import KeyOrder

if TYPE_CHECKING:
    import pytest
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.message_pump import MessagePump
    from textual.pilot import Pilot


class Field(Input):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+x", "vanish", "Vanish")]

    async def action_vanish(self) -> None:
        await self.remove()


class Away(Message):
    """The field is left: the screen above it moves the focus."""


class Keys(KeyOrder):
    """Two fields, and a key that goes to the second."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f5", "second", "Second")]

    def compose(self) -> ComposeResult:
        with Vertical(), Vertical(), Vertical():
            yield Field(id="first")
        yield Input(id="second")

    def on_mount(self) -> None:
        self.lines: list[str] = []
        self.query_one("#first").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.lines.append(event.value)

    def on_key(self, event: events.Key) -> None:
        if event.key == "f6":
            self.query_one("#first").post_message(Away())

    def on_away(self) -> None:
        self.query_one("#second").focus()

    def action_second(self) -> None:
        self.query_one("#second").focus()

    def value(self, id_: str) -> str:
        return self.query_one(f"#{id_}", Input).value

    def burst(self, *keys: str) -> None:
        """Post all keys before the first one is handled, as one read of a terminal does."""
        assert self._driver is not None
        for key in keys:
            self._driver.send_message(
                events.Paste(key.removeprefix("paste:"))
                if key.startswith("paste:")
                else events.Key(key, key if len(key) == 1 else None)
            )


async def settled(pilot: Pilot[None]) -> None:
    for _ in range(5):
        await pilot.pause()


async def test_a_letter_after_a_bound_key_is_handled_after_it() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        app.burst(*"abc", "ctrl+u", *"def", "enter", *"gh", "home", "paste:i", "end", *"j")
        await settled(pilot)
        assert app.lines == ["def"]
        assert app.value("first") == "idefghj"


async def test_letters_go_where_the_key_before_them_went() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        app.burst(*"ab", "f5", *"cd", "enter")
        await settled(pilot)
        assert (app.value("first"), app.value("second"), app.lines) == ("ab", "cd", ["cd"])


async def test_letters_go_where_a_message_moved_the_focus() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        app.burst(*"ab", "f6", *"cd", "enter")
        await settled(pilot)
        assert (app.value("first"), app.value("second"), app.lines) == ("ab", "cd", ["cd"])


async def test_letters_wait_for_a_key_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy host a key takes longer than the queued ones look after it."""
    monkeypatch.setattr(order, "PATIENCE", 0.001)

    class Busy(Keys):
        BINDINGS: ClassVar[list[BindingType]] = [Binding("f7", "slow", "Slow")]

        async def action_slow(self) -> None:
            begun = monotonic()
            while monotonic() - begun < 20 * order.PATIENCE:
                await asyncio.sleep(0)
            self.query_one("#second").focus()

    app = Busy()
    async with app.run_test() as pilot:
        app.burst(*"ab", "f7", *"cd", "enter")
        async with asyncio.timeout(20):
            while not app.lines:
                await pilot.pause(0.01)
        assert (app.value("first"), app.value("second"), app.lines) == ("ab", "cd", ["cd"])


async def test_no_key_waits_forever_for_a_lost_one() -> None:
    class Losing(Keys):
        lose = True

        def _follow(self, node: MessagePump, key: object) -> None:
            if not self.lose:
                super()._follow(node, key)
            self.lose = False  # as with a widget that is removed while it has a key

    app = Losing()
    async with app.run_test() as pilot:
        app.burst(*"abc", "f5", *"de")
        async with asyncio.timeout(20):
            while app.value("second") != "de":
                await pilot.pause(0.01)
        assert app.value("first") == "abc"


async def test_a_widget_removed_by_a_key_loses_no_other_key() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        app.burst(*"ab", "ctrl+x", "f5", *"cd")
        async with asyncio.timeout(20):
            while not app.value("second").endswith("cd"):
                await pilot.pause(0.01)
        assert not app.query("#first")


async def test_queued_keys_are_dropped_when_the_app_ends() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        await pilot.pause()
    app._ahead.append(events.Key("a", "a"))
    await app._next(app._under_way)
    assert not app._ahead


async def test_a_key_that_reaches_the_app_after_its_end_is_dropped() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        await pilot.pause()
    key = events.Key("f5", None)
    key._set_forwarded()
    await app.on_event(key)
    await app.on_event(events.Key("f5", None))
    assert app._under_way is None
