"""The device pane: it keeps its place, shows text as text, and reports trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from textual.widgets import Static

from tests.ui.devices.bench import BALLOON, CHILD, NODE, STATES, TREE, Bench, recorded_tree
from workbench.domain.devices.pci import PciAddress
from workbench.domain.devices.qom import Node, Property
from workbench.domain.devices.tree import DeviceTree, Registers
from workbench.ui.common.plain_text import clean, cut, hanging
from workbench.ui.devices.layout import Layout
from workbench.ui.devices.lines import DeviceLines
from workbench.ui.devices.pane import DeviceTreePane
from workbench.ui.devices.row import Row, Shown
from workbench.ui.devices.store import Question, Want
from workbench.ui.devices.views.views import View, rows

if TYPE_CHECKING:
    from textual.strip import Strip


def without(tree: DeviceTree, *slots: int) -> DeviceTree:
    bus = tree.buses[0]
    return replace(
        tree, buses=(replace(bus, devices=tuple(one for one in bus.devices if one.address.slot not in slots)),)
    )


async def test_the_tree_looks_as_in_the_sketch() -> None:
    app = Bench()
    async with app.run_test(size=(80, 40)) as pilot:
        await app.open_on(BALLOON)
        await pilot.pause()
        assert app.text()[0].split() == ["pcie.0", "pc-q35-7.2"]
        assert app.line("00:03.0").split() == ["├▸00:03.0", "virtio-balloon", "balloon0", "ok"]
        assert app.line("00:05.0").rstrip().endswith("no driver")
        assert app.line("01:00.0").startswith("│ └▸01:00.0 virtio-rng"), "behind the root port"
        assert app.line("00:1f.2").split() == ["├▸00:1f.2", "AHCI"]
        ends = {len(app.line(slot).rstrip()) for slot in ("00:01.0", "00:03.0", "00:05.0")}
        assert len(ends) == 1, "states end in one column"


async def test_opening_asks_for_the_node_and_shows_it() -> None:
    app = Bench()
    async with app.run_test(size=(80, 50)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("enter")
        assert app.asked == [BALLOON]
        assert "reading …" in "".join(app.text())
        assert app.line("num_pages").split() == ["│", "├", "num_pages", "65,536"], "registers need no answer"
        app.pane.set_node(NODE)
        await pilot.pause()
        text = app.text()
        assert "reading …" not in "".join(text)
        assert app.line("status").split()[-1] == "DRIVER_OK"
        assert app.line("deflate-on-oom").split()[-1] == "on"
        assert app.line("iothread").split()[-1] == "none"
        assert app.line("features").split()[-3:] == ["1", "of", "2"]
        assert app.line("broken").rstrip().endswith("is not readable")
        assert app.line("more properties").split()[-1] == "1"
        shown = [line.split()[1] if line.startswith("│ ├ ") else "" for line in text]
        assert "romfile" not in shown, "common to all devices: folded away"


async def test_text_from_the_guest_is_not_markup() -> None:
    app = Bench()
    async with app.run_test(size=(80, 50)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("space")
        app.pane.set_node(NODE)
        await pilot.pause()
        line = app.line("[/b]name")
        assert "[red]␛[31m␊value[/nothing]" in line
        assert not any("\x1b" in text or "\n" in text for text in app.text())
        number = app.lines.number_of(f"{BALLOON}#property:[/b]name")
        assert number is not None
        app.lines.cursor = number
        app.pane.trouble = "broken [/markup] here"
        await pilot.pause()
        detail = str(app.query_one("#device-details", Static).render())
        assert "[/b]name (str)" in detail
        assert "[red]␛[31m␊value[/nothing]" in detail
        app.pane.tree = None
        await pilot.pause()
        assert "broken [/markup] here" in str(app.query_one("#device-trouble", Static).render())


async def test_a_refresh_keeps_cursor_openings_and_place() -> None:
    app = Bench()
    async with app.run_test(size=(60, 20)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("enter")
        app.pane.set_node(NODE)
        await pilot.pause()
        await pilot.press("down", "down", "down")
        row, top = app.lines.row, app.lines.scroll_offset.y
        assert row is not None
        # A driver came up, a device above the cursor is gone, one below too.
        registers = {**STATES, PciAddress(0, 2, 0): Registers(0x0F)}
        app.pane.tree = without(TREE.with_registers(registers), 1, 7)
        await pilot.pause()
        assert app.lines.row is not None
        assert app.lines.row.key == row.key
        assert app.pane.place.expanded == {BALLOON}
        assert next(line.value for line in app.lines.rows if "00:02.0" in line.text) == "ok"
        assert not any("00:01.0" in line.text for line in app.lines.rows)
        assert abs(app.lines.scroll_offset.y - top) <= 1
        assert any(line.text == "deflate-on-oom" for line in app.lines.rows), "what was read is still there"
        # The device under the cursor is gone: the cursor stays near.
        app.pane.tree = without(TREE, 3)
        await pilot.pause()
        assert app.lines.row is not None
        assert app.lines.cursor <= len(app.lines.rows) - 1
        # And it comes back open, and asks again.
        app.asked.clear()
        app.pane.tree = TREE
        await pilot.pause()
        assert any(line.key == f"{BALLOON}#status" for line in app.lines.rows)


async def test_only_changed_lines_are_redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Bench()
    async with app.run_test(size=(80, 40)) as pilot:
        await app.open_on(BALLOON)
        await pilot.pause()
        drawn: list[int] = []
        original = app.lines.render_line

        def spy(y: int) -> Strip:
            drawn.append(y)
            return original(y)

        monkeypatch.setattr(app.lines, "render_line", spy)
        app.pane.tree = recorded_tree()
        await pilot.pause()
        assert drawn == [], "an equal tree draws nothing"
        app.pane.tree = TREE.with_registers({**STATES, PciAddress(0, 5, 0): Registers(0x0F)})
        await pilot.pause()
        assert 0 < len(drawn) <= 3


async def test_closing_another_run_and_another_guest() -> None:
    app = Bench()
    async with app.run_test(size=(80, 40)) as pilot:
        app.pane.guest = "demo"
        await app.open_on(BALLOON)
        await pilot.press("right")
        app.pane.set_node(NODE)
        await pilot.pause()
        # Another guest: its own place, nothing of the first one's nodes.
        app.pane.guest = "other"
        app.pane.tree = TREE
        await pilot.pause()
        assert app.pane.place.expanded == set()
        # Back: open as it was, and its values are asked for again.
        app.asked.clear()
        app.pane.tree = None
        app.pane.guest = "demo"
        app.pane.tree = TREE
        await pilot.pause()
        assert app.asked == [BALLOON]
        row = app.lines.row
        assert row is not None
        assert row.key == BALLOON
        await pilot.press("left")
        assert app.pane.place.expanded == set()
        await pilot.press("left")
        assert app.lines.cursor == 0, "left again: the bus"


async def test_qom_children_open_in_turn() -> None:
    app = Bench()
    async with app.run_test(size=(80, 60)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("enter")
        app.pane.set_node(NODE)
        for key in (f"{BALLOON}#children", f"qom:{CHILD}"):
            await pilot.pause()
            number = app.lines.number_of(key)
            assert number is not None
            app.lines.cursor = number
            await pilot.press("enter")
        assert app.asked == [BALLOON, CHILD]
        app.pane.set_failure(Question(Want.NODE, CHILD), "Device [x] not found")
        await pilot.pause()
        assert "Device [x] not found" in "".join(app.text())
        app.pane.set_node(Node(CHILD, "virtio-balloon-device", (Property("deep", "int", 7),)))
        await pilot.pause()
        assert app.line("deep").split()[-1] == "7"
        assert "hw/virtio/virtio-balloon.c" in str(app.query_one("#device-details", Static).render())


@pytest.mark.parametrize("width", [34, 36, 44, 80, 120])
async def test_no_line_is_wider_than_the_pane_and_no_state_is_cut(width: int) -> None:
    app = Bench()
    async with app.run_test(size=(width, 40)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("enter")
        app.pane.set_node(NODE)
        await pilot.pause()
        room = app.lines.scrollable_content_region.width
        assert {cell_len(line) for line in app.text()} == {room}
        devices = "".join(line for line in app.text() if ":0" in line)
        assert "…" not in devices
        words = [app.line(slot).split()[-1] for slot in ("00:03.0", "00:05.0")]
        assert words in (["ok", "none"], ["ok", "driver"])
        assert "…" in app.line("long"), "a value of 3,000 characters"


async def test_details_show_type_path_source_and_profile_line() -> None:
    app = Bench()
    async with app.run_test(size=(60, 40)) as pilot:
        await app.open_on(BALLOON)
        app.pane.profile_lines = {"balloon0": "demo.toml:14"}
        await pilot.pause()
        detail = str(app.query_one("#device-details", Static).render())
        for words in ("virtio-balloon-pci", BALLOON, "hw/virtio/virtio-balloon-pci.c", "demo.toml:14", "1af4:1002"):
            assert words in detail
        await pilot.resize_terminal(60, 14)
        await pilot.pause()
        assert not app.query_one("#device-details").display, "no room for it"


async def test_details_are_wrapped_to_the_current_width() -> None:
    """A hidden pane has no width; what it shows first is wrapped to the width that it gets then."""
    app = Bench()
    async with app.run_test(size=(90, 30)) as pilot:
        app.pane.display = False
        await pilot.pause()
        app.pane.trouble, app.pane.tree = "", TREE
        await pilot.pause()
        app.pane.display = True
        area = app.query_one("#device-details", Static)
        for _ in range(100):
            await pilot.pause()
            if "pcie.0 (number 00) of pc-q35-7.2" in str(area.render()):
                break
        else:
            raise AssertionError(str(area.render()))


async def test_empty_and_trouble_states() -> None:
    app = Bench()
    async with app.run_test(size=(60, 20)) as pilot:
        trouble = app.query_one("#device-trouble", Static)
        assert "No guest chosen" in str(trouble.render())
        app.pane.trouble = "demo is stopped"
        await pilot.pause()
        assert "demo is stopped" in str(trouble.render())
        app.pane.trouble = ""
        await pilot.pause()
        assert "Reading devices" in str(trouble.render())
        await app.open_on(BALLOON)
        app.pane.trouble = "QEMU does not answer"
        await pilot.pause()
        assert app.lines.display
        assert not trouble.display
        assert "QEMU does not answer" in str(app.pane.border_subtitle)
        assert app.lines.dimmed


async def test_r_refreshes_what_is_expanded() -> None:
    app = Bench()
    async with app.run_test(size=(60, 30)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("enter")
        app.pane.set_node(NODE)
        await pilot.pause()
        app.asked.clear()
        await pilot.press("r")
        await pilot.pause()
        assert app.refreshed == 1
        assert app.asked == [BALLOON]


async def test_the_mouse_opens_and_closes() -> None:
    app = Bench()
    async with app.run_test(size=(60, 30)) as pilot:
        await app.open_on(BALLOON)
        await pilot.pause()
        await pilot.click(DeviceLines, offset=(6, 2))
        assert app.asked == ["/machine/peripheral/net0"]
        assert "/machine/peripheral/net0" in app.pane.place.expanded
        await pilot.click(DeviceLines, offset=(6, 2))
        assert app.pane.place.expanded == set()


async def test_keys_move_within_the_lines() -> None:
    app = Bench()
    async with app.run_test(size=(60, 12)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("end")
        assert app.lines.cursor == len(app.lines.rows) - 1
        await pilot.press("down", "j", "pagedown")
        assert app.lines.cursor == len(app.lines.rows) - 1
        assert app.lines.scroll_offset.y > 0
        await pilot.press("home", "up", "k", "pageup", "left")
        assert (app.lines.cursor, app.lines.scroll_offset.y) == (0, 0)


def test_every_key_can_be_moved_and_says_what_it_does() -> None:
    for binding in (*DeviceLines.BINDINGS, *DeviceTreePane.BINDINGS):
        assert not isinstance(binding, tuple)
        assert binding.id
        assert binding.tooltip


def test_many_devices_have_keys_of_their_own() -> None:
    bus = TREE.buses[0]
    many = tuple(
        replace(bus.devices[1], address=PciAddress(n, 1, 0), path=f"/machine/peripheral/n{n}") for n in range(1000)
    )
    lines = rows(View.PCI, Shown(tree=replace(TREE, buses=(replace(bus, devices=many),))))
    assert len(lines) == 1001
    assert len({line.key for line in lines}) == 1001


@given(st.text(), st.integers(0, 40))
def test_cut_and_hanging_keep_to_the_width(text: str, width: int) -> None:
    text = clean(text)
    assert cell_len(cut(text, width)) <= width
    lines = hanging(text, max(width, 2))
    assert all(cell_len(line) <= max(width, 2) for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split()), "nothing is lost but space"


@given(st.text(max_size=30), st.text(max_size=30), st.integers(8, 60))
def test_any_row_fits_any_width(text: str, value: str, width: int) -> None:
    row = Row("k", "│ ├ ", clean(text), clean(value))
    assert sum(map(cell_len, Layout.of([row], width).fit(row))) <= width
