"""The balloon panel: target, actual and diff as the guest's driver sees them, and the keys that move the target."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input

from workbench.domain.balloon import State
from workbench.domain.forecast import forecast
from workbench.domain.target import clamp_target, parse_target
from workbench.domain.units import MIB, SizeError, format_size
from workbench.ui.widgets import balloon_text
from workbench.ui.widgets.history_plot import HistoryPlot
from workbench.ui.widgets.text_block import TextBlock

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from workbench.domain.balloon import Balloon
    from workbench.domain.forecast import Forecast
    from workbench.domain.snapshot import GuestSnapshot

SMALL_STEP = 16 * MIB
LARGE_STEP = 128 * MIB
SENT_FOR = 1.0
"""Seconds after which a target that was sent and does not show was refused, or set anew by somebody else."""
ROOMY = 30
"""Rows of the panel from which all evidence of a stall fits beside the plot."""
TICK = 1.5
"""Seconds after which the panel moves on by itself; while QEMU answers, readings come more often."""


class BalloonPanel(Vertical, can_focus=True):
    """Shows one guest's balloon; stages targets and posts them up when they are sent."""

    DEFAULT_CSS = """
    BalloonPanel {
        padding: 0 1;
        & > Static { height: auto; }
        & > #balloon-head { margin-bottom: 1; }
        & > #balloon-ledger { margin-top: 1; }
        & > #balloon-typed, & > #balloon-situation { display: none; }
        &.-typing > #balloon-typed, &.-situation > #balloon-situation { display: block; }
        &.-empty > HistoryPlot, &.-empty > #balloon-ledger, &.-empty > #balloon-staged { display: none; }
        & > #balloon-typed { height: 1; border: none; padding: 0; background: $panel; }
        & > #balloon-typed:focus { border: none; }
        & > #balloon-error { color: $error; display: none; }
        &.-mistake > #balloon-error { display: block; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("minus", f"stage({-SMALL_STEP})", "Less", id="balloon.less", tooltip="Stage a target 16 MiB lower"),
        Binding(
            "plus,equals_sign",
            f"stage({SMALL_STEP})",
            "More",
            id="balloon.more",
            tooltip="Stage a target 16 MiB higher",
        ),
        Binding(
            "left_square_bracket",
            f"stage({-LARGE_STEP})",
            "\u2212128M",
            id="balloon.much-less",
            tooltip="Stage a target 128 MiB lower",
            show=False,
        ),
        Binding(
            "right_square_bracket",
            f"stage({LARGE_STEP})",
            "+128M",
            id="balloon.much-more",
            tooltip="Stage a target 128 MiB higher",
            show=False,
        ),
        *(
            Binding(
                str(tenth),
                f"stage_tenth({tenth})",
                f"{tenth}0%",
                id=f"balloon.tenth-{tenth}",
                tooltip=f"Stage {tenth}0 % of the guest's RAM",
                show=False,
            )
            for tenth in range(1, 10)
        ),
        Binding("t", "type", "Type", id="balloon.type", tooltip="Type a target: 256M, 50%, +64M, max"),
        Binding("enter", "send", "Send", id="balloon.send", tooltip="Send the staged target to the guest"),
        Binding("escape", "drop", "Drop", id="balloon.drop", tooltip="Drop the staged target", show=False),
        Binding("u", "undo", "Undo", id="balloon.undo", tooltip="Go back to the previous target"),
        Binding("m", "give_all", "Max", id="balloon.max", tooltip="Give the guest all its RAM back"),
        Binding("l", "live", "Live", id="balloon.live", tooltip="Send each staged target at once, or stop doing so"),
    ]

    class TargetRequested(Message):
        """The user wants the guest to have ``size`` bytes."""

        def __init__(self, panel: BalloonPanel, plan: Forecast, before: int, *, undoing: bool) -> None:
            super().__init__()
            self.panel = panel
            self.size = plan.target
            self.plan = plan
            self.guest = panel.snapshot.name if panel.snapshot else ""
            self.before = before
            """The target that it replaces."""
            self.undoing = undoing

        @property
        def control(self) -> BalloonPanel:
            return self.panel

    class Refused(Message):
        """A key that cannot do anything now, and why."""

        def __init__(self, panel: BalloonPanel, reason: str) -> None:
            super().__init__()
            self.panel = panel
            self.reason = reason

        @property
        def control(self) -> BalloonPanel:
            return self.panel

    snapshot: reactive[GuestSnapshot | None] = reactive(None, always_update=True)
    staged: reactive[int | None] = reactive(None)
    """The staged target in bytes."""
    live: reactive[bool] = reactive(False)
    """Whether a staged target is sent at once."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self.border_title = "Balloon"
        self._previous: dict[str, list[int]] = {}
        """The targets that each guest had before the present one, oldest first."""
        self._speed: dict[str, float] = {}
        """Bytes a second that each guest's balloon was last seen to move at."""
        self._shown_at = 0.0
        self._sent: tuple[int, float] | None = None
        """The target that was posted last, and when."""

    def compose(self) -> ComposeResult:
        yield TextBlock(id="balloon-head")
        yield HistoryPlot()
        yield TextBlock(id="balloon-ledger")
        yield TextBlock(id="balloon-situation")
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
            self.border_title = Content(f"Balloon \u00b7 {new.name}") if new else "Balloon"
        if new is not None and new.balloon is not None and abs(new.balloon.rate) > MIB:
            self._speed[new.name] = abs(new.balloon.rate)
        self._show()

    def _target(self) -> int:
        """The target that steps count from: the one just sent, until a reading can show it."""
        balloon = self._balloon()
        reading = balloon.reading if balloon else None
        if reading is None:
            return 0
        if self._sent is not None and reading.target != self._sent[0] and reading.time < self._sent[1] + SENT_FOR:
            return self._sent[0]
        return reading.target

    def _balloon(self) -> Balloon | None:
        snapshot = self.snapshot
        return snapshot.balloon if snapshot is not None and snapshot.phase.alive else None

    @property
    def _width(self) -> int:
        """Columns for text."""
        # Before the first layout a guess, right for most terminals: a wrong one costs a second layout.
        return self.content_region.width or max(20, self.app.size.width // 2 - 10)

    def on_resize(self) -> None:
        self._show()

    def _show(self) -> None:
        if not self.is_mounted:
            return
        self._shown_at = time.monotonic()
        snapshot, balloon = self.snapshot, self._balloon()
        self.set_class(balloon is None or balloon.reading is None, "-empty")
        head = self.query_one("#balloon-head", TextBlock)
        situation = self.query_one("#balloon-situation", TextBlock)
        if snapshot is None or balloon is None:
            head.show(balloon_text.empty_words(snapshot))
            self.set_class(False, "-situation")
            return
        head.show(balloon_text.head(balloon, snapshot.memory or 0, self._width))
        trouble = self._trouble_words(snapshot, balloon)
        situation.show(trouble)
        self.set_class(bool(trouble.plain), "-situation")
        self.query_one("#balloon-ledger", TextBlock).show(balloon_text.ledger(balloon, time.time(), self._width))
        self.query_one(HistoryPlot).show(balloon.history, snapshot.memory or 0)
        self._show_staged()

    def _trouble_words(self, snapshot: GuestSnapshot, balloon: Balloon) -> Content:
        if not snapshot.answering:
            return Content.assemble(
                (snapshot.trouble, "bold $error"), ("; the numbers are the last that were read", "$foreground-muted")
            )
        return balloon_text.situation(balloon, evidence=3 if self.size.height >= ROOMY else 1)

    def _tick(self) -> None:
        """Ages and the plot's right edge move on though nothing new was read, as from a QEMU that does not answer."""
        late = time.monotonic() - self._shown_at > TICK
        if late and self._balloon() is not None and self.screen.is_active:
            self._show()

    # What the user does.

    def action_stage(self, change: int) -> None:
        self._stage((self._target() if self.staged is None else self.staged) + change)

    def action_stage_tenth(self, tenth: int) -> None:
        balloon = self._balloon()
        self._stage(balloon.reading.ram * tenth // 10 if balloon and balloon.reading else 0)

    def action_give_all(self) -> None:
        balloon = self._balloon()
        if balloon is not None and balloon.reading is not None:
            self._send(balloon.reading.ram)
        else:
            self._refuse()

    def action_undo(self) -> None:
        stack = self._previous.get(self.snapshot.name if self.snapshot else "", [])
        if not stack:
            self.post_message(self.Refused(self, "no earlier target in this session"))
        else:
            self._send(stack[-1], undoing=True)

    def action_send(self) -> None:
        if self.staged is None:
            self.post_message(self.Refused(self, "nothing is staged: - + [ ] 1\u20269 or t stage a target"))
        else:
            self._send(self.staged)

    def action_drop(self) -> None:
        self._forget_input()

    def action_live(self) -> None:
        self.live = not self.live
        if self.live and self.staged is not None:
            self._send(self.staged)

    def action_type(self) -> None:
        if self._balloon() is None:
            self._refuse()
            return
        self.set_class(True, "-typing")
        typed = self.query_one("#balloon-typed", Input)
        typed.value = ""
        typed.focus()

    @on(Input.Submitted, "#balloon-typed")
    def _typed(self, event: Input.Submitted) -> None:
        event.stop()
        balloon = self._balloon()
        if balloon is None or balloon.reading is None:
            self._forget_input()
            self._refuse()
            return
        try:
            size = parse_target(event.value, ram=balloon.reading.ram, target=balloon.reading.target)
        except SizeError as error:
            self.query_one("#balloon-error", TextBlock).show(Content(str(error)))
            self.set_class(True, "-mistake")
            return
        self._forget_input()
        self.focus()
        self._stage(size)

    @on(Input.Changed, "#balloon-typed")
    def _typing(self) -> None:
        self.set_class(False, "-mistake")

    def key_escape(self) -> None:
        """Esc in the field for a typed target goes back to the panel."""
        if self.has_class("-typing"):
            self._forget_input()
            self.focus()
        else:
            self.action_drop()

    # How it works.

    def _stage(self, size: int) -> None:
        balloon = self._balloon()
        if balloon is None or balloon.reading is None or balloon.verdict.cause == "the guest has no balloon device":
            self._refuse()
            return
        target = clamp_target(size, ram=balloon.reading.ram)
        if self.live:
            self._send(target)
        else:
            self.staged = target

    def _send(self, size: int, *, undoing: bool = False) -> None:
        """Post the request."""
        balloon, snapshot = self._balloon(), self.snapshot
        if snapshot is None or balloon is None or balloon.reading is None:
            self._refuse()
            return
        plan = forecast(balloon, size, self._speed.get(snapshot.name, 0.0))
        before = self._target()
        self.staged = None
        if not plan.risky:
            self._sent = (size, time.time())
        self.post_message(self.TargetRequested(self, plan, before, undoing=undoing))

    def target_sent(self, request: TargetRequested) -> None:
        """A target that was asked for has gone to the guest: what it replaced is kept for undo."""
        stack = self._previous.setdefault(request.guest, [])
        if request.undoing:
            if stack:
                stack.pop()
        elif request.size != request.before:
            stack.append(request.before)

    def _refuse(self) -> None:
        balloon = self._balloon()
        if self.snapshot is None:
            reason = "no guest is chosen"
        elif balloon is None:
            reason = f"{self.snapshot.name} does not run"
        elif balloon.verdict.state is State.ABSENT:
            reason = balloon.verdict.cause
        else:
            reason = "nothing was read from the balloon yet"
        self.post_message(self.Refused(self, reason))

    def _forget_input(self) -> None:
        self.staged = None
        self.set_class(False, "-typing")
        self.set_class(False, "-mistake")

    def watch_staged(self) -> None:
        self._show_staged()

    def watch_live(self) -> None:
        self._show_staged()

    def _show_staged(self) -> None:
        balloon, snapshot = self._balloon(), self.snapshot
        plan = None
        if self.staged is not None and snapshot is not None and balloon is not None and balloon.reading is not None:
            plan = forecast(balloon, self.staged, self._speed.get(snapshot.name, 0.0))
        self.query_one("#balloon-staged", TextBlock).show(balloon_text.staged_lines(plan, live=self.live))

    def _show_hints(self) -> None:
        small, large = format_size(SMALL_STEP), format_size(LARGE_STEP)
        self.border_subtitle = Content(f"- + {small}   [ ] {large}   1\u20269 tenths")
