"""Keys that arrive in one burst: typed ahead while the screen was busy, or by a script."""

from __future__ import annotations

import asyncio
from inspect import isawaitable
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from tests.ui.bursts import burst
from workbench.ui.keys import order
from workbench.ui.keys.order import KeyOrder

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.pilot import Pilot
    from textual.timer import Timer, TimerCallback


class Field(Input):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+x", "vanish", "Vanish")]

    async def action_vanish(self) -> None:
        await self.remove()


class Away(Message):
    """The field is left: the screen above it moves the focus."""


class Keys(KeyOrder):
    """Two fields, and a key that goes to the second."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f5", "second", "Second")]

    def __init__(self, first: type[Field] = Field) -> None:
        super().__init__()
        self.first = first
        self.timed: list[TimerCallback] = []
        """What the timers call, in the order in which they were set."""

    def set_timer(
        self, delay: float, callback: TimerCallback | None = None, *, name: str | None = None, pause: bool = False
    ) -> Timer:
        if callback is not None:
            self.timed.append(callback)
        return super().set_timer(delay, callback, name=name, pause=pause)

    def compose(self) -> ComposeResult:
        with Vertical(), Vertical(), Vertical():
            yield self.first(id="first")
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


async def settled(pilot: Pilot[None]) -> None:
    for _ in range(5):
        await pilot.pause()


async def test_a_letter_after_a_bound_key_is_handled_after_it() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        burst(app, *"abc", "ctrl+u", *"def", "enter", *"gh", "home", "paste:i", "end", *"j")
        await settled(pilot)
        assert app.lines == ["def"]
        assert app.value("first") == "idefghj"


async def test_letters_go_where_the_key_before_them_went() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        burst(app, *"ab", "f5", *"cd", "enter")
        await settled(pilot)
        assert (app.value("first"), app.value("second"), app.lines) == ("ab", "cd", ["cd"])


async def test_letters_go_where_a_message_moved_the_focus() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        burst(app, *"ab", "f6", *"cd", "enter")
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
        burst(app, *"ab", "f7", *"cd", "enter")
        async with asyncio.timeout(20):
            while not app.lines:
                await pilot.pause(0.01)
        assert (app.value("first"), app.value("second"), app.lines) == ("ab", "cd", ["cd"])


async def test_no_key_waits_forever_for_a_lost_one() -> None:
    class Losing(Field):
        """Loses a call once, as a widget that is removed while it has a key."""

        lost = 0

        def call_later(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
            if self.lost == 0 and isinstance(getattr(callback, "__self__", None), KeyOrder):
                self.lost += 1
                return True
            return super().call_later(callback, *args, **kwargs)

    app = Keys(Losing)
    async with app.run_test() as pilot:
        burst(app, *"abc", "f5", *"de")
        async with asyncio.timeout(20):
            while app.value("second") != "de":
                await pilot.pause(0.01)
        assert app.value("first") == "abc"
        assert app.query_one(Losing).lost == 1


async def test_a_widget_removed_by_a_key_loses_no_other_key() -> None:
    app = Keys()
    async with app.run_test() as pilot:
        burst(app, *"ab", "ctrl+x", "f5", *"cd")
        async with asyncio.timeout(20):
            while not app.value("second").endswith("cd"):
                await pilot.pause(0.01)
        assert not app.query("#first")


async def test_queued_keys_are_dropped_when_the_app_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual raises ScreenStackError for a key without a screen."""
    monkeypatch.setattr(order, "PATIENCE", 60.0)
    app = Keys()
    async with app.run_test() as pilot:
        await pilot.pause()
        app.timed.clear()
        with app.opening():
            burst(app, "f5", "a")
            await settled(pilot)
        (next_key,) = app.timed
    assert not app.screen_stack
    handled = next_key()
    assert isawaitable(handled)
    await handled


async def test_a_key_that_reaches_the_app_after_its_end_is_dropped() -> None:
    """Textual raises ScreenStackError for a key without a screen."""
    app = Keys()
    async with app.run_test() as pilot:
        await pilot.pause()
    assert not app.screen_stack
    key = events.Key("f5", None)
    key._set_forwarded()
    await app.on_event(key)
    await app.on_event(events.Key("f5", None))
