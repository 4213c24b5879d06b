"""The balloon panel: target, actual and diff as the guest's driver sees them, and the keys that change the target."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from workbench.domain.balloon.rate import Speeds
from workbench.ui.balloon import row_budget as balloon_room
from workbench.ui.balloon import safety as safety_text
from workbench.ui.balloon import text as balloon_text
from workbench.ui.balloon.history.keys import HISTORY_KEYS
from workbench.ui.balloon.history.plot import HistoryPlot, Move
from workbench.ui.balloon.keys import BALLOON_KEYS
from workbench.ui.balloon.path.view import PathPane
from workbench.ui.balloon.views import BalloonViews
from workbench.ui.common.text import TextBlock

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from workbench.domain.balloon.balloon import Balloon
    from workbench.domain.balloon.history.picture import Scene
    from workbench.domain.balloon.history.samples import Past
    from workbench.domain.guest.snapshot import GuestSnapshot

TICK = 1.5
"""Seconds after which the panel updates without a new reading; while QEMU answers, readings come more often."""


class BalloonPanel(BalloonViews, can_focus=True, inherit_bindings=False):
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

    class PictureWanted(Message):
        """Save the plot as a picture."""

        def __init__(self, panel: BalloonPanel, scene: Scene) -> None:
            super().__init__()
            self.panel = panel
            self.scene = scene

        @property
        def control(self) -> BalloonPanel:
            return self.panel

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._plot = HistoryPlot()
        self._title: Content | None = None
        self._shown_at = 0.0
        self._place: tuple[object, ...] = ()
        self._form = 0
        """The form in which the ledger was last shown at this place."""

    def compose(self) -> ComposeResult:
        yield TextBlock(id="balloon-head")
        yield self._plot
        yield TextBlock(id="balloon-ledger")
        yield PathPane()
        yield TextBlock(id="balloon-situation")
        yield TextBlock(id="balloon-safety")
        yield TextBlock(id="balloon-staged")
        yield Input(placeholder="256M, 50%, +64M or max", id="balloon-typed", compact=True)
        yield TextBlock(id="balloon-error")

    def on_mount(self) -> None:
        self._show_hints()
        self.set_interval(TICK, self._tick)

    # What comes down.

    def watch_snapshot(self, old: GuestSnapshot | None, new: GuestSnapshot | None) -> None:
        if (old.name if old else None) != (new.name if new else None):
            self._forget_input()
            self._sent = None
        if new is None or old is None or (old.name, old.pid) != (new.name, new.pid):
            self._plot.forget()
        if new is not None and new.balloon is not None:
            speeds = self._speeds.get(new.name) or Speeds.over(new.balloon.history)
            self._speeds[new.name] = speeds.after(new.balloon.rate)
        self._show()

    def show_past(self, past: Past) -> None:
        """Show the part of the guest's past that the plot asked for."""
        self._plot.take(past)

    def action_picture(self) -> None:
        scene = self._plot.scene(self.snapshot.name) if self.snapshot else None
        if scene is None:
            self.post_message(self.Refused(self, "Nothing to save: the plot is empty"))
        else:
            self.post_message(self.PictureWanted(self, scene))

    def action_history(self, how: Move) -> None:
        if self.has_class("-no-plot") and not self.has_class("-path"):
            self.post_message(self.Refused(self, "No room for the plot: make the terminal taller"))
        self._plot.move(how)

    @property
    def _width(self) -> int:
        """Columns for text."""
        # Before the first layout a guess that fits most terminals; a wrong one costs a second layout.
        width = self.app.size.width
        return self.content_region.width or max(20, width - 4 if width < 100 else width // 2 - 10)

    def on_resize(self) -> None:
        if self._notice is None:
            self._show_hints()
        self._show()

    def _show(self) -> None:
        if not self.is_mounted:
            return
        self._shown_at = time.monotonic()
        snapshot, balloon = self.snapshot, self._balloon()
        self._show_safety()
        self.set_class(balloon is None or balloon.reading is None, "-empty")
        self.query_one(PathPane).know_guest(
            snapshot.memory or 0 if snapshot else 0, hugepages=bool(snapshot and snapshot.backing)
        )
        head = self.query_one("#balloon-head", TextBlock)
        situation = self.query_one("#balloon-situation", TextBlock)
        if snapshot is None or balloon is None:
            head.show(balloon_text.empty_words(snapshot))
            self.set_class(False, "-situation")
            return
        head.show(
            balloon_text.head(balloon, snapshot.memory or 0, self._width, time.time(), answering=snapshot.answering)
        )
        self._plot.show(balloon.history, snapshot.memory or 0, marks=balloon.marks)
        self._show_staged()
        trouble = self._trouble_words(snapshot, balloon, self._share_rows(snapshot, balloon))
        situation.show(trouble)
        self.set_class(bool(trouble.plain), "-situation")

    def _share_rows(self, snapshot: GuestSnapshot, balloon: Balloon) -> int:
        """Show the ledger in the fullest form that leaves the plot readable.

        :return: unused rows, for more evidence of why the balloon is stalled.
        """
        width = self._width
        blocks = ("#balloon-head", "#balloon-safety")
        used = sum(balloon_room.height(self.query_one(name, TextBlock).shown, width) for name in blocks)
        used += balloon_room.height(self._trouble_words(snapshot, balloon), width)
        staged = self.query_one("#balloon-staged", TextBlock).shown
        # Alone, the ledger also gets the rows reserved for a staged target.
        used += 1 + (balloon_room.height(staged, width) if self._alone else balloon_room.staged_rows(staged, width))
        used += self.has_class("-typing") + self.has_class("-mistake")
        forms = balloon_text.ledger(balloon, time.time(), width, alone=self._alone)
        rows = (self.content_region.height or self.app.size.height // 2) - used
        # While the balloon moves, the ledger gets no fuller form: text that comes and goes must not move the plot.
        place = (snapshot.name, self.content_region.size, self._alone)
        moves = balloon.reading is not None and balloon.reading.diff != 0 and place == self._place
        fullest = self._form if moves else 0
        chosen, plot = balloon_room.choose(forms, rows, width, fullest=fullest, alone=self._alone)
        self._place, self._form = place, chosen or 0
        form = None if chosen is None else forms[chosen]
        self.query_one("#balloon-ledger", TextBlock).show(form or Content(""))
        self.set_class(form is None, "-no-ledger")
        self.set_class(not plot, "-no-plot")
        # Without a plot, head and ledger share one blank row.
        return 0 if plot or form is None else max(0, rows - balloon_room.height(form, width))

    def _show_safety(self) -> None:
        """Show the title with the guest's protection, and the lines of ramp and guard."""
        snapshot = self.snapshot
        title = safety_text.panel_title(snapshot.name, snapshot.protection) if snapshot else Content("Balloon")
        if self._title is None or not title.is_same(self._title):
            self.border_title = self._title = title
        alive = snapshot is not None and snapshot.phase.alive
        words = safety_text.protection_lines(self._protection(), time.time(), self._width) if alive else Content("")
        self.query_one("#balloon-safety", TextBlock).show(words)
        self.set_class(bool(words.plain), "-safety")

    def _trouble_words(self, snapshot: GuestSnapshot, balloon: Balloon, spare: int = 0) -> Content:
        """Why the balloon is stalled, with as much evidence as there is room for.

        :param spare: rows beyond its minimum.
        """
        if not snapshot.answering:
            return balloon_text.silence(snapshot.trouble, balloon)
        usual = 3 if self._roomy else 1
        words = balloon_text.situation(balloon, evidence=usual)
        most = balloon_room.height(words, self._width) + spare
        for lines in range(len(balloon.verdict.evidence) if words.plain else 0, usual, -1):
            more = balloon_text.situation(balloon, evidence=lines)
            if balloon_room.height(more, self._width) <= most:
                return more
        return words

    def _tick(self) -> None:
        """Update ages and the plot's right edge without a new reading, as when QEMU does not answer."""
        counts = self._protection().ramping is not None  # it shows a countdown
        late = counts or time.monotonic() - self._shown_at > TICK
        if late and self._balloon() is not None and self.screen.is_active:
            self._show()

    def watch_staged(self) -> None:
        self._show_staged()
        if self.has_class("-no-plot"):  # the plot would have made room
            self._show()

    def watch_live(self) -> None:
        self._show_staged()

    def _show_staged(self) -> None:
        plan = None if self.staged is None else self.plan(self.staged)
        self.query_one("#balloon-staged", TextBlock).show(
            balloon_text.staged_lines(plan, self._width, live=self.live, roomy=self._roomy)
        )
