"""What the device pane shows of one guest's devices: the view, the expanded lines, the line under the cursor.

Independent of Textual. The place in the tree is kept for each guest. The cursor goes to a line as soon as that exists,
and lines are expanded as what is inside them is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.devices.search import Spot
from workbench.ui.devices.outline.places import Place, ancestors, candidates, close_level, open_below, open_level
from workbench.ui.devices.row import Shown, path_of
from workbench.ui.devices.views.views import View, rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.domain.compare.drift import Difference
    from workbench.ui.devices.outline.listing import Listing
    from workbench.ui.devices.row import Row
    from workbench.ui.devices.store import Store


class Outline:
    """Makes the lines of a view from what is known. Each change shows with the next :meth:`update`."""

    def __init__(self, store: Store, listing: Listing) -> None:
        """
        :param store: what is known of the devices.
        :param listing: takes the lines, and has the cursor. It may show other lines, as matches of a search, in between.
        """
        self._store = store
        self._listing = listing
        self.guest = ""
        """The guest whose place is shown. May stay empty."""
        self.trouble = ""
        """Why there is no tree, or why it is stale; empty when all is well."""
        self.differences: Sequence[Difference] = ()
        """How the guest differs from its profile."""
        self.unplugs: Mapping[str, str] = {}
        """qdev id -> state of its pending unplug."""
        self._places: dict[str, Place] = {}
        self._placed = ""
        """Key of the line on which this class put the cursor; if the cursor is elsewhere, the user moved it."""
        self._sought = ""
        """Key of a line to go to once it exists."""
        self._expanded = ""
        """Key of a line that was expanded and whose inside was not read yet."""
        self._unfolding = ""
        """Key of a line below which everything is being expanded."""
        self._opening = ""
        """QOM path below which everything is to be expanded once all of QOM has been read."""

    @property
    def place(self) -> Place:
        """The user's place in the tree of the guest shown."""
        return self._places.setdefault(self.guest, Place())

    @property
    def is_current(self) -> bool:
        """Whether there is a tree, and QEMU answers."""
        return self._store.tree is not None and not self.trouble

    @property
    def shown(self) -> Shown:
        """What the lines are made from."""
        openings, store = self.place.now, self._store
        return Shown(
            openings.expanded, store.nodes, store.failed, openings.closed, store.types, store.tree, store.buses,
            self.differences, self.unplugs,
        )  # fmt: skip

    # Lines.

    def update(self, *, keep: bool = True) -> bool:
        """Make the lines again and put the cursor on the chosen one, or on the nearest one that it belongs to.

        :param keep: whether the cursor stays near its old place if there is no such line; otherwise it goes to the top.
        :return: whether there is such a line, or none was chosen. If not, the buses would tell where it is plugged in.
        """
        lines = rows(self.place.view, self.shown)
        keys = [*([self._sought] if self._sought else []), *candidates(self.place.anchor, self._store.buses)]
        # In another view the cursor does not keep its row number: that would be a random line.
        self._listing.replace(lines, keys if keep else [*keys, *(row.key for row in lines[:1])])
        if self._sought and self._has(self._sought):
            self.place.anchor, self._sought = self._sought, ""
        self._placed = self._listing.row.key if self._listing.row is not None else ""
        return not path_of(self.place.anchor) or any(map(self._has, keys))

    def keep_place(self) -> bool:
        """Remember the line under the cursor as the place in this guest's tree; return whether the user moved there."""
        row = self._listing.row
        if row is None or row.key == self._placed or isinstance(row.source, Spot):
            return False
        self.place.anchor = self._placed = row.key
        self._sought = ""
        return True

    def show_guest(self, guest: str) -> None:
        """Go to the place in another guest's tree."""
        self.guest = guest
        self._placed = self._sought = self._unfolding = self._opening = self._expanded = ""

    def _has(self, key: str) -> bool:
        return self._listing.number_of(key) is not None

    # Expanding.

    def toggle(self, row: Row, expand: bool) -> None:
        """Expand or collapse a line."""
        self.place.now.set(row, expand)
        self._expanded = row.key if expand else ""

    def take_expanded(self) -> str:
        """Key of the line whose inside is to be scrolled into view; empty once that is done.

        It is given until the inside was read or the cursor is elsewhere.
        """
        key, row = self._expanded, self._listing.row
        if row is None or row.key != key or not row.path or row.path in self._store.nodes:
            self._expanded = ""
        return key

    def change_level(self, by: int) -> bool:
        """Expand one more level, or collapse the deepest one; return whether there was any.

        :param by: 1 or -1.
        """
        lines, openings = self._listing.rows, self.place.now
        return open_level(lines, openings, self._is_leaf) if by > 0 else close_level(lines, openings)

    def _is_leaf(self, row: Row) -> bool:
        """Whether a QOM object is known to have no children."""
        node = self._store.nodes.get(row.path)
        return self.place.view is View.QOM and node is not None and not node.children

    def begin_unfolding(self) -> None:
        """Expand everything below the cursor, as it is read; in the QOM view, once all of it has been read."""
        row = self._listing.row
        if row is not None and self.place.view is View.QOM:
            self._opening = row.path
        elif row is not None:
            self._unfolding = row.key

    @property
    def awaits_walk(self) -> bool:
        """Whether all of QOM has to be read to expand what is to be expanded."""
        return bool(self._opening) and not self._store.whole

    def unfold(self, *, reading: bool) -> bool:
        """Expand more of what is to be expanded; return whether anything was.

        :param reading: whether an object is being read. If not, and nothing is collapsed, all is done.
        """
        number = self._listing.number_of(self._unfolding) if self._unfolding else None
        if number is None:
            return False
        changed = open_below(self._listing.rows, number, self.place.now)
        if not changed and not reading:
            self._unfolding = ""
        return changed

    def unfold_objects(self) -> bool:
        """Expand every QOM object below the requested one, if all have been read; return whether one was requested."""
        if not self._opening or self.awaits_walk:
            return False
        below, self._opening = self._opening, ""
        inside, openings = below.rstrip("/") + "/", self.place.openings[View.QOM]
        for path, node in self._store.nodes.items():
            if node.children and (path == below or path.startswith(inside)):
                openings.open_key(path)
        return True

    # Going to an object or a view.

    def show_view(self, view: View) -> None:
        """Show another view, with the cursor on the same object."""
        self._unfolding = ""
        place = self.place
        place.view = view
        path = path_of(place.anchor)
        if view is View.QOM and path:
            self._open_above(path)
            self._sought = path

    def reveal(self, what: str, name: str = "") -> bool:
        """Go to a device or an object once its line exists; False when nothing is known to search in.

        :param what: a device's id, a QOM path, or a PCI address such as ``00:03.0``.
        :param name: a property of it, or a field of its configuration space.
        """
        tree = self._store.tree
        if tree is None or not what:
            return False
        device = tree.device(what)
        path = device.key if device is not None else what if what.startswith("/") else f"/machine/peripheral/{what}"
        word = device is not None and any(one.name == name for one in device.config)
        view = self._view_of(path)
        if word and view in (View.BUS, View.QOM):
            view = View.PCI  # the others have properties only
        self.place.view = view
        if view is View.QOM:
            self._open_above(path)
        self._sought = path
        if name:
            self.place.now.open_key(path)
            self.place.now.open_key(f"{path}#common")
            self._sought = f"{path}#{name}" if word else f"{path}#property:{name}"
        return True

    def seek(self, name: str, *, pci: bool) -> None:
        """Go to a device once it is in the tree; a non-PCI device is shown in the bus view."""
        if not pci and self.place.view in (View.PCI, View.VIRTIO):
            self.place.view = View.BUS
        self._sought = f"/machine/peripheral/{name}"

    def _view_of(self, path: str) -> View:
        """A view in which an object has a line: the current one if possible."""
        for view in (self.place.view, View.PCI, View.BUS):
            if view is View.QOM or any(row.key == path for row in rows(view, self.shown)):
                return view
        return View.QOM

    def _open_above(self, path: str) -> None:
        for above in ancestors(path):
            self.place.now.open_key(above)
