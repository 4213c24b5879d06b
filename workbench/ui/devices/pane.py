"""The device pane: one tree in four views, and what the user does in it: move, search, set, plug, copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.binding import Binding
from textual.message import Message

from workbench.domain.devices.buses import id_in
from workbench.domain.devices.qom import Property
from workbench.domain.devices.search import Spot
from workbench.ui.devices.answers import DeviceAnswers
from workbench.ui.devices.lines import DeviceLines
from workbench.ui.devices.places import ancestors, close_level, open_level
from workbench.ui.devices.row import path_of
from workbench.ui.devices.search import FindBar, Known
from workbench.ui.devices.set_property import SetBar
from workbench.ui.devices.store import Question, Want
from workbench.ui.devices.views.views import View, rows

if TYPE_CHECKING:
    from textual.binding import BindingType

    from workbench.ui.devices.row import Row


class DeviceTreePane(DeviceAnswers):
    """The devices of the chosen guest.

    Set ``tree`` and ``trouble``; it posts :class:`Wanted` and takes the answers in :meth:`set_node` and similar methods.
    """

    ALLOW_MAXIMIZE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "view('PCI')", "PCI", id="devices.pci", tooltip="View PCI: slots, bridges, drivers", show=False),
        Binding("2", "view('bus')", "Bus", id="devices.bus", tooltip="View bus, as in info qtree", show=False),
        Binding("3", "view('QOM')", "QOM", id="devices.qom", tooltip="View QOM: QEMU's composition tree", show=False),
        Binding(
            "4", "view('virtio')", "virtio", id="devices.virtio", tooltip="View virtio: features and queues", show=False
        ),
        Binding(
            "plus", "level(1)", "More", id="devices.more", key_display="+", tooltip="Expand one more level", show=False
        ),
        Binding(
            "minus", "level(-1)", "Less", id="devices.less", key_display="-", tooltip="Collapse the deepest level",
            show=False,
        ),
        Binding(
            "asterisk", "open_below", "Expand all", id="devices.open-below", key_display="*",
            tooltip="Expand everything below the cursor", show=False,
        ),
        Binding(
            "right_square_bracket", "details(1)", "Details down", id="devices.details-down", key_display="]",
            tooltip="Scroll the details down", show=False,
        ),
        Binding(
            "left_square_bracket", "details(-1)", "Details up", id="devices.details-up", key_display="[",
            tooltip="Scroll the details up", show=False,
        ),
        Binding("slash", "find", "Find", id="devices.find", key_display="/", tooltip="Search names, types, ids and values"),
        Binding("n", "next(1)", "Next", id="devices.next", tooltip="Next match", show=False),
        Binding("N", "next(-1)", "Previous", id="devices.previous", tooltip="Previous match", show=False),
        Binding("u", "undo", "Undo", id="devices.undo", tooltip="Undo the last change of a property", show=False),
        Binding("y", "copy_path", "Copy path", id="devices.copy", tooltip="Copy the QOM path", show=False),
        Binding("a", "plug", "Plug in", id="devices.plug", tooltip="Plug a device into the running guest"),
        Binding("x", "unplug", "Unplug", id="devices.unplug", tooltip="Unplug this device; asks first"),
        Binding("K", "keep", "Keep it", id="devices.keep", tooltip="Add this device to the profile", show=False),
        Binding("z", "zoom", "Zoom", id="devices.zoom", tooltip="Zoom this pane to the whole screen, or back"),
        Binding("r", "refresh_devices", "Refresh", id="devices.refresh", tooltip="Refresh what is expanded"),
    ]  # fmt: skip

    class HotplugRequested(Message):
        """A device is to be plugged in, unplugged, or added to the profile."""

        def __init__(self, control: DeviceTreePane, what: Literal["plug", "unplug", "keep"], name: str = "") -> None:
            super().__init__()
            self._control = control
            self.what = what
            self.name = name
            """The id of the device under the cursor; empty for ``plug``."""

        @property
        def control(self) -> DeviceTreePane:
            return self._control

    # Moving.

    def reveal(self, what: str, name: str = "") -> bool:
        """Go to a device or an object, reading what is missing on the path; False when nothing is known to search in.

        :param what: a device's id, a QOM path, or a PCI address such as ``00:03.0``.
        :param name: a property of it, or a field of its configuration space.
        """
        if self.tree is None or not what:
            return False
        device = self.tree.device(what)
        path = device.key if device is not None else what if what.startswith("/") else f"/machine/peripheral/{what}"
        self._keep_place(self.guest)
        word = device is not None and any(one.name == name for one in device.config)
        view = self._view_of(path)
        if word and view in (View.BUS, View.QOM):
            view = View.PCI  # the others have properties only
        self.place.view = view
        openings = self.place.now
        if view is View.QOM:
            for above in ancestors(path):
                openings.open_key(above)
        self._sought = path
        if name:
            openings.open_key(path)
            openings.open_key(f"{path}#common")
            self._sought = f"{path}#{name}" if word else f"{path}#property:{name}"
        self._show(keep=False)
        return True

    def _view_of(self, path: str) -> View:
        """A view in which an object has a line: the current one if possible."""
        view = self.place.view
        for one in (view, View.PCI, View.BUS):
            if one is View.QOM or any(row.key == path for row in rows(one, self._shown())):
                return one
        return View.QOM

    def action_view(self, name: str) -> None:
        self._keep_place(self.guest)
        self._unfolding = ""
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
        """Whether a QOM object is known to have no children."""
        node = self._store.nodes.get(row.path)
        return self.place.view is View.QOM and node is not None and not node.children

    def action_open_below(self) -> None:
        """Expand everything below the cursor; in the QOM view, read all of it first."""
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
        self._unfolding = row.key
        self._unfold()

    def action_details(self, by: int) -> None:
        self._details.turn(by)

    # Search.

    def action_find(self) -> None:
        """Search what is known at once, and everything once it has been read."""
        if self.tree is None:
            return
        self._keep_place(self.guest)
        self._find_bar.open()
        self._ask([Question(Want.EVERYTHING)])
        self._fill_find_bar(Known.READING)

    @on(FindBar.Changed)
    def _show_matches(self, event: FindBar.Changed) -> None:
        event.stop()
        if self._find_bar.is_open:
            self._lines.show(self._find_bar.rows(self._lines.size.width), ["0"])

    @on(FindBar.Stepped)
    def _step(self, event: FindBar.Stepped) -> None:
        event.stop()
        self._lines.cursor += event.by

    @on(FindBar.Closed)
    def _leave_find_bar(self, event: FindBar.Closed) -> None:
        event.stop()
        self._lines.focus()
        row = self._lines.row
        number = self._lines.cursor if row is not None and isinstance(row.source, Spot) else -1
        self._show(keep=False)
        if not event.keep or not self._find_bar.text.strip():
            return
        if self._find_bar.matches:
            self._find_bar.number = number - 1
            self.action_next(1)
        elif self._find_bar.known is Known.READING:
            self._find_bar.awaits = True
        else:
            self.action_next(1)

    @on(FindBar.Awaited)
    def _go_to_awaited(self, event: FindBar.Awaited) -> None:
        event.stop()
        self.action_next(1)

    def action_next(self, by: int) -> None:
        spot = self._find_bar.next(by)
        if spot is None:
            text = self._find_bar.text.strip()
            words = f"Not found: {text}" if text else "Press / to search"
            self.notify(words, severity="warning", timeout=3, markup=False)
            return
        self.reveal(spot.path, spot.name)
        self._found = f"/ {self._find_bar.number + 1} of {len(self._find_bar.matches)}"
        self._show_subtitle()

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
            # An answer to a question from before the change may be stale.
            self._store.pending.discard((Want.VALUES, event.changed.path))
            self._ask([Question(Want.VALUES, event.changed.path, ((old.name, old.type),))])
        if event.was_open:
            self._lines.focus()

    def action_undo(self) -> None:
        self.set_bar.undo(self.guest)

    # Plugging.

    def action_plug(self) -> None:
        if self.tree is not None:
            self.post_message(self.HotplugRequested(self, "plug"))

    def action_unplug(self) -> None:
        self._ask_for_device("unplug")

    def action_keep(self) -> None:
        self._ask_for_device("keep")

    def seek(self, name: str, *, pci: bool) -> None:
        """Go to a device once it is in the tree; a non-PCI device is shown in the bus view."""
        self._keep_place(self.guest)
        if not pci and self.place.view in (View.PCI, View.VIRTIO):
            self.place.view = View.BUS
        self._sought = f"/machine/peripheral/{name}"
        self._show(keep=False)

    def _ask_for_device(self, what: Literal["unplug", "keep"]) -> None:
        row = self._lines.row
        name = id_in(row.path) if row is not None else ""
        if name:
            self.post_message(self.HotplugRequested(self, what, name))
        else:
            self.notify("Not a device with an id", severity="warning", timeout=3, markup=False)

    # The rest.

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
