"""Plug in, unplug and keep a device by keys, on the screen alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from textual.widgets import Input

from tests.ui.devices.bench import TREE
from tests.ui.fake_engine import FakeDevices, FakeEngine, running
from tests.ui.notifications import notes
from workbench.domain.hotplug.leftovers import Behind, Left, Sort
from workbench.domain.hotplug.plan import FreeBus
from workbench.domain.hotplug.unplug import State, Unplug
from workbench.errors import CommandFailed, NotFound
from workbench.ui.app import WorkbenchApp
from workbench.ui.common.text import TextBlock
from workbench.ui.devices.lines import DeviceLines
from workbench.ui.devices.pane import DeviceTreePane
from workbench.ui.devices.views.views import View
from workbench.ui.hotplug.form import KindDialog, PlugForm
from workbench.ui.main.screen import MainScreen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.pilot import Pilot

    from workbench.domain.compare.drift import Difference
    from workbench.domain.devices.tree import DeviceTree

NET = "/machine/peripheral/net0"
SIZES = [(80, 24), (120, 40), (200, 60)]


def sent(app: WorkbenchApp) -> str:
    return str(app.screen.query_one("#plug-steps", TextBlock).render())


async def to_devices(app: WorkbenchApp, pilot: Pilot[None], device: str = NET) -> DeviceTreePane:
    await pilot.pause()
    pane = app.screen.query_one(DeviceTreePane)
    pane.tree = TREE
    await pilot.press("d")
    await pilot.pause()
    lines = pane.query_one(DeviceLines)
    lines.focus()
    number = lines.number_of(device)
    assert number is not None
    lines.cursor = number
    await pilot.pause()
    return pane


async def to_form(app: WorkbenchApp, pilot: Pilot[None], digit: str = "1") -> PlugForm:
    await to_devices(app, pilot)
    await pilot.press("a")
    await pilot.pause()
    assert isinstance(app.screen, KindDialog)
    await pilot.press(digit)
    await pilot.pause()
    assert isinstance(app.screen, PlugForm)
    return app.screen


def note_words(app: WorkbenchApp) -> str:
    return " ".join(f"{one.title} {one.message}" for one in notes(app))


@pytest.mark.parametrize("size", SIZES)
async def test_a_card_is_plugged_in_after_its_commands_were_shown(size: tuple[int, int]) -> None:
    engine = FakeEngine(running())
    app = WorkbenchApp(engine)
    async with app.run_test(size=size) as pilot:
        form = await to_form(app, pilot)
        assert '"type": "user"' in sent(app)
        assert "device_add" in sent(app)
        for widget in (form.query_one(Input), form.query_one("#plug-sent")):
            assert app.screen.region.contains_region(widget.region), "all of it is on the screen"
            assert widget.region.height > 0
        await pilot.press("down", "down", "down", *"52:54:00:aa:bb:cc")
        assert '"mac": "52:54:00:aa:bb:cc"' in sent(app)
        assert engine.guest("demo").asked == [], "nothing was sent yet"
        await pilot.press("enter")
        await pilot.pause()
        assert engine.guest("demo").asked == [("plug", "net1", ["netdev_add", "device_add"])]
        assert "net1 (virtio-net-pci) on pcie-port0" in note_words(app)
        assert isinstance(app.screen, MainScreen)


async def test_invalid_values_are_not_sent_and_a_key_shows_all_properties() -> None:
    engine = FakeEngine(running())
    app = WorkbenchApp(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        form = await to_form(app, pilot)
        assert "mrg_rxbuf" not in [row.key for row in form.rows]
        await pilot.press("ctrl+t")
        keys = [row.key for row in form.rows]
        assert keys[-2:] == ["mrg_rxbuf", "speed"]
        await pilot.press("up", *"fast")
        assert sent(app) == "speed: expected an integer, or a size such as 64M"
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen is form
        await pilot.press(*["backspace"] * 4, *"1000", "up")
        assert "on/off [/b]" in str(form.query_one("#plug-about", TextBlock).render())
        await pilot.press("tab")
        assert '"speed": 1000' in sent(app)
        assert '"mrg_rxbuf": false' in sent(app)
        await pilot.press("ctrl+t")
        assert {"speed", "mrg_rxbuf"} <= {row.key for row in form.rows}, "what was typed stays in sight"
        await pilot.press("escape")
        await pilot.pause()
        assert engine.guest("demo").asked == []


async def test_without_a_free_slot_the_form_names_the_key_that_adds_some() -> None:
    engine = FakeEngine(running())
    engine.guest("demo").hotplug.buses = ()
    app = WorkbenchApp(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_form(app, pilot, "4")
        assert "root-ports" in sent(app)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, PlugForm)


async def test_a_choice_changes_the_kind_of_device() -> None:
    app = WorkbenchApp(FakeEngine(running()))
    async with app.run_test(size=(80, 24)) as pilot:
        form = await to_form(app, pilot, "3")
        assert "virtconsole" in sent(app)
        await pilot.press("down", "down", "tab")
        assert (form.row.key, form.query_one(Input).value) == ("kind", "port")
        assert "kind: a port needs a name" in sent(app)
        await pilot.press("down", *"a.b")
        assert "virtserialport" in sent(app)


@pytest.mark.parametrize(("digit", "view"), [("1", View.PCI), ("2", View.BUS), ("3", View.BUS), ("4", View.PCI)])
async def test_a_plugged_device_is_shown_in_a_view_that_has_it(digit: str, view: View) -> None:
    app = WorkbenchApp(FakeEngine(running()))
    async with app.run_test(size=(80, 24)) as pilot:
        await to_form(app, pilot, digit)
        if digit == "2":
            await pilot.press("down", "down", *"d.img")
        await pilot.press("enter")
        await pilot.pause()
        assert "Plugged in" in note_words(app)
        assert app.screen.query_one(DeviceTreePane).place.view is view


async def test_a_controller_that_is_plugged_first_is_shown_in_the_form() -> None:
    engine = FakeEngine(running())
    bus = FreeBus("scsi0.0", "of a new virtio-scsi-pci scsi0 on p0", controller="scsi0", slot="p0")
    engine.guest("demo").hotplug.buses = (bus,)
    app = WorkbenchApp(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        form = await to_form(app, pilot, "2")
        await pilot.press("down", "down", *"d.img", "up")
        assert "of a new virtio-scsi-pci scsi0 on p0" in str(form.query_one("#plug-about", TextBlock).render())
        assert form.row.type == "on a new controller"
        assert '"id": "scsi0", "bus": "p0"' in sent(app)
        await pilot.press("enter")
        await pilot.pause()
        assert engine.guest("demo").asked == [("plug", "disk1", ["blockdev-add", "device_add", "device_add"])]
        assert "of its new controller" in note_words(app)


async def test_qemu_s_refusal_is_shown() -> None:
    engine = FakeEngine(running())
    engine.guest("demo").failure = CommandFailed("device_add", "GenericError", "no slot [/b]")
    app = WorkbenchApp(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_form(app, pilot)
        await pilot.press("down", "down", "down", *"52:54:00:aa:bb:cc", "enter")
        await pilot.pause()
        assert "Plugged in" not in note_words(app)
        assert not isinstance(app.screen, MainScreen | PlugForm), "an error dialog"
        engine.guest("demo").failure = None
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, PlugForm)
        assert '"mac": "52:54:00:aa:bb:cc"' in sent(app), "what was typed is there for mending"
        await pilot.press("enter")
        await pilot.pause()
        assert "Plugged in" in note_words(app)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.GONE, "Unplugged net0 from demo"),
        (State.REFUSED, "Unplug refused demo refused to release net0; it stays plugged in"),
        (State.OVERDUE, "No answer within 15 s net0 is still in demo: the request is still pending"),
    ],
)
async def test_a_device_is_unplugged_after_a_question(state: State, words: str) -> None:
    engine = FakeEngine(running())
    engine.guest("demo").hotplug.end = Unplug("", state)
    app = WorkbenchApp(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_devices(app, pilot)
        await pilot.press("x")
        await pilot.pause()
        assert "below0, netdev net0-host" in str(app.screen.query_one("VerticalScroll Static").render())
        await pilot.press("escape")
        await pilot.pause()
        assert engine.guest("demo").asked == []
        await pilot.press("x")
        await pilot.pause()
        await pilot.press("right", "enter")
        await pilot.pause()
        assert engine.guest("demo").asked == [("unplug", "net0")]
        assert words in note_words(app)


async def test_a_pending_unplug_is_marked_until_it_ends() -> None:
    snapshot = running()
    engine = FakeEngine(snapshot)
    app = WorkbenchApp(engine)
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await to_devices(app, pilot)
        lines = pane.query_one(DeviceLines)

        def flag() -> str:
            found = next(row.flag for row in lines.rows if row.key == NET)
            return found.words if found else ""

        for state in (State.PENDING, State.OVERDUE):
            engine.publish(replace(snapshot, unplugs=(Unplug("net0", state),)))
            await pilot.pause()
            assert flag() == state.value
            shown = [lines.render_line(y).text for y in range(lines.size.height)]
            assert "… " in next(line for line in shown if "virtio-net" in line)
            assert "has not released it" in " ".join(str(pane.query_one("#device-details").render()).split())
        left = Unplug("net0", State.GONE, left=(Left(Behind(Sort.NETDEV, "net0-host"), "in use"),), waited=True)
        engine.publish(replace(snapshot, unplugged=(left,)))
        await pilot.pause()
        assert flag() == ""
        assert "net0 from demo\nleft behind: netdev net0-host: in use" in note_words(app)
        engine.publish(replace(snapshot, unplugged=(left, Unplug("net1", State.REFUSED, waited=True))))
        await pilot.pause()
        assert "refused to release net1" in note_words(app)
        assert note_words(app).count("net0 from demo") == 1, "shown once"


async def test_a_device_is_kept_after_its_table_was_shown() -> None:
    engine = FakeEngine(running())
    app = WorkbenchApp(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_devices(app, pilot)
        await pilot.press("K")
        await pilot.pause()
        text = str(app.screen.query_one("VerticalScroll Static").render())
        assert '[[net]]\nid = "net1"' in text
        assert "replacing\n\nnet = false" in text
        assert "no key for it: speed" in text
        await pilot.press("right", "enter")
        await pilot.pause()
        assert engine.guest("demo").asked == [("keep", "/profiles/demo.toml")]
        assert "/profiles/demo.toml:9" in note_words(app)


async def test_a_line_without_an_id_cannot_be_unplugged() -> None:
    engine = FakeEngine(running())
    app = WorkbenchApp(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        pane = await to_devices(app, pilot)
        pane.query_one(DeviceLines).cursor = 0
        await pilot.press("x", "K")
        await pilot.pause()
        assert "Not a device with an id" in note_words(app)
        assert isinstance(app.screen, MainScreen)


async def test_a_device_plugged_by_another_client_cannot_be_kept() -> None:
    engine = FakeEngine(running())
    hotplug = engine.guest("demo").hotplug

    async def refuse(name: str) -> None:
        raise NotFound(f"{name} was not plugged in")

    hotplug.keeping = refuse  # type: ignore[method-assign,assignment]
    app = WorkbenchApp(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_devices(app, pilot)
        await pilot.press("K")
        await pilot.pause()
        assert not isinstance(app.screen, MainScreen), "the reason, in a dialog"


class Readable(FakeDevices):
    """A tree, with or without a profile."""

    def __init__(self) -> None:
        self.lines: dict[str, str] | None = {"net0": "demo.toml:7"}

    async def tree(self) -> DeviceTree:
        return TREE

    async def drift(self) -> tuple[Difference, ...]:
        if self.lines is None:
            raise NotFound("no profile any more")
        return ()

    async def places(self) -> Mapping[str, str]:
        return self.lines or {}


async def test_the_profile_s_lines_follow_the_file() -> None:
    engine = FakeEngine(replace(running(), device_lines={"net0": "demo.toml:3"}))
    devices = engine.guest("demo").devices = Readable()
    app = WorkbenchApp(engine)
    async with app.run_test(size=(200, 60)) as pilot:
        pane = await to_devices(app, pilot)
        await pilot.press("r")
        await pilot.pause()
        assert pane.profile_lines == {"net0": "demo.toml:7"}
        engine.publish(replace(engine.guest("demo").snapshot, qemu_version="7.2.0"))
        await pilot.pause()
        assert pane.profile_lines == {"net0": "demo.toml:7"}, "also with the next snapshot"
        devices.lines = None
        await pilot.press("r")
        await pilot.pause()
        assert pane.profile_lines == {"net0": "demo.toml:3 at the start"}
        assert str(pane.border_subtitle) == "drift unknown: no profile any more"
        devices.lines = {}
        await pilot.press("r")
        await pilot.pause()
        assert str(pane.border_subtitle) == ""


async def test_escape_leaves_a_field_of_the_zoomed_pane_before_the_zoom() -> None:
    app = WorkbenchApp(FakeEngine(running()))
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await to_devices(app, pilot)
        await pilot.press("z")
        await pilot.pause()
        await pilot.press("slash", *"net")
        await pilot.pause()
        assert isinstance(app.focused, Input)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen.maximized is pane
        assert pane.query_one(DeviceLines).has_focus
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen.maximized is None
