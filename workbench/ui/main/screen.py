"""The main screen: guests and host, and the balloon, devices, QMP and console of the chosen guest."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Horizontal, Vertical
from textual.css.query import NoMatches
from textual.message import Message
from textual.screen import Screen

from workbench.domain.preferences import Preferences
from workbench.ui.balloon.history.plot import HistoryPlot
from workbench.ui.balloon.panel import BalloonPanel
from workbench.ui.balloon.path.view import PathPane
from workbench.ui.common.first_size import size_screen
from workbench.ui.console.pane import ConsolePane
from workbench.ui.devices.pane import DeviceTreePane
from workbench.ui.devices.set_property import SetBar
from workbench.ui.guests.list import GuestList
from workbench.ui.host.pane import HostPane
from workbench.ui.keys.bar import KeyBar
from workbench.ui.keys.order import opening
from workbench.ui.main.controllers.alarms import GuardAlarms
from workbench.ui.main.controllers.balloon import BalloonRequests
from workbench.ui.main.controllers.devices import DEVICES_INTERVAL, DeviceReads
from workbench.ui.main.controllers.guests import POWER_DOWN_PATIENCE, LifeCycle
from workbench.ui.main.controllers.history import HistoryRequests
from workbench.ui.main.controllers.hotplug import HotplugRequests
from workbench.ui.main.controllers.profiles import PROFILE_ACTIONS, ProfileRequests
from workbench.ui.main.controllers.properties import PropertyRequests
from workbench.ui.main.controllers.qmp import QmpCommands
from workbench.ui.main.controllers.record import RecordRequests
from workbench.ui.main.desk import Desk
from workbench.ui.main.keys import MAIN_KEYS
from workbench.ui.main.panes import PaneNames, PaneSwitch
from workbench.ui.main.sizes import HEIGHTS, WIDTHS, TooSmall
from workbench.ui.main.windows import BRIEF, ScreenWindows
from workbench.ui.qmp.console import QmpConsole
from workbench.ui.qmp.record.pane import RecordPane

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import DescendantFocus, ScreenResume

    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.base import Engine
    from workbench.ui.main.first_data import FirstData

HOST_INTERVAL = 3.0
"""Seconds between reads of the host's memory and hugepage pools."""


