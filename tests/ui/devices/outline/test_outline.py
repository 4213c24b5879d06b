"""What the device pane shows, whatever is known and whatever the user does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from tests.ui.devices.bench import BALLOON, BUSES, CHILD, CONTROLLER, DISK, QOM, TREE
from workbench.domain.compare.drift import Difference, Kind
from workbench.domain.devices.search import Spot
from workbench.ui.devices.outline.listing import Listing
from workbench.ui.devices.outline.outline import Outline
from workbench.ui.devices.row import Row
from workbench.ui.devices.store import Store
from workbench.ui.devices.views.views import View

if TYPE_CHECKING:
    from collections.abc import Collection

    from workbench.domain.devices.tree import DeviceTree

SLOTS = sorted({one.address.slot for one in TREE.buses[0].devices})


def tree_of(slots: Collection[int]) -> DeviceTree:
    """The recorded tree with the devices in these slots only."""
    bus = TREE.buses[0]
    return replace(TREE, buses=(replace(bus, devices=tuple(one for one in bus.devices if one.address.slot in slots)),))


def everything() -> Store:
    return Store(tree=TREE, nodes=dict(QOM), buses=BUSES, whole=True)


def outline_of(store: Store, view: View = View.PCI) -> tuple[Outline, Listing]:
    listing = Listing()
    outline = Outline(store, listing)
    outline.place.view = view
    outline.update()
    return outline, listing


def go(listing: Listing, key: str) -> Row:
    number = listing.number_of(key)
    assert number is not None, key
    listing.move_to(number)
    return listing.rows[number]


def key_of(listing: Listing) -> str:
    assert listing.row is not None
    return listing.row.key


class Browsing(RuleBasedStateMachine):
    """Trees and objects come and go while the user moves and expands."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store(tree=TREE)
        self.outline, self.listing = outline_of(self.store)

    @property
    def is_chosen(self) -> bool:
        """Whether the cursor is on the line that the user chose last."""
        return self.listing.row is not None and self.listing.row.key == self.outline.place.anchor

    def show(self) -> None:
        self.outline.keep_place()
        self.outline.update()

    @rule(slots=st.sets(st.sampled_from(SLOTS)))
    def a_tree_arrives(self, slots: set[int]) -> None:
        self.store.tree = tree_of(slots)
        self.show()

    @rule()
    def the_guest_stops(self) -> None:
        self.store.tree = None
        self.store.forget()
        self.show()

    @rule(path=st.sampled_from(sorted(QOM)))
    def an_object_is_read(self, path: str) -> None:
        self.store.take_node(QOM[path])
        self.show()

    @rule()
    def the_buses_are_read(self) -> None:
        self.store.take_buses(BUSES)
        self.show()

    @rule(view=st.sampled_from(View))
    def the_view_changes(self, view: View) -> None:
        self.outline.keep_place()
        self.outline.show_view(view)
        self.outline.update(keep=False)

    @rule(guest=st.sampled_from(["demo", "other"]))
    def the_guest_changes(self, guest: str) -> None:
        self.outline.keep_place()
        self.outline.show_guest(guest)
        self.outline.update(keep=False)

    @rule(
        what=st.sampled_from([BALLOON, CHILD, DISK, "00:03.0", "net0", "/objects"]), name=st.sampled_from(["", "size"])
    )
    def something_is_sought(self, what: str, name: str) -> None:
        self.outline.keep_place()
        if self.outline.reveal(what, name):
            self.outline.update(keep=False)

    @rule(by=st.sampled_from([1, -1]))
    def levels_open_and_close(self, by: int) -> None:
        self.outline.change_level(by)
        self.show()

    @rule()
    def everything_below_opens(self) -> None:
        self.outline.begin_unfolding()
        self.outline.unfold_objects()
        self.outline.unfold(reading=False)
        self.show()

    @precondition(lambda self: self.listing.rows)
    @rule(data=st.data())
    def the_cursor_moves(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.listing.rows) - 1))
        self.listing.move_to(number)
        key = key_of(self.listing)
        self.show()
        assert key_of(self.listing) == key

    @precondition(lambda self: self.listing.row is not None and self.listing.row.expandable and self.is_chosen)
    @rule()
    def a_line_opens_and_closes(self) -> None:
        """Back and forth changes nothing."""
        self.show()
        row, before = self.listing.row, list(self.listing.rows)
        assert row is not None
        self.outline.toggle(row, not row.expanded)
        self.show()
        assert self.listing.row is not None
        assert (self.listing.row.key, self.listing.row.expanded) == (row.key, not row.expanded)
        self.outline.toggle(self.listing.row, row.expanded)
        self.show()
        assert self.listing.rows == before

    @precondition(lambda self: self.listing.row is not None and self.listing.row.expandable)
    @rule()
    def a_line_is_toggled(self) -> None:
        row = self.listing.row
        assert row is not None
        self.outline.toggle(row, not row.expanded)
        self.show()

    @invariant()
    def the_cursor_is_on_a_line_that_exists(self) -> None:
        assert (self.listing.row is not None) == (self.store.tree is not None)
        assert self.listing.row is None or self.listing.row in self.listing.rows

    @invariant()
    def the_cursor_is_on_the_line_that_the_user_chose(self) -> None:
        """Also on one that went and came back."""
        assert self.is_chosen or self.listing.number_of(self.outline.place.anchor) is None

    @invariant()
    def every_line_has_a_key_of_its_own_and_its_parent(self) -> None:
        above: set[str] = set()
        for row in self.listing.rows:
            assert row.key not in above
            assert not row.parent or row.parent in above, "shown above it"
            above.add(row.key)


