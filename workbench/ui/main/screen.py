"""The main screen: guests and host, and the balloon, devices, QMP and console of the chosen guest."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.message import Message
from textual.widgets import Static

from workbench.ui.balloon.panel import BalloonPanel
from workbench.ui.balloon.path.view import PathPane
from workbench.ui.common.first_size import size_screen
from workbench.ui.console.pane import ConsolePane
from workbench.ui.devices.pane import DeviceTreePane
from workbench.ui.guests.list import GuestList
from workbench.ui.host.pane import HostPane
from workbench.ui.keys.bar import KeyBar
from workbench.ui.keys.names import key_name
from workbench.ui.main.devices import DEVICES_INTERVAL
from workbench.ui.main.history import HistoryActions
from workbench.ui.main.hotplug import HotplugActions
from workbench.ui.main.qmp import QmpActions
from workbench.ui.qmp.console import QmpConsole

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import DescendantFocus, ScreenResume

    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.base import Engine
    from workbench.ui.main.first_data import FirstData

PANES = {
    "guests": "Guests",
    "balloon": "Balloon",
    "qmp": "QMP",
    "console": "Console",
    "devices": "Devices",
    "host": "Host",
}
PANE_KEYS = {"guests": "g", "balloon": "b", "qmp": ":", "console": "c", "devices": "d", "host": "h"}
WIDTHS = [(0, "-tiny"), (60, "-narrow"), (100, "-wide"), (170, "-vast")]
HEIGHTS = [(0, "-flat"), (20, "-low"), (27, "-high"), (29, "-thirty"), (32, "-tall")]
HOST_INTERVAL = 3.0
"""Seconds between reads of the host's memory and hugepage pools."""


