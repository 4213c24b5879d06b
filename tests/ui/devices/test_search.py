"""Search: results while typing, and one after the other in the tree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from textual.widgets import Input

from tests.ui.devices.bench import BALLOON, CHILD, NODE, QOM, SECRET, TREE, Answering, Finding
from tests.ui.notifications import notes
from workbench.domain.devices.qom import Node
from workbench.domain.devices.search import Spot, find, spots
from workbench.ui.devices.find_bar import FindBar
from workbench.ui.devices.search import LISTED, Known, Search
from workbench.ui.devices.store import Question, Want


async def test_results_appear_while_typing_and_enter_goes_there() -> None:
    app = Finding()
    async with app.run_test(size=(80, 40)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("slash", *"needle")
        await pilot.pause()
        assert "serial" in "".join(app.text()), "a value of an object that was never opened"
        assert "needle[/b]" in app.line("serial")
        assert "1 found" in str(app.query_one("#find-count").render())
        await pilot.press("enter")
        for _ in range(6):
            await pilot.pause()
        assert app.key == f"{CHILD}#property:serial"
        assert app.lines.has_focus
        assert "/ 1 of 1" in str(app.pane.border_subtitle)


async def test_no_match_is_reported_before_everything_is_read() -> None:
    app = Answering()
    async with app.run_test(size=(80, 40)) as pilot:
        await app.open_on(BALLOON)
        count = app.query_one("#find-count")
        await pilot.press("slash", *"needle")
        await pilot.pause()
        assert "reading \u2026" in str(count.render())
        app.pane.set_walk({BALLOON: replace(NODE, path=BALLOON)})
        await pilot.pause()
        assert "reading \u2026" in str(count.render()), "values are still to come"
        app.pane.set_failure(Question(Want.EVERYTHING))
        await pilot.pause()
        assert "0, partial" in str(count.render())
        app.pane.set_walk({**QOM, CHILD: SECRET}, values=True)
        await pilot.pause()
        assert "1 found" in str(count.render())


async def test_enter_goes_to_a_match_that_is_read_later() -> None:
    app = Answering()
    async with app.run_test(size=(80, 40)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("slash", *"needle", "enter")
        await pilot.pause()
        assert app.key == BALLOON, "nothing is known of it yet"
        app.pane.set_walk({**QOM, CHILD: SECRET}, values=True)
        for _ in range(6):
            await pilot.pause()
        assert app.key == f"{CHILD}#property:serial"
        # A cursor moved elsewhere in the meantime stays there, and a missing match is reported.
        await pilot.press("slash", *"needles", "enter", "home")
        await pilot.pause()
        app.pane.set_walk({**QOM, CHILD: SECRET}, values=True)
        await pilot.pause()
        assert not notes(app)
        assert app.lines.cursor == 0
        await pilot.press("slash", *"needles", "enter")
        await pilot.pause()
        app.pane.set_walk({**QOM, CHILD: SECRET}, values=True)
        await pilot.pause()
        assert [one.message for one in notes(app)] == ["Not found: needles"]


async def test_a_config_field_of_the_balloon_is_found() -> None:
    app = Finding()
    async with app.run_test(size=(80, 60)) as pilot:
        await app.open_on(BALLOON)
        for view in ("2", "4"):
            await pilot.press(view, "slash", *"num_pa")
            await pilot.pause()
            assert "1 found" in str(app.query_one("#find-count").render())
            await pilot.press("enter")
            for _ in range(3):
                await pilot.pause()
            assert app.key == f"{BALLOON}#num_pages"
            assert app.line("num_pages").split()[-1] == "65,536"


async def test_a_search_ends_with_its_guest() -> None:
    app = Finding()
    async with app.run_test(size=(80, 40)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("slash", *"needle")
        await pilot.pause()
        app.pane.trouble, app.pane.tree = "demo is stopped", None
        await pilot.pause()
        assert not app.query_one(FindBar).is_open
        assert app.query_one("#device-trouble").region.height, "it is shown"


async def test_a_removed_object_is_not_found() -> None:
    app = Finding()
    async with app.run_test(size=(80, 40)) as pilot:
        await app.open_on(BALLOON)
        app.pane.set_walk({**QOM, "/machine/peripheral/late0": Node("/machine/peripheral/late0", "edu")}, values=True)
        await pilot.press("slash", *"late0")
        await pilot.pause()
        assert "0 found" in str(app.query_one("#find-count").render())


async def test_equal_names_show_their_owner_where_paths_do_not_fit() -> None:
    app = Finding()
    async with app.run_test(size=(38, 40)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("slash", *"needle")
        await pilot.pause()
        assert "serial \u00b7 balloon0/virt" in app.line("serial")
    search = Search()
    search.matches = [Spot("/machine/peripheral/net0/virtio-backend", "", "virtio-backend", "virtio-net-device", "")]
    search.matches.append(Spot("/machine", "", "machine", "pc-q35", ""))
    assert [row.text for row in search.rows(30)] == ["virtio-backend \u00b7 net0", "machine"]
    assert [row.text for row in search.rows(80)] == ["virtio-backend", "machine"]


async def test_n_and_N_wrap_around_and_escape_returns() -> None:
    app = Finding()
    async with app.run_test(size=(80, 40)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("slash", *"virtio-", "escape")
        await pilot.pause()
        assert app.key == BALLOON, "as before"
        assert app.line("00:03.0")
        await pilot.press("slash", *"1af4:1")  # what was typed last is selected: this takes its place
        await pilot.pause()
        assert app.query_one("FindBar Input", Input).has_focus
        count = len(app.lines.rows)
        assert count == sum(1 for one in TREE if one.vendor == 0x1AF4 and one.device >> 12 == 1)
        await pilot.press("down", "enter")
        await pilot.pause()
        first = app.key
        assert f"/ 2 of {count}" in str(app.pane.border_subtitle)
        await pilot.press("n")
        await pilot.pause()
        assert app.key != first
        await pilot.press("N")
        await pilot.pause()
        assert app.key == first
        for _ in range(count):
            await pilot.press("n")
            await pilot.pause()
        assert app.key == first, "round the end"
        await pilot.press("down")
        await pilot.pause()
        assert "/ " not in str(app.pane.border_subtitle), "the user went elsewhere"


async def test_letters_are_text_and_a_failed_search_is_reported() -> None:
    app = Finding()
    async with app.run_test(size=(80, 40)) as pilot:
        await app.open_on(BALLOON)
        await pilot.press("n")
        assert app.key == BALLOON
        await pilot.press("slash", *"1z*nothing")
        await pilot.pause()
        assert app.query_one("FindBar Input", Input).value == "1z*nothing"
        assert app.lines.rows == []
        assert "0 found" in str(app.query_one("#find-count").render())
        await pilot.press("enter")
        await pilot.pause()
        assert app.key == BALLOON


def test_names_types_ids_properties_and_values_are_found() -> None:
    places = spots(TREE, {BALLOON: NODE})
    for query, wanted in {
        "balloon0": (BALLOON, ""), "1af4:1002": (BALLOON, ""), "virtio-balloon-pci": (BALLOON, ""),
        "deflate-on-oom": (BALLOON, "deflate-on-oom"), "DEFLATE on": (BALLOON, "deflate-on-oom"),
        "[red]": (BALLOON, "[/b]name"), "00:03.0": (BALLOON, ""),
    }.items():  # fmt: skip
        assert wanted in [(one.path, one.name) for one in find(places, query, 99)], query
    named = [Spot("/x", "", "virtio-scsi-pci-msix[0]", "", "virtio-scsi"), Spot("/y", "", "y", "", "virtio-scsi")]
    named.append(Spot("/z", "", "00:02.0 virtio-scsi", "", "00:02.0 virtio-scsi"))
    assert [one.path for one in find(named, "virtio-sc", 9)] == ["/x", "/z", "/y"], "the second word of a name too"
    assert find(places, "  ", 99) == []
    assert len(find(places, "a", 3)) == 3


@given(st.lists(st.text(max_size=20), max_size=30), st.text(max_size=6))
def test_every_match_contains_every_word(texts: list[str], query: str) -> None:
    places = [Spot("/x", "", text, "", text.lower()) for text in texts]
    for one in find(places, query, 100):
        assert all(word in one.text for word in query.lower().split())
    words = query.lower().split()
    wanted = sum(all(word in text.lower() for word in words) for text in texts) if words else 0
    assert len(find(places, query, 100)) == wanted


def searched(count: int, text: str = "x", known: Known = Known.ALL) -> Search:
    """A search with this many matches."""
    search = Search()
    search.fill([Spot(f"/{number}", "", "x", "", "x") for number in range(count)], known)
    search.seek(text)
    return search


@given(st.integers(1, 9), st.lists(st.sampled_from([1, -1]), min_size=1, max_size=30))
def test_matches_follow_one_another_in_a_circle(count: int, steps: list[int]) -> None:
    search = searched(count)
    assert search.next(1) == search.matches[0]
    number = 0
    for by in steps:
        number = (number + by) % count
        assert search.next(by) == search.matches[number]
        search.arrive()
        assert search.place_words == f"/ {number + 1} of {count}"
    search.leave()
    assert search.place_words == ""


def test_enter_goes_to_the_chosen_match() -> None:
    search = searched(3)
    assert search.enter(1)
    assert search.next(1) == search.matches[1]


def test_enter_without_a_text_or_a_match_goes_nowhere() -> None:
    assert not searched(3, " ").enter(0)
    search = searched(0)
    assert search.enter(-1), "to report that there is none"
    assert not search.awaits
    assert search.next(1) is None


def test_enter_waits_for_what_is_being_read() -> None:
    search = searched(0, known=Known.READING)
    assert not search.enter(-1)
    assert search.awaits
    found = [Spot("/x", "", "x", "", "x")]
    assert not search.fill(found, Known.READING)
    assert search.fill(found, Known.ALL)
    assert search.next(1) == found[0]
    assert not search.fill(found, Known.ALL), "once"


def test_a_user_who_moves_on_is_not_taken_to_a_late_match() -> None:
    search = searched(0, known=Known.READING)
    search.enter(-1)
    search.leave()
    assert not search.fill([Spot("/x", "", "x", "", "x")], Known.ALL)


def test_the_count_says_whether_there_may_be_more() -> None:
    assert searched(0, known=Known.READING).count_words == "reading \u2026"
    assert searched(2, known=Known.READING).count_words == "2 so far"
    assert searched(2, known=Known.PART).count_words == "2, partial"
    assert searched(0).count_words == "0 found"
    assert searched(LISTED + 1).count_words == f"{LISTED}+ found"
    assert searched(2, "").count_words == ""
