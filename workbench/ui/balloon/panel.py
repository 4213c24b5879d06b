"""The balloon panel: target, actual and diff as the guest's driver sees them, and the keys that change the target."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from textual import on
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Input

from workbench.domain.units import SizeError
from workbench.ui.balloon import requests, row_budget
from workbench.ui.balloon import safety as safety_text
from workbench.ui.balloon import text as balloon_text
from workbench.ui.balloon.history.keys import HISTORY_KEYS
from workbench.ui.balloon.history.plot import HistoryPlot, Move
from workbench.ui.balloon.keys import BALLOON_KEYS
from workbench.ui.balloon.layout import BalloonLayout, Room, room_of
from workbench.ui.balloon.lower_edge import LowerEdge, hint_words
from workbench.ui.balloon.path.view import PathPane
from workbench.ui.balloon.staging import protection_keys
from workbench.ui.balloon.staging.effects import live_balloon, refuse
from workbench.ui.balloon.staging.staging import Staging
from workbench.ui.balloon.target_field import TargetField
from workbench.ui.balloon.views import ViewChoice
from workbench.ui.common.text import TextBlock

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Key

    from workbench.domain.balloon.history.samples import Past
    from workbench.domain.balloon.safety.forecast import Forecast
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.ui.balloon.staging.effects import Effect

TICK = 1.5
"""Seconds after which the panel updates without a new reading; while QEMU answers, readings come more often."""


class BalloonPanel(Vertical, can_focus=True, inherit_bindings=False):
    """Shows one guest's balloon; stages targets, and posts a message to send them."""

    DEFAULT_CSS = """
    BalloonPanel {
        padding: 0 1;
        & > Static { height: auto; }
        & > #balloon-head { margin-bottom: 1; }
        & > #balloon-ledger { margin-top: 1; }
        & > #balloon-typed, & > #balloon-situation, & > #balloon-safety { display: none; }
        &.-typing > #balloon-typed, &.-situation > #balloon-situation { display: block; }
        &.-safety > #balloon-safety { display: block; }
        &.-empty > HistoryPlot, &.-empty > #balloon-ledger, &.-empty > #balloon-staged { display: none; }
        & > PathPane { display: none; }
        &.-no-plot > HistoryPlot, &.-no-ledger > #balloon-ledger { display: none; }
        &.-path > HistoryPlot, &.-path > #balloon-ledger { display: none; }
        &.-path > PathPane { display: block; }
        &.-empty > PathPane { display: none; }
        & > #balloon-typed { height: 1; border: none; padding: 0; background: $panel; }
        & > #balloon-typed:focus { border: none; }
        & > #balloon-error { color: $error; display: none; }
        &.-mistake > #balloon-error { display: block; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [*BALLOON_KEYS, *HISTORY_KEYS]

    TargetRequested: TypeAlias = requests.TargetRequested
    PresetsRequested: TypeAlias = requests.PresetsRequested
    ProtectRequested: TypeAlias = requests.ProtectRequested
    Refused: TypeAlias = requests.Refused
    PathToggled: TypeAlias = requests.PathToggled
    PictureWanted: TypeAlias = requests.PictureWanted

    snapshot: reactive[GuestSnapshot | None] = reactive(None, always_update=True, repaint=False)

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._staging = Staging()
        self._views = ViewChoice()
        self._rows = BalloonLayout()
        self._edge = LowerEdge(self, lambda: hint_words(self._views, roomy=self._room.roomy))
        self._head = TextBlock(id="balloon-head")
        self._plot = HistoryPlot()
        self._ledger = TextBlock(id="balloon-ledger")
        self._path = PathPane()
        self._situation = TextBlock(id="balloon-situation")
        self._safety = TextBlock(id="balloon-safety")
        self._staged = TextBlock(id="balloon-staged")
        self._field = TargetField(self)
        self._title: Content | None = None
        self._shown_at = 0.0

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._plot
        yield self._ledger
        yield self._path
        yield self._situation
        yield self._safety
        yield self._staged
        yield self._field.input
        yield self._field.mistake

    def on_mount(self) -> None:
        self._edge.show_hints()
        self._show_staged()
        self.set_interval(TICK, self._tick)

    # What comes down, and what may be asked.

    def watch_snapshot(self, old: GuestSnapshot | None, new: GuestSnapshot | None) -> None:
        if (old.name if old else None) != (new.name if new else None):
            self._field.close()
        if new is None or old is None or old.identity != new.identity:
            self._plot.forget()
        self._staging.take(new)
        self._show()

    def show_past(self, past: Past) -> None:
        """Show the part of the guest's past that the plot asked for."""
        self._plot.take(past)

    def target_sent(self, request: requests.TargetRequested) -> None:
        """Note that a requested target was sent: the one it replaced is kept for undo."""
        self._staging.target_sent(request.effect)

    def stage_preset(self, name: str) -> None:
        """Stage the profile's target of this name."""
        self._carry_out(self._staging.preset(name))

    def show_notice(self, words: str, seconds: float, *, calm: bool = False) -> bool:
        """Show a text in the panel's lower edge for a while, instead of the hints; False if it does not fit.

        :param calm: information, not a warning.
        """
        return self._edge.show_notice(words, seconds, calm=calm)

    @property
    def staged(self) -> int | None:
        """The staged target in bytes."""
        return self._staging.staged

    @property
    def presets(self) -> tuple[tuple[str, str], ...]:
        """Names and targets of the guest's profile."""
        return self._staging.presets

    def plan(self, size: int) -> Forecast | None:
        """The effect of a target; None while the balloon has not been read."""
        return self._staging.plan(size)

    # Keys that stage and send.

    def action_stage(self, change: int) -> None:
        self._carry_out(self._staging.step(change))

    def action_stage_tenth(self, tenth: int) -> None:
        self._carry_out(self._staging.tenth(tenth))

    def action_give_all(self) -> None:
        self._carry_out(self._staging.give_all())

    def action_undo(self) -> None:
        self._carry_out(self._staging.undo())

    def action_redo(self) -> None:
        self._carry_out(self._staging.redo())

    def action_presets(self) -> None:
        self._carry_out(self._staging.choose_preset())

    def action_send(self) -> None:
        self._carry_out(self._staging.send())

    def action_send_again(self) -> None:
        self._carry_out(self._staging.send_again())

    def action_live(self) -> None:
        self._carry_out(self._staging.toggle_live())

    def action_ramp(self) -> None:
        self._carry_out(protection_keys.toggle_ramp(self.snapshot))

    def action_guard(self) -> None:
        self._carry_out(protection_keys.toggle_guard(self.snapshot))

    def action_continue_ramp(self) -> None:
        self._carry_out(protection_keys.continue_ramp(self.snapshot))

    def action_drop(self) -> None:
        """Discard the staged target; otherwise go back to the plot, stop a ramp, or dismiss a message."""
        if self.staged is None and not self._field.is_open and not self._views.plot:
            self._switch(self._views.back)
            return
        if self.staged is not None:
            self._field.close()
        self._carry_out(self._staging.drop())

    def _carry_out(self, effect: Effect | None) -> None:
        """Show what is staged after a key, and post what the key asks for."""
        self._show_staged()
        if self.has_class("-no-plot"):  # the plot would have made room
            self._show()
        if effect is not None:
            self.post_message(requests.request_for(self, effect))

    # A typed target.

    def action_type(self) -> None:
        if live_balloon(self.snapshot) is None:
            self._carry_out(refuse(self.snapshot))
        else:
            self._field.open()

    @on(Input.Submitted, "#balloon-typed")
    def _typed(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            effect = self._staging.typed(event.value)
        except SizeError as error:
            self._field.show_mistake(error)
            return
        self._field.close()
        self.focus()
        self._carry_out(effect)

    @on(Input.Changed, "#balloon-typed")
    def _typing(self) -> None:
        self._field.forget_mistake()

    def key_escape(self, event: Key) -> None:
        """Esc in the field for a typed target only goes back to the panel."""
        if self._field.is_open:
            event.stop()
            event.prevent_default()
            self._field.close()
            self._staging.forget()
            self._carry_out(None)
            self.focus()

    # Plot and views.

    def action_picture(self) -> None:
        scene = self._plot.scene(self.snapshot.name) if self.snapshot else None
        empty = self.Refused(self, "Nothing to save: the plot is empty")
        self.post_message(empty if scene is None else self.PictureWanted(self, scene))

    def action_history(self, how: Move) -> None:
        if self.has_class("-no-plot") and not self._views.path:
            self.post_message(self.Refused(self, "No room for the plot: make the terminal taller"))
        self._plot.move(how)

    def action_path(self) -> None:
        """Switch between the path, and plot and ledger."""
        self._switch(self._views.toggle_path)

    def action_ledger(self) -> None:
        """Switch between the full ledger and the plot."""
        self._switch(self._views.toggle_ledger)

    def _switch(self, switch: Callable[[], None]) -> None:
        had_path = self._views.path
        switch()
        if self._views.path != had_path:
            self._show_path(self._views.path)
        self._edge.show_hints()
        self._show()

    def _show_path(self, is_open: bool) -> None:
        self.set_class(is_open, "-path")
        if is_open:
            self._path.open()
            self.on_focus()
        else:
            inside = self.screen.focused is not None and self._path in self.screen.focused.ancestors
            self._path.close()
            if inside:
                self.focus()
        self.post_message(self.PathToggled(self, is_open=is_open))

    def on_focus(self) -> None:
        """While the path is shown, focus it for the keys that scroll; all other keys still reach the panel."""
        if self._views.path and not self.has_class("-empty"):
            self.query_one("#path-way").focus()

    # Rendering.

    @property
    def _room(self) -> Room:
        return room_of(self, alone=self._views.alone)

    def on_resize(self) -> None:
        self._edge.refresh()
        self._show()

    def _tick(self) -> None:
        """Update ages and the plot's right edge without a new reading, as when QEMU does not answer."""
        counts = protection_keys.protection_of(self.snapshot).ramping is not None  # it shows a countdown
        late = counts or time.monotonic() - self._shown_at > TICK
        if late and live_balloon(self.snapshot) is not None and self.screen.is_active:
            self._show()

    def _show(self) -> None:
        """Show the current state in the room available."""
        if not self.is_mounted:
            return
        self._shown_at = time.monotonic()
        snapshot, balloon = self.snapshot, live_balloon(self.snapshot)
        self._show_safety(snapshot)
        self.set_class(balloon is None or balloon.reading is None, "-empty")
        ram = snapshot.memory or 0 if snapshot else 0
        self._path.know_guest(ram, hugepages=bool(snapshot and snapshot.backing))
        if snapshot is None or balloon is None:
            self._head.show(balloon_text.empty_words(snapshot))
            self.remove_class("-situation")
            return
        now, room = time.time(), self._room
        self._head.show(balloon_text.head(balloon, ram, room.width, now, answering=snapshot.answering))
        self._plot.show(balloon.history, ram, marks=balloon.marks)
        self._show_staged()
        texts = (self._head.shown, self._safety.shown)
        taken = self._field.rows + sum(row_budget.height(text, room.width) for text in texts)
        parts = self._rows.divide(snapshot, balloon, room, now, taken=taken, staged=self._staged.shown)
        self._ledger.show(parts.ledger or Content(""))
        self.set_class(parts.ledger is None, "-no-ledger")
        self.set_class(not parts.plot, "-no-plot")
        self._situation.show(parts.situation)
        self.set_class(bool(parts.situation.plain), "-situation")

    def _show_safety(self, snapshot: GuestSnapshot | None) -> None:
        """Show the title with the guest's protection, and the lines of ramp and guard."""
        title = safety_text.panel_title(snapshot.name, snapshot.protection) if snapshot else Content("Balloon")
        if self._title is None or not title.is_same(self._title):
            self.border_title = self._title = title
        protection = protection_keys.protection_of(snapshot if snapshot and snapshot.phase.alive else None)
        self._safety.show(words := safety_text.protection_lines(protection, time.time(), self._room.width))
        self.set_class(bool(words.plain), "-safety")

    def _show_staged(self) -> None:
        plan, live, room = self._staging.staged_plan, self._staging.live, self._room
        self._staged.show(balloon_text.staged_lines(plan, room.width, live=live, roomy=room.roomy))
