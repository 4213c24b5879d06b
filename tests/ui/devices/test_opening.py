"""Expanding lines in the device pane: values with parts, everything below a line, at the edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from tests.ui.devices.bench import BALLOON, CHILD, NODE, QUEUE, Answering, Bench, Finding, press_on
from workbench.domain.devices.qom import Node, Property
from workbench.domain.devices.virtio import Virtio
from workbench.ui.devices.detail_area import DetailArea

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from workbench.domain.devices.virtqueue import Queue

STATISTICS = {
    "stats": {"stat-free-memory": 1024, "stat-swap-in": 2**64 - 1, "\x1b[31mname": [1, {"deep": "[b]"}]},
    "last-update": 1795491300,
}


async def shown(pilot: Pilot[None], *properties: Property) -> None:
    """Expand the balloon with only these properties."""
    app = pilot.app
    assert isinstance(app, Bench)
    await app.open_on(BALLOON)
    await pilot.press("enter")
    app.pane.set_node(replace(NODE, properties=properties, virtio=None))
    await pilot.pause()


async def test_a_value_with_parts_opens() -> None:
    app = Bench()
    async with app.run_test(size=(80, 60)) as pilot:
        await shown(pilot, Property("guest-stats", "guest statistics", STATISTICS), Property("z", "int", 1))
        assert app.line("guest-stats").split()[-2:] == ["2", "values"]
        await press_on(app, pilot, f"{BALLOON}#property:guest-stats")
        assert app.line("stat-free-memory").split()[-1] == "1024"
        assert app.line("stat-swap-in").split()[-2:] == ["not", "reported"], "QEMU's mark for a missing statistic"
        assert app.line("last-update").split()[-1] == "1795491300"
        assert app.line("deep").split()[-1] == "[b]"
        assert "\x1b" not in "".join(app.text())
        assert "␛[31mname" in "".join(app.text())
        # It lives: the whole property is read again, and what is open stays open.
        later = {**STATISTICS, "last-update": 1795491399}
        app.pane.set_values(BALLOON, [Property("guest-stats", "guest statistics", later)])
        await pilot.pause()
        assert app.line("last-update").split()[-1] == "1795491399"
        await press_on(app, pilot, f"{BALLOON}#property:guest-stats.stats")
        assert "stat-free-memory" not in "".join(app.text()), "a part closes by itself"
        assert app.line("last-update")


async def test_the_rest_of_a_long_list_is_counted() -> None:
    app = Bench()
    async with app.run_test(size=(80, 60)) as pilot:
        await shown(pilot, Property("numbers", "list", list(range(100_000))))
        assert app.line("numbers").split()[-2:] == ["100000", "items"]
        await press_on(app, pilot, f"{BALLOON}#property:numbers")
        assert sum(row.key.startswith(f"{BALLOON}#property:numbers.") for row in app.lines.rows) == 201
        assert any(row.text == "99,800 more" for row in app.lines.rows)


async def test_properties_are_in_numerical_order() -> None:
    app = Bench()
    async with app.run_test(size=(80, 60)) as pilot:
        await shown(pilot, *(Property(f"gsi[{number}]", "link<irq>", "/x") for number in (10, 9, 2, 1)))
        names = [row.text for row in app.lines.rows if row.text.startswith("gsi")]
        assert names == ["gsi[1]", "gsi[2]", "gsi[9]", "gsi[10]"]


async def test_everything_below_a_line_expands_as_it_is_read() -> None:
    """Late answers are expanded too; after that, lines collapsed by hand stay collapsed."""
    app = Answering()
    async with app.run_test(size=(80, 60)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("*")
        for _ in range(10):
            await pilot.pause()
        below = [row for row in app.lines.rows if row.path.startswith(BALLOON) and row.expandable]
        assert len(below) > 3
        assert all(row.expanded for row in below), [row.key for row in below if not row.expanded]
        assert {f"{BALLOON}#features", f"{BALLOON}#bars", f"qom:{CHILD}"} <= {row.key for row in below}
        assert not any(row.expanded for row in app.lines.rows if row.path and not row.path.startswith(BALLOON))
        await press_on(app, pilot, f"{BALLOON}#features")
        assert not any("#feature:" in row.key for row in app.lines.rows)


async def test_a_line_expanded_at_the_edge_scrolls_into_view() -> None:
    """The line moves up as far as its inside needs, also if that is read later; it stays visible."""
    app = Bench()
    async with app.run_test(size=(60, 14)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("end", "enter")
        await pilot.pause()
        row = app.lines.row
        assert row is not None
        app.pane.set_node(Node(row.path, "t", tuple(Property(f"p{number}", "int", 1) for number in range(4))))
        await pilot.pause()
        text = "".join(app.text())
        assert all(f"p{number} " in text for number in range(4))
        app.pane.set_node(Node(row.path, "t", tuple(Property(f"p{number}", "int", 2) for number in range(90))))
        await pilot.press("home")
        app.pane.set_values(row.path, [Property("p0", "int", 3)])
        await pilot.pause()
        assert app.lines.scroll_offset.y == 0, "only once: a cursor moved elsewhere stays there"


async def test_results_of_the_same_name_show_their_owner() -> None:
    """Two devices have the same property: the owner is shown beside the result, and in the details."""
    app = Finding()
    async with app.run_test(size=(66, 40)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("slash", *"size")
        await pilot.pause()
        lines = [line for line in app.text() if line.split()[:1] == ["size"]]
        assert len(lines) > 2
        assert len(set(lines)) == len(lines)
        parts = app.query_one(DetailArea).parts
        assert parts[0] == ("found", "size: 7")


async def test_a_queue_shows_its_indices_in_its_own_line() -> None:
    """In fixed columns: a growing number moves no other."""
    app = Bench()
    async with app.run_test(size=(80, 60)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("4", "enter")

        def show(queue: Queue) -> None:
            app.pane.set_node(replace(NODE, virtio=Virtio(5, 15, None, (), (), queues=(queue,))))

        show(QUEUE)
        await pilot.pause()
        await press_on(app, pilot, f"{BALLOON}#queues")
        before = app.line("inflate")
        assert "avail     9  used     6  128 descriptors" in before
        show(replace(QUEUE, seen=65535, used=40000))
        await pilot.pause()
        after = app.line("inflate")
        assert "avail 65535  used 40000  128 descriptors" in after
        assert before.index("used") == after.index("used")
        assert dict(app.query_one(DetailArea).parts)["line"].startswith("queues: 1 of 1")
        show(replace(QUEUE, desc=0))
        await pilot.pause()
        assert "avail" not in app.line("inflate"), "indices of what no driver set up mean nothing"