TestBrowsing = Browsing.TestCase
TestBrowsing.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


@given(st.sampled_from(View))
def test_every_level_closes_and_opens_again(view: View) -> None:
    outline, listing = outline_of(everything(), view)
    while outline.change_level(-1):
        outline.update()
    assert not [row.key for row in listing.rows if row.expanded]
    while outline.change_level(1):
        outline.update()
    closed = [row for row in listing.rows if row.expandable and not row.expanded and "#" not in row.key]
    leaves = [row.key for row in closed if view is View.QOM and not QOM[row.path].children]
    assert [row.key for row in closed] == leaves


def test_everything_below_the_cursor_opens_and_nothing_else() -> None:
    outline, listing = outline_of(everything())
    go(listing, BALLOON)
    outline.begin_unfolding()
    while outline.unfold(reading=False):
        outline.update()
    below = [row for row in listing.rows if row.path.startswith(BALLOON) and row.expandable]
    assert len(below) > 3
    assert all(row.expanded for row in below)
    assert not [row.key for row in listing.rows if row.path and not row.path.startswith(BALLOON) and row.expanded]
    outline.toggle(go(listing, f"{BALLOON}#features"), False)
    outline.update()
    assert not outline.unfold(reading=False), "done: what is collapsed by hand stays so"


def test_unfolding_waits_for_what_is_being_read() -> None:
    store = Store(tree=TREE)
    outline, listing = outline_of(store)
    go(listing, BALLOON)
    outline.begin_unfolding()
    while outline.unfold(reading=True):
        outline.update()
    store.take_node(QOM[BALLOON])
    outline.update()
    assert outline.unfold(reading=False), "what was read late opens too"


def test_objects_below_the_cursor_open_once_all_have_been_read() -> None:
    store = Store(tree=TREE)
    outline, listing = outline_of(store, View.QOM)
    go(listing, "/")
    outline.begin_unfolding()
    assert outline.awaits_walk
    assert not outline.unfold_objects()
    store.take_walk(QOM, values=False)
    assert not outline.awaits_walk
    assert outline.unfold_objects()
    outline.update()
    assert listing.number_of(CHILD) is not None
    assert not outline.unfold_objects(), "once"


