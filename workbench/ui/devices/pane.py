"""The device pane: the devices of the chosen guest in four views.

It is what the rest of the screen knows of the devices: it takes the tree and the answers to its questions, has the keys,
and asks for what the user wants done. The lines inside it are a :class:`DeviceBrowser`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from msgspec.structs import replace
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from workbench.domain.devices.buses import id_in
from workbench.ui.common.plain_text import clean
from workbench.ui.devices.browser import DeviceBrowser
from workbench.ui.devices.keys import DEVICE_KEYS
from workbench.ui.devices.requests import Requests
from workbench.ui.devices.search import Known
from workbench.ui.devices.store import Question, Store, Want
from workbench.ui.devices.views.views import View

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Resize

    from workbench.domain.compare.drift import Difference
    from workbench.domain.devices.buses import Bus
    from workbench.domain.devices.qom import Property
    from workbench.domain.devices.tree import DeviceTree, Node
    from workbench.domain.devices.type_info import TypeInfo
    from workbench.domain.devices.virtio import Virtio
    from workbench.ui.devices.outline.places import Place

TITLE_FROM = 44
"""Width of the pane from which its title fits beside the names of the views."""
LIVE = 1.0
"""Seconds between two reads of the visible values."""


class DeviceTreePane(Widget):
    """The devices of the chosen guest.

    Set ``tree`` and ``trouble``; it posts :class:`Wanted` and takes the answers in :meth:`set_node` and similar methods.
    """

    ALLOW_MAXIMIZE = True
    DEFAULT_CSS = """
    DeviceTreePane { padding: 0 0 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = DEVICE_KEYS

    class Wanted(Message):
        """Something has to be read. Answer with :meth:`set_node` or the matching method, or :meth:`set_failure`."""

        def __init__(self, question: Question) -> None:
            super().__init__()
            self.question = question

    class RefreshRequested(Message):
        """The user wants the tree read again; expanded nodes are asked for separately."""

    class HotplugRequested(Message):
        """A device is to be plugged in, unplugged, or added to the profile."""

        def __init__(self, what: Literal["plug", "unplug", "keep"], name: str = "") -> None:
            super().__init__()
            self.what = what
            self.name = name
            """The id of the device under the cursor; empty for ``plug``."""

    trouble: reactive[str] = reactive("No guest chosen")
    """Why there is no tree, or why it is stale; empty when all is well."""
    guest: reactive[str] = reactive("")
    """The guest's name: the place in the tree is kept for each guest. May stay empty."""
    profile_lines: reactive[Mapping[str, str]] = reactive(dict, init=False)
    """qdev id -> the profile line that created it, as ``demo.toml:14``."""
    no_drift: reactive[str] = reactive("", init=False)
    """Why the differences from the profile are unknown; empty when they are known."""
    differences: reactive[tuple[Difference, ...]] = reactive((), init=False)
    """How the guest differs from its profile."""
    pending: reactive[Mapping[str, str]] = reactive(dict, init=False)
    """qdev id -> state of its pending unplug."""
    version: reactive[str] = reactive("", init=False)
    """QEMU's version: files move in its source tree."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._store = Store()
        self._requests = Requests(self._store, self._want)
        self._browser = DeviceBrowser(self._store, self._requests, self._label)

    def compose(self) -> ComposeResult:
        yield self._browser

    def on_mount(self) -> None:
        self.set_interval(LIVE, self.read_live)

    def on_resize(self, event: Resize) -> None:
        self._browser.fit_to(event.size)
        self._label()

    def read_live(self) -> None:
        """Read the visible values, while the pane can be seen."""
        self._browser.read_live()

    # From the screen.

    # DOMNode.tree draws the widgets below a node for debugging; nothing calls it.
    @property  # type: ignore[override]
    def tree(self) -> DeviceTree | None:
        """The devices; None while unknown. None also drops everything read so far."""
        return self._store.tree

    @tree.setter
    def tree(self, tree: DeviceTree | None) -> None:
        self._browser.show_tree(tree)

    @property
    def place(self) -> Place:
        """The user's place in the tree of the guest shown."""
        return self._browser.outline.place

    def watch_guest(self, guest: str) -> None:
        self._browser.show_guest(guest)

    def watch_trouble(self, trouble: str) -> None:
        self._browser.outline.trouble = trouble
        self._browser.show()

    def watch_differences(self, differences: tuple[Difference, ...]) -> None:
        self._browser.outline.differences = differences
        self._browser.show()

    def watch_pending(self, pending: Mapping[str, str]) -> None:
        self._browser.outline.unplugs = pending
        self._browser.show()

    def watch_profile_lines(self, profile_lines: Mapping[str, str]) -> None:
        self._browser.background = replace(self._browser.background, profile_lines=profile_lines)
        self._browser.show_details()

    def watch_version(self, version: str) -> None:
        self._browser.background = replace(self._browser.background, version=version)

    def watch_no_drift(self) -> None:
        self._label()

    def look_again(self) -> None:
        """Devices may have come or gone: read the buses, and the expanded QOM containers that would hold them.

        QEMU sends no event for a plugged device, and a disk or a port changes nothing in ``tree``.
        """
        self._browser.look_again()

    def reveal(self, what: str, name: str = "") -> bool:
        """Go to a device or an object, reading what is missing on the path; False when nothing is known to search in.

        :param what: a device's id, a QOM path, or a PCI address such as ``00:03.0``.
        :param name: a property of it, or a field of its configuration space.
        """
        return self._browser.reveal(what, name)

    def seek(self, name: str, *, pci: bool) -> None:
        """Go to a device once it is in the tree; a non-PCI device is shown in the bus view."""
        self._browser.seek(name, pci=pci)

    # Answers. A late one is harmless.

    def set_node(self, node: Node) -> None:
        """Take the answer to a question for a node."""
        self._browser.show_soon(self._requests.take_node(node))

    def set_values(self, path: str, values: Iterable[Property]) -> None:
        self._browser.show_soon(self._requests.take_values(path, values))

    def set_virtio(self, path: str, virtio: Virtio | None) -> None:
        self._browser.show_soon(self._requests.take_virtio(path, virtio))

    def set_buses(self, root: Bus) -> None:
        self._browser.show_soon(self._requests.take_buses(root))

    def set_type(self, info: TypeInfo) -> None:
        self._browser.show_soon(self._requests.take_type(info))

    def set_walk(self, nodes: Mapping[str, Node], *, values: bool = False) -> None:
        self._requests.take_walk(nodes, values=values)
        self._browser.take_walk(values=values)
        self._browser.show_soon()

    def set_failure(self, question: Question, reason: str = "") -> None:
        """Take the answer for something that could not be read; a refusal by QEMU is shown in its line.

        :param reason: QEMU's error; empty when it did not answer. Then earlier values are kept, and are read again with
            the next live values, not at once.
        """
        changed = self._requests.refuse(question, reason)
        if question.want is Want.EVERYTHING:
            self._browser.fill_search(Known.PART)
        self._browser.show_soon(changed)

    def _want(self, question: Question) -> None:
        self.post_message(self.Wanted(question))

    # The border.

    def _label(self) -> None:
        """Show the views and, below, the trouble, the number of the match, or the differences from the profile."""
        self.border_title = view_names(self.place.view, wide=self.size.width >= TITLE_FROM)
        count = len(self.differences)
        drift = f"≠ {count} from the profile" if count else f"drift unknown: {self.no_drift}" if self.no_drift else ""
        words = clean(self.trouble) or self._browser.search.place_words or clean(drift)
        self.border_subtitle = Content(words) if self.tree is not None else ""

    # The user's keys.

    def action_view(self, name: str) -> None:
        self._browser.show_view(View(name))

    def action_level(self, by: int) -> None:
        self._browser.change_level(by)

    def action_open_below(self) -> None:
        self._browser.open_below()

    def action_details(self, by: int) -> None:
        self._browser.details.turn(by)

    def action_find(self) -> None:
        self._browser.find()

    def action_next(self, by: int) -> None:
        self._browser.find_next(by)

    def action_undo(self) -> None:
        self._browser.set_bar.undo(self.guest)

    def action_plug(self) -> None:
        if self.tree is not None:
            self.post_message(self.HotplugRequested("plug"))

    def action_unplug(self) -> None:
        self._ask_for_device("unplug")

    def action_keep(self) -> None:
        self._ask_for_device("keep")

    def _ask_for_device(self, what: Literal["unplug", "keep"]) -> None:
        row = self._browser.row
        name = id_in(row.path) if row is not None else ""
        if name:
            self.post_message(self.HotplugRequested(what, name))
        else:
            self.notify("Not a device with an id", severity="warning", timeout=3, markup=False)

    def action_copy_path(self) -> None:
        row = self._browser.row
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
        self.post_message(self.RefreshRequested())
        self._browser.read_again()


def view_names(now: View, *, wide: bool) -> Content:
    """The names of the views with their keys; where there is room, after the name of the pane."""
    names = [
        Content.assemble((str(number), "$accent"), (f" {view}", "bold $primary" if view is now else ""))
        for number, view in enumerate(View, 1)
    ]
    return Content("  " if wide else " ").join(([Content("Devices")] if wide else []) + names)
