"""The pane of devices: one tree in four views, that keeps its place while devices come and go, and what is known of the
line under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from workbench.domain.qom import Property
from workbench.ui.widgets.device_details import Background, details, type_of
from workbench.ui.widgets.device_layout import hanging
from workbench.ui.widgets.device_lines import DeviceLines
from workbench.ui.widgets.device_places import Place, ancestors, candidates, close_level, open_below, open_level
from workbench.ui.widgets.device_row import Shown, clean, path_of
from workbench.ui.widgets.device_setting import SetBar
from workbench.ui.widgets.device_store import Question, Store, Want
from workbench.ui.widgets.device_views import View, rows
from workbench.ui.widgets.text_block import TextBlock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Resize

    from workbench.domain.buses import Bus
    from workbench.domain.drift import Difference
    from workbench.domain.tree import DeviceTree, Node
    from workbench.domain.type_info import TypeInfo
    from workbench.domain.virtio import Virtio
    from workbench.ui.widgets.device_row import Row

DETAIL_FROM = ((30, "-tall"), (18, "-high"))
"""Height of the pane from which there is room for the detail area, and its class."""
BESIDE_FROM = 100
"""Width of the pane from which the detail area stands beside the lines."""
TITLE_FROM = 44
"""Width of the pane from which its title has room beside the names of the views."""
LABEL = 9
"""Columns of a label in the detail area."""
LIVE = 1.0
"""Seconds between two readings of the values on the screen."""


class DeviceTreePane(Widget):
    """The devices of the chosen guest.

    Give it ``tree`` and ``trouble``; it posts :class:`Wanted`, and takes the answers with :meth:`set_node` and its like.
    """

    DEFAULT_CSS = """
    DeviceTreePane {
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
    ALLOW_MAXIMIZE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "view('PCI')", "PCI", id="devices.pci", tooltip="View PCI: slots, bridges, drivers", show=False),
        Binding("2", "view('bus')", "Bus", id="devices.bus", tooltip="View bus: as info qtree", show=False),
        Binding("3", "view('QOM')", "QOM", id="devices.qom", tooltip="View QOM: QEMU's composition tree", show=False),
        Binding(
            "4", "view('virtio')", "virtio", id="devices.virtio", tooltip="View virtio: features and queues", show=False
        ),
        Binding(
            "plus", "level(1)", "More", id="devices.more", key_display="+", tooltip="Open one level more", show=False
        ),
        Binding(
            "minus", "level(-1)", "Less", id="devices.less", key_display="-", tooltip="Close the deepest level",
            show=False,
        ),
        Binding(
            "asterisk", "open_below", "Open all", id="devices.open-below", key_display="*",
            tooltip="Open everything below the cursor", show=False,
        ),
        Binding("u", "undo", "Undo", id="devices.undo", tooltip="Take the last change of a property back", show=False),
        Binding("y", "copy_path", "Copy path", id="devices.copy", tooltip="Copy the QOM path", show=False),
        Binding("z", "zoom", "Zoom", id="devices.zoom", tooltip="Give this pane the whole screen, or back"),
        Binding("r", "refresh_devices", "Refresh", id="devices.refresh", tooltip="Read what is open again"),
    ]  # fmt: skip

    class Wanted(Message):
        """Something has to be read: answer with the method that takes it, or :meth:`DeviceTreePane.set_failure`."""

        def __init__(self, control: DeviceTreePane, question: Question) -> None:
            super().__init__()
            self._control = control
            self.question = question

        @property
        def control(self) -> DeviceTreePane:
            return self._control

    class RefreshRequested(Message):
        """The user wants the tree read again; open nodes ask for themselves."""

        def __init__(self, control: DeviceTreePane) -> None:
            super().__init__()
            self._control = control

        @property
        def control(self) -> DeviceTreePane:
            return self._control

    # DOMNode.tree draws the widgets below a node for debugging; nothing calls it.
    tree: reactive[DeviceTree | None] = reactive(None, init=False)  # type: ignore[assignment]
    """The devices now; None while nothing is known of them. Then everything that was read is forgotten."""
    trouble: reactive[str] = reactive("No guest chosen")
    """Why there is no tree, or why it is old; empty when all is well."""
    guest: reactive[str] = reactive("")
    """Whose devices these are: each guest's place in the tree is kept. May stay empty."""
    profile_lines: reactive[Mapping[str, str]] = reactive(dict, init=False)
    """qdev id -> the line of the profile that made it, as ``demo.toml:14``."""
    differences: reactive[tuple[Difference, ...]] = reactive((), init=False)
    """How the guest differs from its profile."""
    version: reactive[str] = reactive("", init=False)
    """QEMU's version, since files move in its source."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._lines = DeviceLines()
        self._trouble = TextBlock(id="device-trouble")
        self._details = TextBlock(id="device-details")
        self.set_bar = SetBar()
        """Posts :class:`SetBar.Requested`, and takes the answers."""
        self._places: dict[str, Place] = {}
        self._store = Store()
        self._placed = ""
        """Key of the line on which the cursor was set from here: it stands elsewhere when the user moved it."""
        self._sought = ""
        """Key of a line to go to as soon as it is there."""
        self._opening = ""
        """QOM path below which everything is to be opened as soon as it was read."""
        self._due = False
        """Whether the lines are about to be made anew."""

    def compose(self) -> ComposeResult:
        yield self._lines
        yield self._trouble
        yield self._details
        yield self.set_bar

    def on_mount(self) -> None:
        self._show()
        self.set_interval(LIVE, self._read_live)

    def on_resize(self, event: Resize) -> None:
        fitting = next((name for height, name in DETAIL_FROM if event.size.height >= height), "")
        for _, name in DETAIL_FROM:
            self.set_class(name == fitting, name)
        self.set_class(event.size.width >= BESIDE_FROM, "-beside")
        self._show_title()
        self.call_after_refresh(lambda: self._show_details(self._lines.row))

    @property
    def place(self) -> Place:
        """Where the user is in the tree of the guest that is shown."""
        return self._places.setdefault(self.guest, Place())

    # What comes in.

    def set_node(self, node: Node) -> None:
        """The answer to a question for a node. One that nobody waits for any more does no harm."""
        if self._store.take_node(node):
            self._show_soon()

    def set_values(self, path: str, values: Iterable[Property]) -> None:
        if self._store.take_values(path, values):
            self._show_soon()

    def set_virtio(self, path: str, virtio: Virtio | None) -> None:
        if self._store.take_virtio(path, virtio):
            self._show_soon()

    def set_buses(self, root: Bus) -> None:
        if self._store.take_buses(root):
            self._show_soon()

    def set_walk(self, nodes: Mapping[str, Node], *, values: bool = False) -> None:
        self._store.take_walk(nodes, values=values)
        if self._opening:
            self._open_whole()
        self._show_soon()

    def set_type(self, info: TypeInfo) -> None:
        self._store.take_type(info)
        self._show_soon()

    def set_failure(self, question: Question, reason: str) -> None:
        """The answer when something could not be read: what is gone says so in its line."""
        if question.want in (Want.NODE, Want.VALUES, Want.VIRTIO, Want.BUSES):
            self._store.take_failure(question.path, reason)
        else:
            self._store.pending.discard(question.key)
        self._show_soon()

    def watch_tree(self, tree: DeviceTree | None) -> None:
        if tree is None:
            self._store.forget()
        elif self.place.view is View.BUS:
            self._ask([Question(Want.BUSES, "/machine/unattached/sysbus")])
        self._show()

    def watch_trouble(self) -> None:
        self._show()

    def watch_guest(self, old: str) -> None:
        self._keep_place(old)
        self._store.forget()
        self._placed = self._sought = ""
        self._show(keep=False)

    def watch_differences(self) -> None:
        self._show()

    def watch_profile_lines(self) -> None:
        self._show_details(self._lines.row)

    # Showing.

    def _show_soon(self) -> None:
        """Make the lines anew once all answers that are here by then were taken: a walk brings hundreds."""
        if not self._due:
            self._due = True
            self.call_later(self._show)

    def _show(self, *, keep: bool = True) -> None:
        self._due = False
        if not self.is_attached:
            return
        if keep:
            self._keep_place(self.guest)
        tree, trouble = self.tree, self.trouble
        self.set_class(tree is None, "-empty")
        self._trouble.show(Content(clean(trouble) or "Reading the devices …"))
        self.border_subtitle = Content(clean(trouble) or self._drift_words()) if tree is not None else ""
        self._lines.dimmed = bool(trouble)
        lines = rows(self.place.view, self._shown())
        sought = [self._sought] if self._sought else []
        self._lines.show(lines, [*sought, *candidates(self.place.anchor)])
        if self._sought and self._lines.number_of(self._sought) is not None:
            self.place.anchor, self._sought = self._sought, ""
        row = self._lines.row
        self._placed = row.key if row is not None else ""
        self._show_title()
        if tree is not None:
            self._ask(self._store.missing(lines, self.place.view))
            self._ask(self._store.live(self._lines.on_screen, only_unread=True))

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
        )

    def _drift_words(self) -> str:
        count = len(self.differences)
        return f"≠ {count} from the profile" if count else ""

    def _keep_place(self, guest: str) -> None:
        """Remember the line under the cursor as the place in this guest's tree, when the user moved there."""
        row = self._lines.row
        if row is not None and row.key != self._placed:
            self._places.setdefault(guest, Place()).anchor = self._placed = row.key
            self._sought = ""

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
        parts = details(row, self._shown(), back) if row is not None else ()
        room = max(self._details.content_size.width - LABEL, 8)
        lines = [
            Content.assemble((f"{label if not number else '':<{LABEL}}", "$foreground 60%"), piece)
            for label, text in parts
            for number, piece in enumerate(hanging(clean(text), room))
        ]
        self._details.show(Content("\n").join(lines))

    # Reading.

    def _ask(self, questions: Iterable[Question]) -> None:
        for question in self._store.ask(questions):
            self.post_message(self.Wanted(self, question))

    def _read_live(self) -> None:
        """The values on the screen, while somebody can see them."""
        if self.tree is not None and not self.trouble and self.screen.is_active and self._lines.region:
            self._ask(self._store.live(self._lines.on_screen))

    @on(DeviceLines.Toggled)
    def _toggle(self, event: DeviceLines.Toggled) -> None:
        event.stop()
        self.place.now.set(event.row, event.expand)
        self._show()
        row = self._lines.row
        if event.expand and row is not None:
            # Read anew each time: the values may be old.
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

    # Moving.

    def reveal(self, what: str, name: str = "") -> bool:
        """Go to a device or an object; whether it may be there. What is not read yet is read on the way.

        :param what: a device's id, a QOM path, or a PCI address such as ``00:03.0``.
        :param name: a property of it.
        """
        if self.tree is None or not what:
            return False
        device = self.tree.device(what)
        path = device.key if device is not None else what if what.startswith("/") else f"/machine/peripheral/{what}"
        self._keep_place(self.guest)
        view = self.place.view = self._view_of(path)
        openings = self.place.now
        if view is View.QOM:
            for above in ancestors(path):
                openings.open_key(above)
        self._sought = path
        if name:
            openings.open_key(path)
            openings.open_key(f"{path}#common")
            self._sought = f"{path}#property:{name}"
        self._show(keep=False)
        return True

    def _view_of(self, path: str) -> View:
        """A view that shows an object with a line of its own: the present one if it does."""
        view = self.place.view
        for one in (view, View.PCI, View.BUS):
            if one is View.QOM or any(row.key == path for row in rows(one, self._shown())):
                return one
        return View.QOM

    def action_view(self, name: str) -> None:
        self._keep_place(self.guest)
        place = self.place
        place.view = View(name)
        path = path_of(place.anchor)
        if place.view is View.QOM and path:
            for above in ancestors(path):
                place.now.open_key(above)
            self._sought = path
        self._show(keep=False)
        self._show_details(self._lines.row)

    def action_level(self, by: int) -> None:
        lines, openings = self._lines.rows, self.place.now
        if open_level(lines, openings, self._is_leaf) if by > 0 else close_level(lines, openings):
            self._show()

    def _is_leaf(self, row: Row) -> bool:
        """Whether an object of QOM is known to have none below it."""
        node = self._store.nodes.get(row.path)
        return self.place.view is View.QOM and node is not None and not node.children

    def action_open_below(self) -> None:
        """Everything below the cursor, as far as it is there; in QOM all of it is read first."""
        row = self._lines.row
        if row is None:
            return
        if self.place.view is View.QOM:
            self._opening = row.path
            if self._store.whole:
                self._open_whole()
            else:
                self._ask([Question(Want.WALK)])
            return
        while open_below(self._lines.rows, self._lines.cursor, self.place.now):
            self._show()

    def _open_whole(self) -> None:
        """Open every object of QOM below the line for which that was asked."""
        below, self._opening = self._opening, ""
        inside = below.rstrip("/") + "/"
        for path, node in self._store.nodes.items():
            if node.children and (path == below or path.startswith(inside)):
                self.place.openings[View.QOM].open_key(path)
        self._show()

    # Setting.

    @on(DeviceLines.Entered)
    def _enter(self, event: DeviceLines.Entered) -> None:
        event.stop()
        one, node = event.row.source, self._store.nodes.get(event.row.path)
        if isinstance(one, Property) and not one.unread and node is not None and not self.trouble:
            self.set_bar.enter(self.guest, node, one, self._store.types.get(node.type))

    @on(SetBar.Closed)
    def _leave_set_bar(self, event: SetBar.Closed) -> None:
        event.stop()
        self._show_details(self._lines.row)
        if event.changed is not None:
            old = event.changed.old
            self._ask([Question(Want.VALUES, event.changed.path, ((old.name, old.type),))])
        if event.was_open:
            self._lines.focus()

    def action_undo(self) -> None:
        self.set_bar.undo(self.guest)

    def action_copy_path(self) -> None:
        row = self._lines.row
        if row is None or not row.path:
            self.notify("This line has no QOM path", severity="warning", timeout=3, markup=False)
            return
        self.app.copy_to_clipboard(row.path)
        self.notify(row.path, title="Copied", timeout=3, markup=False)

    def action_zoom(self) -> None:
        if self.screen.maximized is None:
            self.screen.maximize(self, container=False)
        else:
            self.screen.minimize()

    def action_refresh_devices(self) -> None:
        self._store.pending.clear()
        self._store.failed.clear()
        self.post_message(self.RefreshRequested(self))
        self._ask(self._store.again(self._lines.rows))