class MainScreen(Screen[None]):
    """Wires the panes to the engine: snapshots down, requests up.

    What a request needs is decided in :mod:`workbench.ui.main.controllers`.
    """

    AUTO_FOCUS = "#balloon"
    # Textual declares these two on the instance, so they cannot be ClassVar.
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = WIDTHS
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = MAIN_KEYS

    class Changed(Message):
        """The engine published a new snapshot."""

        def __init__(self, snapshot: GuestSnapshot) -> None:
            super().__init__()
            self.snapshot = snapshot

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, MainScreen.Changed) and message.snapshot.name == self.snapshot.name

    def __init__(self, engine: Engine, first: FirstData, preferences: Preferences | None = None) -> None:
        super().__init__()
        size_screen(self)
        self._first = first
        self._shown_run: tuple[str, str] | None = None
        """Identity of the guest that the panes are connected to."""
        self._forget: Callable[[], None] | None = None

        self._names = PaneNames()
        self._too_small = TooSmall()
        self._guest_list = GuestList(id="guests")
        self._host_pane = HostPane(id="host")
        self._balloon_panel = BalloonPanel(id="balloon")
        self._device_pane = DeviceTreePane(id="devices")
        self._qmp_console = QmpConsole(engine.input_history, id="qmp")
        self._console_pane = ConsolePane(id="console")
        self._panes = PaneSwitch(self, self._names)

        windows = self._windows = ScreenWindows(self, self._balloon_panel)
        desk = self._desk = Desk(engine, windows)
        self._alarms = GuardAlarms(desk, windows.shows_balloon)
        self._balloon = BalloonRequests(desk)
        self._history = HistoryRequests(desk)
        self._life_cycle = LifeCycle(desk, windows.rebalance, self._offer_kill_later)
        self._profiles = ProfileRequests(desk, windows.edit, self._guest_list.expect)
        self._devices = DeviceReads(desk, self._device_pane, first.late_tree)
        self._properties = PropertyRequests(desk)
        self._hotplug = HotplugRequests(desk, self._device_pane.seek)
        self._commands = QmpCommands(desk, self._qmp_console, self._balloon_panel.plan, preferences or Preferences())
        self._record = RecordRequests(desk, self._go_to_device)

    def compose(self) -> ComposeResult:
        yield self._names
        with Horizontal(id="top", classes="-current"):
            with Vertical(id="left"):
                yield self._guest_list
                yield self._host_pane
            yield self._balloon_panel.add_class("-current")
            yield self._device_pane
        with Horizontal(id="bottom"):
            yield self._qmp_console
            yield self._console_pane
        yield self._too_small
        yield KeyBar()

    # Start and end.

    def on_mount(self) -> None:
        self._forget = self._desk.engine.watch(self._published)
        self._start()
        self.set_interval(HOST_INTERVAL, self._refresh_host)
        self.set_interval(DEVICES_INTERVAL, self._refresh_devices)
        self._panes.show("balloon")

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
        self._host_pane.snapshot = self._first.host
        for guest in self._desk.engine.guests():
            if guest.name == self._first.name:
                self._show(guest)
                self._guest_list.choose(guest.name)
                self._device_pane.tree = self._first.tree
        self._refresh_host()

    # What comes down.

    def on_main_screen_changed(self, message: Changed) -> None:
        snapshot, chosen = message.snapshot, self._desk.chosen
        self._show_guests()
        self._alarms.show(snapshot)
        if chosen is not None and chosen.name == snapshot.name:
            self._show(snapshot)

    def _show_guests(self) -> None:
        self._guest_list.guests = tuple(self._desk.engine.guests())

    @on(GuestList.Chosen)
    def _choose_guest(self, message: GuestList.Chosen) -> None:
        for snapshot in self._desk.engine.guests():
            if snapshot.name == message.name:
                self._show(snapshot)

    def _show(self, snapshot: GuestSnapshot) -> None:
        self._desk.choose(snapshot)
        self._balloon_panel.snapshot = snapshot
        run = snapshot.identity
        if run != self._shown_run:
            self._shown_run = run
            self._connect_panes(snapshot)
        if self._devices.show(snapshot):
            self._read_devices()
        self._hotplug.show_late_ends(snapshot)

    def _connect_panes(self, snapshot: GuestSnapshot) -> None:
        """Connect the panes to another guest, or to another run of the same one."""
        for other in self._desk.engine.guests():
            self._desk.guest(other.name).watched = other.name == snapshot.name
        guest = self._desk.guest(snapshot.name)
        alive = snapshot.phase.alive and snapshot.pid is not None
        self._qmp_console.show(snapshot.name, guest.record, *((guest.schema, guest.lookups) if alive else (None,)))
        self._qmp_console.pane.monitor = snapshot.user_monitor if alive else ""
        self._console_pane.show(snapshot.name, guest.console)
        self.query_one(PathPane).show_path_of(snapshot.name, guest.path)
        self._devices.forget()

    @work(group="host", exclusive=True)
    async def _refresh_host(self) -> None:
        if not self.is_active:
            return
        host = await self._desk.engine.host()
        with suppress(NoMatches):  # the screen may be gone
            self.query_one(HostPane).snapshot = host

    # Guests and profiles.

    @on(GuestList.ActionRequested)
    @work(group="lifecycle")
    async def _act(self, message: GuestList.ActionRequested) -> None:
        if message.action in PROFILE_ACTIONS:
            with opening(self.app):
                await self._profiles.act(message.action, message.name)
        else:
            await self._life_cycle.act(message.action, message.name)

    def _offer_kill_later(self, snapshot: GuestSnapshot) -> None:
        self.set_timer(POWER_DOWN_PATIENCE, lambda: self._offer_kill(snapshot))

    @work(group="offer-kill")
    async def _offer_kill(self, snapshot: GuestSnapshot) -> None:
        await self._life_cycle.offer_kill(snapshot)

    async def action_start_chosen(self) -> None:
        chosen = self._desk.chosen
        if chosen is not None:
            self.post_message(GuestList.ActionRequested(self._guest_list, chosen.name, "start"))

    def action_show_file(self) -> None:
        path = self._desk.chosen.profile_path if self._desk.chosen else ""
        self._desk.tell(path or "No profile: workbench did not start this guest", title="Profile")

    # The balloon and its history.

    @on(BalloonPanel.TargetRequested)
    @work(group="target")
    async def _set_target(self, message: BalloonPanel.TargetRequested) -> None:
        if await self._balloon.set_target(message.plan):
            self._balloon_panel.target_sent(message)

    @on(BalloonPanel.PresetsRequested)
    @work(group="presets")
    async def _choose_preset(self) -> None:
        if name := await self._balloon.choose_preset(self._balloon_panel.presets):
            self._balloon_panel.stage_preset(name)

    @on(BalloonPanel.ProtectRequested)
    @work(group="protect")
    async def _protect(self, message: BalloonPanel.ProtectRequested) -> None:
        await self._balloon.protect(message.guest, message.request)

    @on(BalloonPanel.PathToggled)
    def _make_room(self, message: BalloonPanel.PathToggled) -> None:
        self.set_class(message.is_open, "-path")

    @on(BalloonPanel.Refused)
    def _refused(self, message: BalloonPanel.Refused) -> None:
        self._desk.tell(message.reason, severity="warning", seconds=BRIEF)

    @on(HistoryPlot.PastWanted)
    @work(group="past", exclusive=True)
    async def _read_past(self, message: HistoryPlot.PastWanted) -> None:
        past = await self._history.past(message.start, message.step)
        if past is not None:
            with suppress(NoMatches):  # the screen may be gone
                self.query_one(BalloonPanel).show_past(past)

    @on(BalloonPanel.PictureWanted)
    @work(group="picture")
    async def _keep_picture(self, message: BalloonPanel.PictureWanted) -> None:
        await self._history.keep_picture(message.scene, dark=self.app.current_theme.dark)

    # Devices.

    def _refresh_devices(self) -> None:
        if self.is_active and self._devices.readable:
            self._read_devices()

    @on(DeviceTreePane.RefreshRequested)
    @work(group="devices", exclusive=True)
    async def _read_devices(self) -> None:
        with suppress(NoMatches):  # the screen may be gone
            await self._devices.read()

    @on(DeviceTreePane.Wanted)
    @work(group="node")
    async def _answer(self, message: DeviceTreePane.Wanted) -> None:
        with suppress(NoMatches):  # the screen may be gone
            await self._devices.answer(message.question)

    @on(SetBar.Requested)
    @work(group="qom-set")
    async def _set_property(self, message: SetBar.Requested) -> None:
        await self._properties.set(message.change, message.control)

    @on(DeviceTreePane.HotplugRequested)
    @work(group="hotplug")
    async def _change_devices(self, message: DeviceTreePane.HotplugRequested) -> None:
        await self._hotplug.change(message.what, message.name)

    # QMP and the serial console.

    @on(QmpConsole.Submitted)
    @work(group="qmp")
    async def _run_command(self, message: QmpConsole.Submitted) -> None:
        await self._commands.run(message.request)

    @on(RecordPane.DeviceWanted)
    @work(group="device", exclusive=True)
    async def _show_device(self, message: RecordPane.DeviceWanted) -> None:
        await self._record.show_device(message.device)

    def _go_to_device(self, device: str) -> bool:
        found = self._device_pane.reveal(device)
        if found:
            self._panes.go_to("devices")
        return found

    @on(RecordPane.SaveWanted)
    @work(group="save")
    async def _save_record(self) -> None:
        await self._record.save(self._qmp_console.pane.record)

    @on(ConsolePane.Typed)
    @work(group="type")
    async def _type(self, message: ConsolePane.Typed) -> None:
        chosen = self._desk.chosen
        if chosen is not None:
            await self._desk.attempt(lambda: self._desk.guest(chosen.name).type(message.text))

    # Moving around.

    def action_pane(self, name: str) -> None:
        self._panes.go_to(name)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        self._panes.follow(event.widget)

    def on_resize(self) -> None:
        self._too_small.show(self.size)

    def action_help(self) -> None:
        self._windows.help()
