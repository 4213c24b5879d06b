"""The pane of devices: a tree that keeps its place while devices come and go, and what is known of the line under the cursor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from workbench.ui.widgets.device_details import details
from workbench.ui.widgets.device_layout import hanging
from workbench.ui.widgets.device_lines import DeviceLines
from workbench.ui.widgets.device_rows import Opened, clean, rows
from workbench.ui.widgets.text_block import TextBlock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Resize

    from workbench.domain.tree import DeviceTree, Node
    from workbench.ui.widgets.device_rows import Row

DETAIL_FROM = ((30, "-tall"), (18, "-high"))
"""Height of the pane from which there is room for the detail area, and its class."""
LABEL = 9
"""Columns of a label in the detail area."""


@dataclass(slots=True)
class Place:
    """Where the user is in one guest's tree."""

    expanded: set[str] = field(default_factory=set)
    cursor: str = ""


class DeviceTreePane(Widget):
    """The devices of the chosen guest.

    Give it ``tree`` and ``trouble``; it posts :class:`NodeOpened`, and wants :meth:`set_node` in answer.
    """

    DEFAULT_CSS = """
    DeviceTreePane {
        layout: vertical;
        padding: 0 0 0 1;
        & > DeviceLines { height: 1fr; }
        & > #device-trouble {
            display: none; width: 1fr; height: 1fr;
            content-align: center middle; text-align: center; color: $text-muted;
        }
        & > #device-details { display: none; height: 7; padding-top: 1; }
        &.-empty > DeviceLines { display: none; }
        &.-empty > #device-trouble { display: block; }
        &.-high > #device-details { display: block; }
        &.-tall > #device-details { display: block; height: 10; }
        &.-empty > #device-details { display: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "refresh_devices", "Refresh", id="devices.refresh", tooltip="Read what is open again"),
    ]

    class NodeOpened(Message):
        """The properties of a QOM path are wanted: answer with :meth:`DeviceTreePane.set_node`."""

        def __init__(self, control: DeviceTreePane, path: str) -> None:
            super().__init__()
            self._control = control
            self.path = path

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
    """The devices now; None while nothing is known of them. Then the nodes that were read are forgotten."""
    trouble: reactive[str] = reactive("No guest chosen")
    """Why there is no tree, or why it is old; empty when all is well."""
    guest: reactive[str] = reactive("")
    """Whose devices these are: each guest's place in the tree is kept. May stay empty."""
    profile_lines: reactive[Mapping[str, str]] = reactive(dict, init=False)
    """qdev id -> the line of the profile that made it, as ``demo.toml:14``."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self.border_title = "Devices"
        self._lines = DeviceLines()
        self._trouble = TextBlock(id="device-trouble")
        self._details = TextBlock(id="device-details")
        self._places: dict[str, Place] = {}
        self._read: dict[str, Node] = {}
        self._failed: dict[str, str] = {}
        self._shown = ""
        """The guest whose lines stand there now."""

    def compose(self) -> ComposeResult:
        yield self._lines
        yield self._trouble
        yield self._details

    def on_mount(self) -> None:
        self._show()

    def on_resize(self, event: Resize) -> None:
        fitting = next((name for height, name in DETAIL_FROM if event.size.height >= height), "")
        for _, name in DETAIL_FROM:
            self.set_class(name == fitting, name)
        self.call_after_refresh(lambda: self._show_details(self._lines.row))

    @property
    def place(self) -> Place:
        """Where the user is in the tree of the guest that is shown."""
        return self._places.setdefault(self.guest, Place())

    def set_node(self, node: Node) -> None:
        """The answer to :class:`NodeOpened`. One that nobody waits for any more does no harm."""
        if self._read.get(node.path) == node and node.path not in self._failed:
            return
        self._read[node.path] = node
        self._failed.pop(node.path, None)
        self._show()

    def set_node_error(self, path: str, reason: str) -> None:
        """The answer when the path could not be read."""
        self._failed[path] = reason
        self._read.pop(path, None)
        self._show()

    def watch_tree(self, tree: DeviceTree | None) -> None:
        if tree is None:
            self._read.clear()
            self._failed.clear()
        self._show()
        if tree is not None:
            # What was open before is open again, and its properties are not known.
            self._ask(only_unread=True)

    def watch_trouble(self) -> None:
        self._show()

    def watch_guest(self, old: str) -> None:
        self._keep_place(old)
        self._read.clear()
        self._failed.clear()
        self._show()

    def watch_profile_lines(self) -> None:
        self._show_details(self._lines.row)

    def _show(self) -> None:
        if not self.is_attached:
            return
        tree, trouble = self.tree, self.trouble
        if self._shown == self.guest:
            self._keep_place(self.guest)
        self._shown = self.guest
        self.set_class(tree is None, "-empty")
        self._trouble.show(Content(clean(trouble) or "Reading the devices …"))
        self.border_subtitle = Content(clean(trouble)) if trouble and tree is not None else ""
        self._lines.dimmed = bool(trouble)
        lines = rows(tree, Opened(self.place.expanded, self._read, self._failed)) if tree is not None else []
        self._lines.show(lines, self.place.cursor)

    def _keep_place(self, guest: str) -> None:
        """Remember the line under the cursor as the place in this guest's tree."""
        row = self._lines.row
        if row is not None:
            self._places.setdefault(guest, Place()).cursor = row.key

    def _ask(self, *, only_unread: bool) -> None:
        """Ask for the nodes of the lines that are open."""
        for row in self._lines.rows:
            if row.expanded and row.path and not (only_unread and row.path in self._read):
                self.post_message(self.NodeOpened(self, row.path))

    @on(DeviceLines.Toggled)
    def _toggle(self, event: DeviceLines.Toggled) -> None:
        event.stop()
        if event.expand:
            self.place.expanded.add(event.row.key)
            if event.row.path:
                # Read anew each time: the values may be old.
                self.post_message(self.NodeOpened(self, event.row.path))
        else:
            self.place.expanded.discard(event.row.key)
        self._show()

    @on(DeviceLines.Moved)
    def _moved(self, event: DeviceLines.Moved) -> None:
        event.stop()
        self._show_details(event.row)

    def _show_details(self, row: Row | None) -> None:
        parts = details(row, self.profile_lines) if row is not None else ()
        room = max(self._details.content_size.width - LABEL, 8)
        lines = [
            Content.assemble((f"{label if not number else '':<{LABEL}}", "$foreground 60%"), piece)
            for label, text in parts
            for number, piece in enumerate(hanging(clean(text), room))
        ]
        self._details.show(Content("\n").join(lines))

    def action_refresh_devices(self) -> None:
        self.post_message(self.RefreshRequested(self))
        self._ask(only_unread=False)
