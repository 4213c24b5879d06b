"""The browser of the device pane: the lines of the tree, the details of the one under the cursor, the search line.

It draws, and passes on what the user does: :class:`Outline` decides which lines are shown and where the cursor is,
:class:`Requests` asks for what they need, :class:`Search` has the matches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.content import Content
from textual.widget import Widget

from workbench.domain.devices.qom import Property
from workbench.domain.devices.search import Spot, spots
from workbench.ui.common.plain_text import clean
from workbench.ui.common.text import TextBlock
from workbench.ui.devices.detail_area import DetailArea
from workbench.ui.devices.details import Background, details, type_of
from workbench.ui.devices.find_bar import FindBar
from workbench.ui.devices.lines import DeviceLines
from workbench.ui.devices.outline.listing import Listing
from workbench.ui.devices.outline.outline import Outline
from workbench.ui.devices.search import Known, Search
from workbench.ui.devices.set_property import SetBar
from workbench.ui.devices.store import Question, Want

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.geometry import Size

    from workbench.domain.devices.tree import DeviceTree
    from workbench.ui.devices.requests import Requests
    from workbench.ui.devices.row import Row
    from workbench.ui.devices.store import Store
    from workbench.ui.devices.views.views import View

DETAIL_FROM = ((30, "-tall"), (18, "-high"))
"""Height of the pane from which there is room for the detail area, and its class."""
BESIDE_FROM = 100
"""Width of the pane from which the detail area is beside the lines."""


class DeviceBrowser(Widget):
    """Draws an outline; the user moves, expands, searches and sets in it."""

    DEFAULT_CSS = """
    DeviceBrowser {
        layout: vertical;
        & > DeviceLines { height: 1fr; width: 1fr; }
        & > #device-trouble {
            display: none; width: 1fr; height: 1fr;
            content-align: center middle; text-align: center; color: $text-muted;
        }
        & > #device-details { display: none; height: 7; padding-top: 1; }
        &.-empty > DeviceLines { display: none; }
        &.-empty > #device-trouble { display: block; }
        &.-high > #device-details { display: block; }
        &.-tall > #device-details { display: block; height: 10; }
        &.-beside { layout: horizontal; }
        &.-beside > #device-details { display: block; width: 40%; max-width: 64; height: 1fr; padding: 0 1 0 2; }
        &.-empty > #device-details { display: none; }
    }
    """

    def __init__(self, store: Store, requests: Requests, label: Callable[[], object]) -> None:
        """
        :param label: labels the pane with the view and the match shown; called when they may have changed.
        """
        super().__init__()
        self._store = store
        self._requests = requests
        self._label = label
        self._listing = Listing()
        """The lines that are drawn: those of the outline or, while the search line is open, the matches."""
        self.outline = Outline(store, self._listing)
        self.search = Search()
        self._lines = DeviceLines(self._listing)
        self._trouble = TextBlock(id="device-trouble")
        self.details = DetailArea(id="device-details")
        self.set_bar = SetBar()
        self._find_bar = FindBar(self.search)
        self.background = Background(read_only=self.set_bar.read_only)
        """What the details are made from, besides the lines."""
        self._due = False
        """Whether the lines are about to be rebuilt."""

    def compose(self) -> ComposeResult:
        yield self._lines
        yield self._trouble
        yield self.details
        yield self.set_bar
        yield self._find_bar

    def on_mount(self) -> None:
        self.show()

    def fit_to(self, size: Size) -> None:
        """Show the details where this size of the pane has room for them."""
        fitting = next((name for height, name in DETAIL_FROM if size.height >= height), "")
        for _, name in DETAIL_FROM:
            self.set_class(name == fitting, name)
        self.set_class(size.width >= BESIDE_FROM, "-beside")

    # Showing.

    def show_soon(self, changed: bool = True) -> None:
        """Rebuild the lines once all waiting answers were taken: a walk brings hundreds."""
        if changed and not self._due:
            self._due = True
            self.call_later(self.show)

    def show(self, *, keep: bool = True) -> None:
        """Show what is known now. During a search, the matches stay.

        :param keep: whether the cursor stays where the user put it.
        """
        self._due = False
        if not self.is_attached or self._find_bar.is_open:
            return
        if keep:
            self._keep_place()
        self.set_class(self._store.tree is None, "-empty")
        self._trouble.show(Content(clean(self.outline.trouble) or "Reading devices …"))
        self._lines.dimmed = bool(self.outline.trouble)
        found = self.outline.update(keep=keep)
        self._lines.update()
        self._label()
        if self.outline.is_current:
            self._read_missing()
            self._requests.ask(self._store.live(self._lines.on_screen, only_unread=True))
            self._requests.ask(() if found else self._store.above())
        self._lines.show_below(self.outline.take_expanded())
        self._unfold()

    def _unfold(self) -> None:
        self.show_soon(self.outline.unfold(reading=self._requests.reading_objects))

    def _keep_place(self) -> None:
        if self.outline.keep_place():
            self.search.leave()
            self._label()

    def show_details(self) -> None:
        """Describe the line under the cursor."""
        row = self._listing.row
        parts = details(row, self.outline.shown, self.background) if row is not None else ()
        self.details.show(parts, row.key if row is not None else "")

    # What is shown.

    def show_guest(self, guest: str) -> None:
        """Show another guest: what was read is of the one before."""
        self._keep_place()
        self.outline.show_guest(guest)
        self._forget()
        self.search.awaits = False
        self.show(keep=False)

    def show_tree(self, tree: DeviceTree | None) -> None:
        """Show another tree. None also drops everything read so far."""
        if tree == self._store.tree:
            return
        self._store.tree = tree
        if tree is None:
            self._forget()
            if self._find_bar.is_open:  # its matches are gone too
                self._find_bar.action_leave()
        self.show()

    def _forget(self) -> None:
        self._store.forget()
        self._requests.forget()

    def show_view(self, view: View) -> None:
        """Show another view, with the cursor on the same object."""
        self._keep_place()
        self.outline.show_view(view)
        self.show(keep=False)
        self.show_details()

    def reveal(self, what: str, name: str = "") -> bool:
        """Go to a device or an object: see :meth:`Outline.reveal`."""
        self._keep_place()
        known = self.outline.reveal(what, name)
        if known:
            self.show(keep=False)
        return known

    def seek(self, name: str, *, pci: bool) -> None:
        """Go to a device once it is in the tree: see :meth:`Outline.seek`."""
        self._keep_place()
        self.outline.seek(name, pci=pci)
        self.show(keep=False)

    # Reading.

    def look_again(self) -> None:
        """Devices may have come or gone: read the buses, and the expanded QOM containers that would hold them."""
        self._store.buses_old = True
        self._read_missing()
        self._requests.ask(self._store.places(self._listing.rows))

    def read_again(self) -> None:
        """Read every expanded object, also one that could not be read."""
        self._requests.forget()
        self._store.failed.clear()
        self._requests.ask(self._store.again(self._listing.rows))

    def read_live(self) -> None:
        """Read the visible values, while the pane can be seen."""
        if self.outline.is_current and self.screen.is_active and self._lines.region:
            self._read_missing()
            self._requests.ask(self._store.live(self._lines.on_screen))

    def _read_missing(self) -> None:
        self._requests.ask(self._store.missing(self._listing.rows, self.outline.place.view))

    @on(DeviceLines.Scrolled)
    def _scrolled(self, event: DeviceLines.Scrolled) -> None:
        event.stop()
        if self.outline.is_current:
            self._requests.ask(self._store.live(self._lines.on_screen, only_unread=True))

    # Moving and expanding.

    @property
    def row(self) -> Row | None:
        """The line under the cursor."""
        return self._listing.row

    @on(DeviceLines.Moved)
    def _moved(self, event: DeviceLines.Moved) -> None:
        event.stop()
        self._keep_place()
        kind = type_of(event.row, self.outline.shown) if event.row is not None and not self.outline.trouble else ""
        if kind and kind not in self._store.types:
            self._requests.ask([Question(Want.TYPE, kind)])
        self.show_details()

    @on(DeviceLines.Toggled)
    def _toggle(self, event: DeviceLines.Toggled) -> None:
        event.stop()
        self.outline.toggle(event.row, event.expand)
        self.show()
        row = self._listing.row
        if event.expand and row is not None:
            # Read again each time: the values may be stale.
            self._requests.ask(self._store.again([row]))

    def change_level(self, by: int) -> None:
        """Expand one more level, or collapse the deepest one."""
        if self.outline.change_level(by):
            self.show()

    def open_below(self) -> None:
        """Expand everything below the cursor; in the QOM view, read all of it first."""
        self.outline.begin_unfolding()
        if self.outline.awaits_walk:
            self._requests.ask([Question(Want.WALK)])
        elif self.outline.unfold_objects():
            self.show()
        self._unfold()

    def take_walk(self, *, values: bool) -> None:
        """All objects were read: expand what waited for them, and search them.

        :param values: whether their values were read too.
        """
        if self.outline.unfold_objects():
            self.show()
        self.fill_search(Known.ALL if values else self.search.known)

    # Searching.

    def find(self) -> None:
        """Search what is known at once, and everything once it has been read."""
        if self._store.tree is None:
            return
        self._keep_place()
        self._find_bar.open()
        self._requests.ask([Question(Want.EVERYTHING)])
        self.fill_search(Known.READING)

    def fill_search(self, known: Known) -> None:
        """Search again in what is known now, if a search needs it."""
        if self._find_bar.wants_all:
            self._find_bar.fill(spots(self._store.tree, self._store.nodes), known)

    @on(FindBar.Changed)
    def _show_matches(self, event: FindBar.Changed) -> None:
        event.stop()
        if self._find_bar.is_open:
            self._listing.replace(self.search.rows(self._lines.size.width), ["0"])
            self._lines.update()

    @on(FindBar.Stepped)
    def _step(self, event: FindBar.Stepped) -> None:
        event.stop()
        self._lines.cursor += event.by

    @on(FindBar.Closed)
    def _leave_find_bar(self, event: FindBar.Closed) -> None:
        event.stop()
        self._lines.focus()
        row = self._listing.row
        number = self._listing.cursor if row is not None and isinstance(row.source, Spot) else -1
        self.show(keep=False)
        if event.keep and self.search.enter(number):
            self.find_next(1)

    @on(FindBar.Awaited)
    def _go_to_awaited(self, event: FindBar.Awaited) -> None:
        event.stop()
        self.find_next(1)

    def find_next(self, by: int) -> None:
        """Go to the next or previous match, or report that there is none."""
        spot = self.search.next(by)
        if spot is None:
            text = self.search.text.strip()
            words = f"Not found: {text}" if text else "Press / to search"
            self.notify(words, severity="warning", timeout=3, markup=False)
            return
        self.reveal(spot.path, spot.name)
        self.search.arrive()
        self._label()

    # Setting.

    @on(DeviceLines.Entered)
    def _enter(self, event: DeviceLines.Entered) -> None:
        event.stop()
        one, node = event.row.source, self._store.nodes.get(event.row.path)
        if isinstance(one, Property) and not one.unread and node is not None and not self.outline.trouble:
            self.set_bar.enter(self.outline.guest, node, one, self._store.types.get(node.type))

    @on(SetBar.Closed)
    def _leave_set_bar(self, event: SetBar.Closed) -> None:
        event.stop()
        self.show_details()
        if event.changed is not None:
            old = event.changed.old
            self._requests.ask_again(Question(Want.VALUES, event.changed.path, ((old.name, old.type),)))
        if event.was_open:
            self._lines.focus()
