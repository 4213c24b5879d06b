"""Setting a property in place."""

from __future__ import annotations

from msgspec.structs import replace
from textual.widgets import Input

from tests.ui.devices.bench import BALLOON, NODE, Bench
from workbench.domain.devices.qom import Property
from workbench.domain.devices.type_info import PropertyInfo, TypeInfo
from workbench.ui.common.text import TextBlock
from workbench.ui.devices.set_property import Change, SetBar
from workbench.ui.devices.store import Want

INTERVAL = Property("guest-stats-polling-interval", "int", 2)
FIXED = Property("deflate-on-oom", "bool", True)
ODD = Property("odd[/b]", "int", 1)
BALLOON_NODE = replace(NODE, properties=(Property("realized", "bool", True), INTERVAL, FIXED, ODD), virtio=None)
INFO = TypeInfo(NODE.type, {FIXED.name: PropertyInfo(FIXED.name, "bool", "", False, True)})


class Setting(Bench):
    def __init__(self) -> None:
        super().__init__()
        self.changes: list[Change] = []

    def on_set_bar_requested(self, message: SetBar.Requested) -> None:
        self.changes.append(message.change)

    @property
    def bar(self) -> SetBar:
        return self.query_one(SetBar)

    @property
    def words(self) -> str:
        return " ".join(str(self.bar.query_one(TextBlock).render()).split())

    async def go_to(self, one: Property) -> None:
        await self.open_on(BALLOON)
        self.pane.place.now.open_key(BALLOON)
        self.pane.set_node(BALLOON_NODE)
        self.pane.set_type(INFO)
        self.pane.reveal(BALLOON, one.name)


async def test_a_value_is_typed_checked_and_sent() -> None:
    app = Setting()
    async with app.run_test(size=(80, 50)) as pilot:
        await app.go_to(INTERVAL)
        await pilot.pause()
        await pilot.press("enter")
        field = app.query_one(Input)
        assert (field.value, field.has_focus) == ("2", True)
        field.value = "soon"
        await pilot.pause()
        assert "expected an integer" in app.words
        await pilot.press("enter")
        assert app.changes == [], "what cannot be meant is not sent"
        field.value = "5"
        await pilot.pause()
        assert app.words == f"qom-set path={BALLOON} property=guest-stats-polling-interval value=5"
        await pilot.press("enter")
        (change,) = app.changes
        assert (change.path, change.old, change.value, change.harm) == (BALLOON, INTERVAL, 5, "")
        app.pane.read_live()
        await pilot.pause()
        assert Want.VALUES in [one.want for one in app.questions], "asked before it was set"
        app.questions.clear()
        app.bar.done(change)
        await pilot.pause()
        assert not app.bar.display
        assert app.lines.has_focus
        assert any(one.want is Want.VALUES and one.path == BALLOON for one in app.questions), (
            "what became of it is read"
        )
        await pilot.press("u")
        assert (app.changes[1].value, app.changes[1].undo) == (2, True)
        app.bar.done(app.changes[1])
        await pilot.press("u")
        await pilot.pause()
        assert len(app.changes) == 2, "nothing is left to take back"


async def test_escape_keeps_the_value() -> None:
    app = Setting()
    async with app.run_test(size=(80, 50)) as pilot:
        await app.go_to(INTERVAL)
        await pilot.pause()
        await pilot.press("enter", "9", "escape")
        await pilot.pause()
        assert (app.changes, app.bar.display, app.lines.has_focus) == ([], False, True)


async def test_read_only_is_reported_and_a_refusal_is_remembered() -> None:
    app = Setting()
    async with app.run_test(size=(80, 50)) as pilot:
        await app.go_to(FIXED)
        await pilot.pause()
        detail = str(app.query_one("#device-details").render())
        assert "read-only: fixed since the device was realized" in " ".join(detail.split())
        await pilot.press("enter")
        assert not app.bar.display
        await app.go_to(ODD)
        await pilot.pause()
        await pilot.press("enter", "3", "enter")
        await pilot.pause()
        (change,) = app.changes
        assert change.harm, "its effect is unknown"
        app.bar.refused(change, "[/b] Invalid value")
        await pilot.pause()
        assert app.words == "[/b] Invalid value"
        assert app.bar.display, "the text stays for mending"
        app.bar.refused(change, "Property 'x.odd' is not writable")
        await pilot.pause()
        assert not app.bar.display
        assert "is not writable" in str(app.query_one("#device-details").render())
        await pilot.press("enter")
        assert not app.bar.display
