"""The four views of one tree: the cursor keeps its device, QOM is read as it is expanded, and other panes can jump to one."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace
from textual.events import Key
from textual.widgets import Static

from tests.ui.devices.bench import (
    BALLOON,
    BUSES,
    CHILD,
    CONTROLLER,
    DISK,
    NODE,
    PCI_BUS,
    QUEUE,
    TREE,
    WORDS,
    Answering,
    Bench,
    node,
    press_on,
)
from workbench.domain.compare.drift import Difference, Kind
from workbench.domain.devices.buses import BusDevice
from workbench.domain.devices.qom import Child, Node, Property
from workbench.domain.devices.virtio import DriverState, Virtio
from workbench.domain.devices.virtio_config import balloon_config
from workbench.ui.devices.detail_area import DetailArea
from workbench.ui.devices.row import Row
from workbench.ui.devices.store import Question, Store, Want
from workbench.ui.devices.views.views import View


async def test_the_cursor_keeps_its_device_in_every_view() -> None:
    app = Answering()
    async with app.run_test(size=(80, 50)) as pilot:
        await app.open_on(BALLOON)
        for key, view in (("2", View.BUS), ("3", View.QOM), ("4", View.VIRTIO), ("1", View.PCI)):
            await pilot.press(key)
            await pilot.pause()
            await pilot.pause()
            assert (app.pane.place.view, app.key) == (view, BALLOON)
            assert f" {view}" in str(app.pane.border_title)


async def test_a_device_missing_in_one_view_is_chosen_again_in_the_next() -> None:
    app = Answering()
    async with app.run_test(size=(80, 50)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("2")
        await pilot.pause()
        number = app.lines.number_of(DISK)
        assert number is not None
        app.lines.cursor = number
        await pilot.press("1")
        await pilot.pause()
        assert app.lines.number_of(DISK) is None, "a disk is no PCI function"
        assert app.key == CONTROLLER, "its controller is"
        await pilot.press("4")
        await pilot.pause()
        assert app.key == CONTROLLER
        await pilot.press("2")
        await pilot.pause()
        assert app.key == DISK


async def test_the_parent_device_is_read_where_only_that_is_shown() -> None:
    app = Answering()
    async with app.run_test(size=(80, 50)) as pilot:
        await app.open_on(BALLOON)
        app.pane.reveal(DISK)
        app.pane.set_node(node("/machine/peripheral", "balloon0", "disk0"))
        await pilot.pause()
        assert (app.pane.place.view, app.key) == (View.QOM, DISK)
        await pilot.press("1")
        await pilot.pause()
        assert app.key == CONTROLLER
        # What sits on nothing has no line there: the cursor is at the top, not at the height where it was.
        app.pane.reveal("/objects")
        await pilot.pause()
        assert app.key == "/objects"
        await pilot.press("1")
        await pilot.pause()
        assert app.lines.cursor == 0
        await pilot.press("3")
        await pilot.pause()
        assert app.key == "/objects"


class Plugging(Answering):
    """A guest that gets or loses a disk without an event from QEMU."""

    def __init__(self) -> None:
        super().__init__()
        self.buses = BUSES
        self.names = ["balloon0"]

    def answer(self, question: Question) -> None:
        if question.want is Want.BUSES:
            self.pane.set_buses(self.buses)
        elif question == Question(Want.NODE, "/machine/peripheral"):
            self.pane.set_node(node("/machine/peripheral", *self.names))
        else:
            super().answer(question)


async def test_buses_and_qom_follow_devices_that_come_and_go() -> None:
    app = Plugging()
    async with app.run_test(size=(80, 50)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("2", "1")
        await pilot.pause()
        asked = [one.want for one in app.questions].count(Want.BUSES)
        host = BUSES.devices[0]
        app.buses = replace(BUSES, devices=(host, BusDevice("late", "/machine/peripheral/late0")))
        app.pane.look_again()
        await pilot.pause()
        assert [one.want for one in app.questions].count(Want.BUSES) == asked, "they are not shown"
        await pilot.press("2")
        await pilot.pause()
        assert app.line("late0"), "what came while another view was shown"
        app.buses = BUSES
        app.pane.look_again()
        await pilot.pause()
        assert app.lines.number_of("/machine/peripheral/late0") is None
        app.pane.tree = replace(TREE, machine="other")
        await pilot.pause()

        await pilot.press("3")
        await pilot.pause()
        app.names = ["balloon0", "late0"]
        app.pane.look_again()
        await pilot.pause()
        assert app.lines.number_of("/machine/peripheral/late0") is not None
        app.names = ["balloon0"]
        app.pane.look_again()
        await pilot.pause()
        assert app.lines.number_of("/machine/peripheral/late0") is None


async def test_registers_are_before_the_properties() -> None:
    app = Answering()
    async with app.run_test(size=(80, 60)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("enter")
        await pilot.pause()
        first = app.lines.number_of(f"{BALLOON}#property:broken")
        bars = app.lines.number_of(f"{BALLOON}#bars")
        assert first is not None
        assert bars is not None
        assert bars < first


async def test_the_bus_view_matches_info_qtree() -> None:
    app = Answering()
    async with app.run_test(size=(80, 50)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("2")
        await pilot.pause()
        text = [line.rstrip() for line in app.text() if line.strip()]
        assert text[0].split() == ["main-system-bus", "System"]
        assert [line.split()[-1] for line in text[1:4]] == ["└▸q35-pcihost", "PCIE", "00:02.0"]
        depths = [len(row.guide) for row in app.lines.rows]
        assert depths == [0, 2, 4, 6, 8, 10, 6, 8]
        # A bus is closed as anything else, and stays so.
        number = app.lines.number_of(PCI_BUS)
        assert number is not None
        app.lines.cursor = number
        await pilot.press("left")
        assert len(app.lines.rows) == 3
        app.pane.set_buses(replace(BUSES, name="other"))
        await pilot.pause()
        assert len(app.lines.rows) == 3


async def test_qom_is_read_as_it_is_opened() -> None:
    app = Answering()
    async with app.run_test(size=(80, 50)) as pilot:
        app.pane.trouble = ""
        app.pane.tree = TREE
        app.lines.focus()
        await pilot.press("3")
        await pilot.pause()
        assert app.asked == ["/", "/machine"], "what is open by itself, one level after the other"
        number = app.lines.number_of("/machine/peripheral")
        assert number is not None
        app.lines.cursor = number
        await pilot.press("enter")
        await pilot.pause()
        assert app.asked[2:] == ["/machine/peripheral"]
        assert app.line("balloon0")
        assert app.line("properties").split()[-1] == "1", "folded away beside children"


async def test_reveal_goes_to_a_view_that_shows_the_device() -> None:
    app = Answering()
    async with app.run_test(size=(80, 50)) as pilot:
        app.pane.trouble = ""
        assert not app.pane.reveal("balloon0"), "nothing is known yet"
        app.pane.tree = TREE
        assert app.pane.reveal("balloon0")
        await pilot.pause()
        assert (app.pane.place.view, app.key) == (View.PCI, BALLOON), "by its id, in the view that is shown"
        assert app.pane.reveal("00:01.0")
        await pilot.pause()
        assert app.key == "/machine/peripheral/net0", "by its address"
        assert app.pane.reveal(CHILD)
        for _ in range(6):
            await pilot.pause()
        assert (app.pane.place.view, app.key) == (View.QOM, CHILD), "PCI does not show it, QOM does"
        app.pane.set_buses(BUSES)
        await pilot.press("1")
        assert app.pane.reveal("disk0")
        await pilot.pause()
        assert (app.pane.place.view, app.key) == (View.BUS, DISK)


async def test_reveal_of_a_property_expands_its_group() -> None:
    app = Answering()
    async with app.run_test(size=(80, 50)) as pilot:
        app.pane.trouble = ""
        app.pane.tree = TREE
        for name in ("deflate-on-oom", "romfile"):
            assert app.pane.reveal("balloon0", name)
            for _ in range(3):
                await pilot.pause()
            assert app.key == f"{BALLOON}#property:{name}"


async def test_levels_open_and_close() -> None:
    app = Answering()
    async with app.run_test(size=(80, 50)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("3")
        for _ in range(4):
            await pilot.pause()
        await pilot.press("home", "asterisk")
        for _ in range(4):
            await pilot.pause()
        assert app.lines.number_of(CHILD) is not None
        count = len(app.lines.rows)
        await pilot.press("minus")
        await pilot.pause()
        assert len(app.lines.rows) < count
        await pilot.press("plus")
        for _ in range(4):
            await pilot.pause()
        assert app.lines.number_of(CHILD) is not None
        for _ in range(8):
            await pilot.press("minus")
        assert [row.key for row in app.lines.rows] == ["/"]


async def test_queues_and_status_bits_have_their_names() -> None:
    app = Bench()
    async with app.run_test(size=(100, 50)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("4", "enter")
        virtio = Virtio(5, 0x0F, None, ("STATS_VQ", "REPORTING"), ("STATS_VQ",), queues=(QUEUE,))
        app.pane.set_node(replace(NODE, virtio=virtio))
        await pilot.pause()
        assert app.line("DRIVER_OK").split()[-1] == "on"
        assert app.line("FAILED").split()[-1] == "off"
        for key in (f"{BALLOON}#queues", f"{BALLOON}#queue:0"):
            number = app.lines.number_of(key)
            assert number is not None
            app.lines.cursor = number
            await pilot.press("enter")
            await pilot.pause()
        assert "0 inflate" in app.line("in flight")
        assert app.line("in flight").rstrip().endswith("1 in flight")
        assert app.line("avail seen").split()[-1] == "9"
        # It moves on: only the virtio state was read again.
        app.pane.set_virtio(BALLOON, replace(virtio, queues=(replace(QUEUE, in_flight=3),)))
        await pilot.pause()
        assert app.line("in flight").rstrip().endswith("3 in flight")


@pytest.mark.parametrize("note", ["QEMU 11.1.3 cannot be queried safely", "no command for this (needs 7.2)"])
async def test_unreadable_parts_are_reported_and_the_rest_is_shown(note: str) -> None:
    app = Bench()
    async with app.run_test(size=(100, 50)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("4", "enter")
        virtio = Virtio(5, 0x0F, None, note=note, queues_note=f"3: {note}", config=WORDS)
        app.pane.set_node(replace(NODE, virtio=virtio))
        await pilot.pause()
        assert app.line("DRIVER_OK").split()[-1] == "on"
        assert app.line("num_pages").split()[-1] == "65,536"
        assert f"3: {note}" in app.line("queues")
        assert note in app.line("features")


async def test_unread_queues_are_counted_below_the_others() -> None:
    app = Bench()
    async with app.run_test(size=(100, 50)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("4", "enter")
        more = "8 more, not read"
        app.pane.set_node(replace(NODE, virtio=Virtio(5, 0x0F, None, (), (), queues=(QUEUE,), queues_note=more)))
        await pilot.pause()
        await press_on(app, pilot, f"{BALLOON}#queues")
        assert app.line(more)


async def test_partial_features_say_which_part_is_missing() -> None:
    app = Bench()
    async with app.run_test(size=(100, 50)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("4", "enter")
        note = "bits 32 to 63 cannot be read without writing a register"
        virtio = Virtio(5, 0x0F, None, ("STATS_VQ", "REPORTING"), ("STATS_VQ",), note=note)
        app.pane.set_node(replace(NODE, virtio=virtio))
        await pilot.pause()
        await press_on(app, pilot, f"{BALLOON}#features")
        assert app.line("features").split()[-3:] == ["1", "of", "2"]
        assert app.line("STATS_VQ").split()[-1] == "on"
        assert app.line("bits 32 to 63 cannot be read")


async def test_visible_config_fields_of_the_balloon_are_updated() -> None:
    """They are read with the other live values, not only with the tree; so is the status."""
    app = Bench()
    async with app.run_test(size=(100, 50)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("enter")
        app.pane.set_node(NODE)
        await pilot.pause()
        assert app.line("num_pages").split()[-1] == "65,536"
        app.questions.clear()
        async with asyncio.timeout(10):
            while not any(one.want is Want.VIRTIO and one.path == BALLOON for one in app.questions):
                await pilot.pause(0.05)
        app.pane.set_virtio(BALLOON, Virtio(5, 0x07, DriverState.OK, config=balloon_config((4096, 77))))
        await pilot.pause()
        assert app.line("num_pages").split()[-1] == "4,096"
        assert app.line("actual").split()[-1] == "77"
        app.pane.set_virtio(BALLOON, Virtio(5, 0x80, DriverState.FAILED, config=balloon_config((4096, 77))))
        await pilot.pause()
        assert app.line("virtio-balloon").split()[-1] == "failed"


async def test_hidden_values_are_not_read() -> None:
    """Visible values are read once a second, and those of a walk once they scroll into view."""
    app = Bench()
    async with app.run_test(size=(60, 14)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("enter")
        many = tuple(Property(f"p{number:03}", "int", unread=True) for number in range(200))
        app.pane.set_node(replace(NODE, properties=many, virtio=None))
        await pilot.pause()
        (names,) = asked(app)
        assert len(names) < 20
        assert names[0] == "p000"
        app.pane.set_values(BALLOON, [Property(name, "int", 1) for name in names])
        app.questions.clear()
        await pilot.press("end")
        async with asyncio.timeout(10):
            while not (later := [question for question in asked(app) if "p199" in question]):
                # What was asked before the key, by the clock, has its answer first.
                app.pane.set_values(BALLOON, [Property(name, "int", 1) for question in asked(app) for name in question])
                await pilot.pause(0.05)
        assert "p000" not in later[0]


def asked(app: Bench) -> list[list[str]]:
    """The names of the values in each question."""
    return [[name for name, _ in one.kinds] for one in app.questions if one.want is Want.VALUES]


async def test_a_removed_node_shows_an_error_in_its_line() -> None:
    app = Answering()
    async with app.run_test(size=(80, 40)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("enter")
        await pilot.pause()
        assert app.line("deflate-on-oom")
        app.pane.set_failure(Question(Want.VALUES, BALLOON), "Device '/machine/[x]' not found")
        await pilot.pause()
        assert "Device '/machine/[x]' not found" in "".join(app.text())
        app.pane.set_values(BALLOON, [Property("late", "int", 1)])  # a late answer
        await pilot.pause()
        assert "not found" in "".join(app.text())


async def test_copying_a_path_and_zooming() -> None:
    app = Answering()
    async with app.run_test(size=(60, 30)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("y")
        assert app.clipboard == BALLOON
        await pilot.press("z")
        assert app.screen.maximized is app.pane
        await pilot.press("z")
        assert app.screen.maximized is None


async def test_drift_is_marked_with_words_both_ways() -> None:
    app = Bench()
    async with app.run_test(size=(90, 40)) as pilot:
        await app.open_on(BALLOON)
        app.pane.differences = (
            Difference(Kind.CHANGED, "balloon0", "deflate-on-oom: running with on, the profile has off", path=BALLOON),
            Difference(Kind.MISSING, "net1[/b]", "new in the profile since the start", place="demo.toml:9"),
        )
        await pilot.pause()
        assert "≠ differs" in app.line("00:03.0")
        assert "≠" not in app.line("00:01.0")
        assert "net1[/b]" in app.line("net1")
        assert "≠ does not run" in app.line("net1")
        assert "≠ 2 from the profile" in str(app.pane.border_subtitle)
        detail = str(app.query_one("#device-details", Static).render())
        assert "the profile has off" in " ".join(detail.split())
        await pilot.press("end")
        await pilot.pause()
        assert "demo.toml:9" in str(app.query_one("#device-details", Static).render())
        app.pane.differences = ()
        await pilot.pause()
        assert "≠" not in "".join(app.text())
        assert not app.pane.border_subtitle


async def test_five_thousand_objects_open_and_scroll_without_a_lost_key() -> None:
    nodes = {}
    for first in range(70):
        inner = [Child(f"o[{n}]", "memory-region", f"/a[{first}]/o[{n}]") for n in range(72)]
        nodes[f"/a[{first}]"] = Node(f"/a[{first}]", "container", (), tuple(inner))
        nodes |= {one.path: Node(one.path, one.type, (Property("size", "uint64", 1),)) for one in inner}
    nodes["/"] = Node("/", "container", (), tuple(Child(f"a[{n}]", "container", f"/a[{n}]") for n in range(70)))
    app = Bench()
    async with app.run_test(size=(80, 40)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("3")
        app.pane.set_walk(nodes, values=True)
        await pilot.press("home", "asterisk")
        await pilot.pause()
        assert len(app.lines.rows) == 1 + 70 + 70 * 72
        assert len({row.key for row in app.lines.rows}) == len(app.lines.rows)
        await pilot.press("home")
        page = app.lines.scrollable_content_region.height - 1
        for number in range(100):
            app.post_message(Key(("down", "pagedown")[number % 2], None))
        for _ in range(20):
            await pilot.pause()
        assert app.lines.cursor == 50 * (page + 1)
        assert app.line(str(app.lines.row.text if app.lines.row else "?"))
        await pilot.press("minus")
        await pilot.pause()
        assert len(app.lines.rows) == 71


async def test_a_value_of_a_megabyte_costs_no_more_than_a_line() -> None:
    app = Bench()
    async with app.run_test(size=(80, 40)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("enter")
        huge = (Property("text", "str", "x\x1b[" * 400_000), Property("list", "list", ["[/b]"] * 200_000))
        app.pane.set_node(replace(NODE, properties=huge))
        await pilot.pause()
        assert all(len(row.value) < 500 for row in app.lines.rows)
        number = app.lines.number_of(f"{BALLOON}#property:text")
        assert number is not None
        app.lines.cursor = number
        await pilot.pause()
        detail = str(app.query_one("#device-details", Static).render())
        assert "\x1b" not in detail
        assert "1,200,000 characters" in " ".join(detail.split()).replace(", ", ",")


async def test_values_are_kept_and_asked_for_again_while_qemu_does_not_answer() -> None:
    app = Bench()
    async with app.run_test(size=(80, 40)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("enter")
        app.pane.set_node(NODE)
        await pilot.pause()
        app.pane.set_failure(Question(Want.VALUES, BALLOON))
        await pilot.pause()
        assert app.line("deflate-on-oom").split()[-1] == "on"
        await pilot.press("3")
        await pilot.pause()
        asked = app.asked.count("/")
        app.pane.set_failure(Question(Want.NODE, "/"))
        await pilot.pause()
        assert app.asked.count("/") == asked, "not at once: it would fail at once again"
        app.pane.read_live()
        await pilot.pause()
        assert app.asked.count("/") == asked + 1


@pytest.mark.parametrize("key", ["#num_pages", "#status:DRIVER", "#queue:0:used", "#feature:MAC"])
def test_each_kind_of_live_line_is_read(key: str) -> None:
    source = WORDS[0] if key == "#num_pages" else None
    row = Row(f"{BALLOON}{key}", "", "text", path=BALLOON, source=source)
    assert list(Store().live([row])) == [Question(Want.VIRTIO, BALLOON)]
    assert list(Store().live([row], only_unread=True)) == []


@pytest.mark.parametrize("size", [(36, 24), (80, 24), (80, 50), (200, 60)])
async def test_all_details_can_be_read_at_every_size(size: tuple[int, int]) -> None:
    """Hidden lines are counted, and a key scrolls to them; the next row starts at the top."""
    app = Answering()
    async with app.run_test(size=size) as pilot:
        await app.open_on(BALLOON)
        await pilot.pause()
        area = app.query_one(DetailArea)

        def shown() -> list[str]:
            return str(area.render()).splitlines()

        whole = [str(line) for line in area.lines]
        assert len(whole) > 5
        first, seen = shown(), list(shown())
        assert len(first) <= area.content_size.height
        for _ in range(len(whole)):
            await pilot.press("]")
            seen += shown()
        assert [line for line in whole if line not in seen] == []
        assert any("more ]" in line for line in first) == (len(whole) > area.content_size.height)
        assert "more ]" not in shown()[-1], "at the end nothing is below"
        await pilot.press("down")
        await pilot.pause()
        await pilot.press("up")
        await pilot.pause()
        assert shown() == first
