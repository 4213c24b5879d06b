"""The showing part of the device pane: the lines of the view, the details of the line under the cursor, what to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from workbench.domain.devices.search import Spot
from workbench.ui.common.text import TextBlock, clean
from workbench.ui.devices.detail_area import DetailArea
from workbench.ui.devices.details import Background, details, type_of
from workbench.ui.devices.lines import DeviceLines
from workbench.ui.devices.places import Place, candidates, open_below
from workbench.ui.devices.row import Shown, path_of
from workbench.ui.devices.search import FindBar
from workbench.ui.devices.set_property import SetBar
from workbench.ui.devices.store import Question, Store, Want
from workbench.ui.devices.views.views import View, rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from textual.app import ComposeResult
    from textual.events import Resize

    from workbench.domain.compare.drift import Difference
    from workbench.domain.devices.tree import DeviceTree
    from workbench.ui.devices.row import Row

DETAIL_FROM = ((30, "-tall"), (18, "-high"))
"""Height of the pane from which there is room for the detail area, and its class."""
BESIDE_FROM = 100
"""Width of the pane from which the detail area is beside the lines."""
TITLE_FROM = 44
"""Width of the pane from which its title fits beside the names of the views."""
LIVE = 1.0
"""Seconds between two reads of the visible values."""


class DeviceShowing(Widget):
    """Makes the lines from the store, and asks for what is missing."""

    DEFAULT_CSS = """
    DeviceShowing {
        layout: vertical;
        padding: 0 0 0 1;
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

    class Wanted(Message):
        """Something has to be read. Answer with the matching method of :class:`DeviceAnswers`."""

        def __init__(self, control: DeviceShowing, question: Question) -> None:
            super().__init__()
            self._control = control
            self.question = question

        @property
        def control(self) -> DeviceShowing:
            return self._control

    class RefreshRequested(Message):
        """The user wants the tree read again; expanded nodes are asked for separately."""

        def __init__(self, control: DeviceShowing) -> None:
            super().__init__()
            self._control = control

        @property
        def control(self) -> DeviceShowing:
            return self._control

    # DOMNode.tree draws the widgets below a node for debugging; nothing calls it.
    tree: reactive[DeviceTree | None] = reactive(None, init=False)  # type: ignore[assignment]
    """The devices; None while unknown. None also drops everything read so far."""
    trouble: reactive[str] = reactive("No guest chosen")
    """Why there is no tree, or why it is stale; empty when all is well."""
    guest: reactive[str] = reactive("")
    """The guest's name: the place in the tree is kept for each guest. May stay empty."""
    profile_lines: reactive[Mapping[str, str]] = reactive(dict, init=False)
    """qdev id -> the profile line that created it, as ``demo.toml:14``."""
    differences: reactive[tuple[Difference, ...]] = reactive((), init=False)
    """How the guest differs from its profile."""
    no_drift: reactive[str] = reactive("", init=False)
    """Why the differences from the profile are unknown; empty when they are known."""
    pending: reactive[Mapping[str, str]] = reactive(dict, init=False)
    """qdev id -> state of its pending unplug."""
    version: reactive[str] = reactive("", init=False)
    """QEMU's version: files move in its source tree."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._lines = DeviceLines()
        self._trouble = TextBlock(id="device-trouble")
        self._details = DetailArea(id="device-details")
        self._find_bar = FindBar()
        self.set_bar = SetBar()
        """Posts :class:`SetBar.Requested` and takes the answers."""
        self._places: dict[str, Place] = {}
        self._store = Store()
        self._placed = ""
        """Key of the line on which this class put the cursor; if the cursor is elsewhere, the user moved it."""
        self._sought = ""
        """Key of a line to go to once it exists."""
        self._found = ""
        """The number of the match under the cursor and the total, for the subtitle."""
        self._unfolding = ""
        """Key of a line below which everything is being expanded."""
        self._opened = ""
        """Key of a line that the user expanded and whose inside is to be scrolled into view once read."""
        self._due = False
        """Whether the lines are about to be rebuilt."""

    def compose(self) -> ComposeResult:
        yield self._lines
        yield self._trouble
        yield self._details
        yield self.set_bar
        yield self._find_bar

    def on_mount(self) -> None:
        self._show()
        self.set_interval(LIVE, self.read_live)

    def on_resize(self, event: Resize) -> None:
        fitting = next((name for height, name in DETAIL_FROM if event.size.height >= height), "")
        for _, name in DETAIL_FROM:
            self.set_class(name == fitting, name)
        self.set_class(event.size.width >= BESIDE_FROM, "-beside")
        self._show_title()

    @property
    def place(self) -> Place:
        """The user's place in the tree of the shown guest."""
        return self._places.setdefault(self.guest, Place())

    def look_again(self) -> None:
        """Devices may have come or gone: read the buses, and the expanded QOM containers that would hold them.

        QEMU sends no event for a plugged device, and a disk or a port changes nothing in ``tree``.
        """
        self._store.buses_old = True
        self._ask(self._store.missing(self._lines.rows, self.place.view))
        self._ask(self._store.places(self._lines.rows))

    def watch_tree(self, tree: DeviceTree | None) -> None:
        if tree is None:
            self._store.forget()
            if self._find_bar.is_open:  # its matches are gone too
                self._find_bar.action_leave()
        self._show()

    def watch_trouble(self) -> None:
        self._show()

    def watch_guest(self, old: str) -> None:
        self._keep_place(old)
        self._store.forget()
        self._placed = self._sought = self._unfolding = self._opened = ""
        self._find_bar.awaits = False
        self._show(keep=False)

    def watch_differences(self) -> None:
        self._show()

    def watch_no_drift(self) -> None:
        self._show_subtitle()

    def watch_pending(self) -> None:
        self._show()

    def watch_profile_lines(self) -> None:
        self._show_details(self._lines.row)

    # Showing.

    def _show_soon(self) -> None:
        """Rebuild the lines once all waiting answers were taken: a walk brings hundreds."""
        if not self._due:
            self._due = True
            self.call_later(self._show)

    def _show(self, *, keep: bool = True) -> None:
        self._due = False
        if not self.is_attached or self._find_bar.is_open:
            return
        if keep:
            self._keep_place(self.guest)
        tree, trouble = self.tree, self.trouble
        self.set_class(tree is None, "-empty")
        self._trouble.show(Content(clean(trouble) or "Reading devices …"))
        self._show_subtitle()
        self._lines.dimmed = bool(trouble)
        lines = rows(self.place.view, self._shown())
        sought = [self._sought] if self._sought else []
        chosen = [*sought, *candidates(self.place.anchor, self._store.buses)]
        # In another view the cursor does not keep its row number: that would be a random line.
        self._lines.show(lines, chosen if keep else [*chosen, *(row.key for row in lines[:1])])
        if self._sought and self._lines.number_of(self._sought) is not None:
            self.place.anchor, self._sought = self._sought, ""
        row = self._lines.row
        self._placed = row.key if row is not None else ""
        self._show_title()
        if tree is not None and not trouble:
            self._ask(self._store.missing(lines, self.place.view))
            self._ask(self._store.live(self._lines.on_screen, only_unread=True))
            if path_of(self.place.anchor) and not any(self._lines.number_of(key) is not None for key in chosen):
                self._ask(self._store.above())
        self._show_inside()
        self._unfold()

    def _show_inside(self) -> None:
        """Scroll the inside of a line that was just expanded into view."""
        row = self._lines.row
        if self._opened:
            self._lines.show_below(self._opened)
            if row is None or row.key != self._opened or not row.path or row.path in self._store.nodes:
                self._opened = ""

    def _unfold(self) -> None:
        """Expand more of what is to be expanded fully; done when nothing is collapsed and no read is pending."""
        number = self._lines.number_of(self._unfolding) if self._unfolding else None
        if number is None:
            return
        if open_below(self._lines.rows, number, self.place.now):
            self._show_soon()
        elif not any(want in (Want.NODE, Want.WALK) for want, _ in self._store.pending):
            self._unfolding = ""

    def _shown(self) -> Shown:
        openings, store = self.place.now, self._store
        return Shown(
            openings.expanded,
            store.nodes,
            store.failed,
            openings.closed,
            store.types,
            self.tree,
            store.buses,
            self.differences,
            self.pending,
        )

    def _show_subtitle(self) -> None:
        """Show the trouble, or the number of the match, or how many differences from the profile there are."""
        count = len(self.differences)
        drift = f"≠ {count} from the profile" if count else f"drift unknown: {self.no_drift}" if self.no_drift else ""
        words = clean(self.trouble) or self._found or clean(drift)
        self.border_subtitle = Content(words) if self.tree is not None else ""

    def _keep_place(self, guest: str) -> None:
        """Remember the line under the cursor as the place in this guest's tree, if the user moved there."""
        row = self._lines.row
        if row is not None and row.key != self._placed and not isinstance(row.source, Spot):
            self._places.setdefault(guest, Place()).anchor = self._placed = row.key
            self._sought = self._found = ""
            self._find_bar.awaits = False
            self._show_subtitle()

    def _show_title(self) -> None:
        wide = self.size.width >= TITLE_FROM
        now = self.place.view
        names = [
            Content.assemble((str(number), "$accent"), (f" {view}", "bold $primary" if view is now else ""))
            for number, view in enumerate(View, 1)
        ]
        self.border_title = Content("  " if wide else " ").join(([Content("Devices")] if wide else []) + names)

    def _show_details(self, row: Row | None) -> None:
        back = Background(self.profile_lines, self.version, self.set_bar.read_only)
        self._details.show(
            details(row, self._shown(), back) if row is not None else (), row.key if row is not None else ""
        )

    # Reading.

    def _ask(self, questions: Iterable[Question]) -> None:
        for question in self._store.ask(questions):
            self.post_message(self.Wanted(self, question))

    def read_live(self) -> None:
        """Read the visible values, while the pane can be seen."""
        if self.tree is not None and not self.trouble and self.screen.is_active and self._lines.region:
            self._ask(self._store.missing(self._lines.rows, self.place.view))
            self._ask(self._store.live(self._lines.on_screen))

    @on(DeviceLines.Toggled)
    def _toggle(self, event: DeviceLines.Toggled) -> None:
        event.stop()
        self.place.now.set(event.row, event.expand)
        self._opened = event.row.key if event.expand else ""
        self._show()
        row = self._lines.row
        if event.expand and row is not None:
            # Read again each time: the values may be stale.
            self._ask(self._store.again([row]))

    @on(DeviceLines.Moved)
    def _moved(self, event: DeviceLines.Moved) -> None:
        event.stop()
        self._keep_place(self.guest)
        kind = type_of(event.row, self._shown()) if event.row is not None and not self.trouble else ""
        if kind and kind not in self._store.types:
            self._ask([Question(Want.TYPE, kind)])
        self._show_details(event.row)

    @on(DeviceLines.Scrolled)
    def _scrolled(self, event: DeviceLines.Scrolled) -> None:
        event.stop()
        if self.tree is not None and not self.trouble:
            self._ask(self._store.live(self._lines.on_screen, only_unread=True))