def test_another_guest_does_not_unfold_what_was_asked_for_in_the_first() -> None:
    store = Store(tree=TREE)
    outline, listing = outline_of(store, View.QOM)
    go(listing, "/")
    outline.begin_unfolding()
    outline.show_guest("other")
    store.take_walk(QOM, values=False)
    assert not outline.unfold_objects()


def test_the_place_is_kept_for_each_guest() -> None:
    outline, listing = outline_of(everything())
    outline.toggle(go(listing, BALLOON), True)
    assert outline.keep_place()
    assert not outline.keep_place(), "the user did not move again"
    outline.show_guest("other")
    outline.update(keep=False)
    assert (outline.place.expanded, listing.cursor) == (set(), 0)
    outline.show_guest("")
    outline.update(keep=False)
    assert (outline.place.expanded, key_of(listing)) == ({BALLOON}, BALLOON)


def test_a_match_of_a_search_is_not_a_place() -> None:
    outline, listing = outline_of(everything())
    go(listing, BALLOON)
    outline.keep_place()
    listing.replace([Row("0", "", "match", source=Spot(CHILD, "", "", "", ""))], ["0"])
    assert not outline.keep_place()
    outline.update(keep=False)
    assert key_of(listing) == BALLOON


def test_a_device_without_a_line_is_shown_by_what_it_is_plugged_into() -> None:
    store = everything()
    outline, listing = outline_of(store, View.BUS)
    go(listing, DISK)
    outline.keep_place()
    outline.show_view(View.PCI)
    assert outline.update(keep=False)
    assert key_of(listing) == CONTROLLER, "a disk is no PCI function"
    store.buses = None
    assert not outline.update(keep=False), "only the buses would tell"


def test_the_cursor_goes_to_a_device_as_soon_as_it_exists() -> None:
    store = Store(tree=tree_of([]))
    outline, listing = outline_of(store)
    outline.seek("balloon0", pci=True)
    outline.update(keep=False)
    assert key_of(listing) == "bus:0"
    store.tree = TREE
    outline.update()
    assert key_of(listing) == BALLOON
    go(listing, "bus:0")
    outline.keep_place()
    outline.update()
    assert key_of(listing) == "bus:0", "once"


def test_a_device_on_no_pci_bus_is_sought_in_the_bus_view() -> None:
    outline, listing = outline_of(everything(), View.VIRTIO)
    outline.seek("disk0", pci=False)
    outline.update(keep=False)
    assert (outline.place.view, key_of(listing)) == (View.BUS, DISK)


def test_the_inside_of_an_expanded_line_is_given_until_it_was_read() -> None:
    store = Store(tree=TREE)
    outline, listing = outline_of(store)
    outline.toggle(go(listing, BALLOON), True)
    outline.update()
    assert [outline.take_expanded(), outline.take_expanded()] == [BALLOON, BALLOON]
    store.take_node(QOM[BALLOON])
    assert [outline.take_expanded(), outline.take_expanded()] == [BALLOON, ""]
    outline.toggle(go(listing, CONTROLLER), True)
    go(listing, "bus:0")
    assert [outline.take_expanded(), outline.take_expanded()] == [CONTROLLER, ""], "the user went elsewhere"


def test_differences_and_unplugs_mark_their_lines() -> None:
    outline, listing = outline_of(everything())
    outline.differences = (Difference(Kind.CHANGED, "balloon0", "rombar differs", path=BALLOON),)
    outline.unplugs = {"scsi0": "pending"}
    outline.update()
    assert go(listing, BALLOON).flag is not None
    leaving = go(listing, CONTROLLER).flag
    assert leaving is not None
    assert leaving.leaving


def test_it_is_current_while_qemu_answers() -> None:
    store = Store()
    outline, _ = outline_of(store)
    assert not outline.is_current
    store.tree = TREE
    assert outline.is_current
    outline.trouble = "QEMU does not answer"
    assert not outline.is_current