class MainScreen(HistoryActions, QmpActions, HotplugActions):
    """Wires the panes to the engine: snapshots down, requests up."""

    AUTO_FOCUS = "#balloon"
    # Textual declares these two on the instance, so they cannot be ClassVar.
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = WIDTHS
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = HEIGHTS

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "pane('guests')", "Guests", id="pane.guests", tooltip="Go to the list of guests", show=False),
        Binding("b", "pane('balloon')", "Balloon", id="pane.balloon", tooltip="Go to the balloon", show=False),
        Binding(
            "colon", "pane('qmp')", "QMP", id="pane.qmp", tooltip="Go to the QMP console", key_display=":", show=False
        ),
        Binding(
            "c", "pane('console')", "Console", id="pane.console", tooltip="Go to the guest's serial console", show=False
        ),
        Binding("d", "pane('devices')", "Devices", id="pane.devices", tooltip="Go to the device tree", show=False),
        Binding("h", "pane('host')", "Host", id="pane.host", tooltip="Go to the host pane", show=False),
        Binding("s", "start_chosen", "Start", id="guest.start", tooltip="Start the guest shown", show=False),
        Binding("question_mark", "help", "Help", id="help", tooltip="List all keys", key_display="?"),
        Binding(
            "ctrl+g",
            "show_file",
            "File",
            id="profile.file",
            tooltip="Show the path of the guest's profile",
            show=False,
        ),
    ]

    class Changed(Message):
        """The engine published a new snapshot."""

        def __init__(self, snapshot: GuestSnapshot) -> None:
            super().__init__()
            self.snapshot = snapshot

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, MainScreen.Changed) and message.snapshot.name == self.snapshot.name

    def __init__(self, engine: Engine, first: FirstData) -> None:
        super().__init__(engine)
        size_screen(self)
        self._first = first
        self._late_tree = first.late_tree
        self._shown_run: tuple[str, int | None] | None = None
        """Name and pid of the guest that the panes are connected to."""
        self._forget: Callable[[], None] | None = None
        self._pane = "balloon"

    def compose(self) -> ComposeResult:
        # Textual sets these after the first layout: a narrow terminal would briefly show the wide one.
        for points, length in ((WIDTHS, self.app.size.width), (HEIGHTS, self.app.size.height)):
            self.add_class(next(name for least, name in reversed(points) if length >= least))
        names = Static(id="names", markup=False)
        names.auto_links = False  # each name has its own colours
        yield names
        with Horizontal(id="top", classes="-current"):
            with Vertical(id="left"):
                yield GuestList(id="guests")
                yield HostPane(id="host")
            yield BalloonPanel(id="balloon").add_class("-current")
            yield DeviceTreePane(id="devices")
        with Horizontal(id="bottom"):
            yield QmpConsole(self._engine.input_history, id="qmp")
            yield ConsolePane(id="console")
        yield Static(id="too-small", markup=False)
        yield KeyBar()

    # Start and end.

    def on_mount(self) -> None:
        self._forget = self._engine.watch(self._published)
        self._start()
        self.set_interval(HOST_INTERVAL, self._refresh_host)
        self.set_interval(DEVICES_INTERVAL, self._refresh_devices)
        self._show_pane("balloon")

    def on_screen_resume(self, event: ScreenResume) -> None:
        if not self.stack_updates:
            event.refresh_styles = False  # at startup the widgets have just been styled

    def on_unmount(self) -> None:
        if self._forget is not None:
            self._forget()

    def _published(self, snapshot: GuestSnapshot) -> None:
        """Called by the engine from its own task; handled in the screen's turn."""
        self.post_message(self.Changed(snapshot))

    def _start(self) -> None:
        """Show what was read before the screen was made."""
        self._show_guests()
        self.query_one(HostPane).snapshot = self._first.host
        for guest in self._engine.guests():
            if guest.name == self._first.name:
                self._show(guest)
                self.query_one(GuestList).choose(guest.name)
                self.query_one(DeviceTreePane).tree = self._first.tree
        self._refresh_host()

    # What comes down.

    def on_main_screen_changed(self, message: Changed) -> None:
        snapshot = message.snapshot
        self._show_guests()
        self._show_alarm(snapshot)
        if self._chosen is not None and self._chosen.name == snapshot.name:
            self._show(snapshot)

    def _show_guests(self) -> None:
        self.query_one(GuestList).guests = tuple(self._engine.guests())

    @on(GuestList.Chosen)
    def _choose_guest(self, message: GuestList.Chosen) -> None:
        for snapshot in self._engine.guests():
            if snapshot.name == message.name:
                self._show(snapshot)

    def _show(self, snapshot: GuestSnapshot) -> None:
        self._chosen = snapshot
        self.query_one(BalloonPanel).snapshot = snapshot
        run = (snapshot.name, snapshot.pid)
        if run != self._shown_run:
            self._shown_run = run
            self._connect_panes(snapshot)
        self._show_devices(snapshot)

    def _connect_panes(self, snapshot: GuestSnapshot) -> None:
        """Connect the panes to another guest, or to another run of the same one."""
        for other in self._engine.guests():
            self._guest(other.name).watched = other.name == snapshot.name
        guest = self._guest(snapshot.name)
        alive = snapshot.phase.alive and snapshot.pid is not None
        console = self.query_one(QmpConsole)
        console.show(snapshot.name, guest.record, *((guest.schema, guest.lookups) if alive else (None,)))
        console.pane.monitor = snapshot.user_monitor if alive else ""
        self.query_one(ConsolePane).show(snapshot.name, guest.console)
        self.query_one(PathPane).show_path_of(snapshot.name, guest.path)
        self._forget_devices()

    @work(group="host", exclusive=True)
    async def _refresh_host(self) -> None:
        if not self.is_active:
            return
        host = await self._engine.host()
        with suppress(NoMatches):  # the screen may be gone
            self.query_one(HostPane).snapshot = host

    # What the user asks for.

    @on(ConsolePane.Typed)
    @work(group="type")
    async def _type(self, message: ConsolePane.Typed) -> None:
        if self._chosen is not None:
            name = self._chosen.name
            await self._try(lambda: self._guest(name).type(message.text))

    # Moving around.

    def action_pane(self, name: str) -> None:
        self._show_pane(name)
        pane = self.query_one(f"#{name}")
        if pane.can_focus:
            self.set_focus(pane)
            return
        # A console's field comes before its output.
        for widget in (*pane.query("Input"), *pane.query("*")):
            if widget.focusable:
                self.set_focus(widget)
                return

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        for widget in event.widget.ancestors_with_self:
            if widget.id in PANES:
                self._show_pane(str(widget.id))

    def _show_pane(self, name: str) -> None:
        """Make this pane the visible one where only one fits."""
        self._pane = name
        if self.maximized is not None and self.maximized.id != name:
            self.minimize()
        if name in ("qmp", "console"):
            self.set_class(name == "console", "-console")
        current = self.query_one(f"#{name}")
        around = set(current.ancestors_with_self)
        for widget in self.query("#top, #left, #bottom, .pane"):
            widget.set_class(widget in around, "-current")
        parts = [
            Content.from_markup(
                f"[@click=screen.pane('{pane}')][$accent]$key[/] [{style}]{title}[/][/]",
                key=key_name(f"pane.{pane}", PANE_KEYS[pane]),
            )
            for pane, title in PANES.items()
            for style in ("bold $primary" if pane == name else "$foreground-muted",)
        ]
        self.query_one("#names", Static).update(Content("  ").join(parts))

    def on_resize(self) -> None:
        words = f"workbench needs 60 by 20 characters.\nThis terminal has {self.size.width} by {self.size.height}.\n\n"
        with suppress(NoMatches):
            self.query_one("#too-small", Static).update(Content(words + "Guests keep running."))

    async def action_start_chosen(self) -> None:
        if self._chosen is not None:
            self.post_message(GuestList.ActionRequested(self.query_one(GuestList), self._chosen.name, "start"))

    def action_help(self) -> None:
        from workbench.ui.main.help import HelpScreen

        self.app.push_screen(HelpScreen(self))

    def action_show_file(self) -> None:
        path = self._chosen.profile_path if self._chosen else ""
        self.notify(path or "No profile: workbench did not start this guest", title="Profile", markup=False)
