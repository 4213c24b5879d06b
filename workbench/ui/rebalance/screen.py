"""The rebalance screen: a budget for all guests is typed, shown as a table of changes, sent, and watched until done."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from workbench.domain.rebalance.guests import candidate_of, parse_budget, ramp_of
from workbench.domain.rebalance.progress import Course, patience
from workbench.domain.rebalance.proposal import Proposal, propose
from workbench.domain.units import MIB, SizeError, in_mib, mib
from workbench.errors import WorkbenchError
from workbench.ui.common.first_size import size_screen
from workbench.ui.common.text import TextBlock
from workbench.ui.rebalance import text

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.base import Engine

HIGH, AROUND_HIGH, AROUND = 28, 13, 9
"""Rows of the terminal from which there are blank lines, and the rows around the list with and without them."""
HEIGHTS = [(0, "-low"), (HIGH, "-high")]
IDLE_TICK = 1.0
"""Seconds between updates while nothing was sent: figures age, guests come and go."""


class BudgetInput(Input):
    """A field that does not accept a space: no size has one, and the list uses the key."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return character != " " and super().check_consume_key(key, character)


class RebalanceScreen(ModalScreen[None]):
    """All running guests except those excluded. Targets are sent through each guest's session."""

    CSS_PATH = "rebalance.tcss"
    AUTO_FOCUS = "Input"
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = HEIGHTS  # Textual declares it on the instance
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", id="rebalance.send", tooltip="Send the new targets shown", priority=True),
        Binding("escape", "leave", "Leave", id="rebalance.leave", tooltip="Stop the running rebalance, or leave"),
        Binding(
            "space",
            "exclude",
            "Exclude",
            id="rebalance.out",
            tooltip="Exclude or include a guest",
            priority=True,
        ),
        Binding("up", "move(-1)", "Up", id="rebalance.up", tooltip="Previous guest", priority=True),
        Binding("down", "move(1)", "Down", id="rebalance.down", tooltip="Next guest", priority=True),
    ]

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        size_screen(self)
        self._engine = engine
        self._out: set[str] = set()
        self._cursor = 0
        self._proposal = Proposal(0, ())
        self._mistake = ""
        self._course: Course | None = None
        self._watched: dict[str, bool] = {}
        """The guests watched because of this screen, and whether they were before."""

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Rebalance"
            with Horizontal(id="rebalance-budget"):
                yield Label("budget")
                yield BudgetInput(self._current_sum(), placeholder="2G, 50%", compact=True, max_length=24)
                yield TextBlock(id="rebalance-sum")
            yield TextBlock(id="rebalance-words")
            yield TextBlock(id="rebalance-heading")
            with VerticalScroll(can_focus=False):
                yield TextBlock(id="rebalance-table")
            yield TextBlock(id="rebalance-total")
            yield TextBlock(id="rebalance-keys")

    # What it knows.

    def _guests(self) -> list[GuestSnapshot]:
        """The running guests, by name."""
        return sorted((guest for guest in self._engine.guests() if guest.phase.alive), key=lambda guest: guest.name)

    def _current_sum(self) -> str:
        """The sum of all targets now: a budget that changes nothing."""
        now = time.time()
        return f"{sum(candidate_of(guest, now).counts for guest in self._guests()) // MIB}M"

    @property
    def _busy(self) -> bool:
        return self._course is not None and not self._course.over

    def on_mount(self) -> None:
        self._show_all()
        self.set_interval(IDLE_TICK, self._idle_tick)

    def on_unmount(self) -> None:
        for name, before in self._watched.items():
            with suppress(WorkbenchError):  # it may be gone
                self._engine.guest(name).watched = before

    def on_resize(self) -> None:
        # The list scrolls; what is around it is always visible.
        around = AROUND_HIGH if self.size.height >= HIGH else AROUND
        self.query_one(VerticalScroll).styles.max_height = max(2, self.size.height - around)
        self.call_after_refresh(self._show)

    @on(Input.Changed)
    def _typed(self) -> None:
        if not self._busy:
            self._course = None
            self._show_all()

    def _idle_tick(self) -> None:
        if self._course is None:
            self._show_all()

    def _show_all(self) -> None:
        """Make a new proposal from the guests' current state, and show it."""
        guests = self._guests()
        for guest in guests:
            if guest.name not in self._watched:
                driver = self._engine.guest(guest.name)
                self._watched[guest.name] = driver.watched
                driver.watched = True
        now = time.time()
        candidates = [candidate_of(guest, now) for guest in guests if guest.name not in self._out]
        ram = sum(candidate.ram for candidate in candidates)
        before = sum(candidate.counts for candidate in candidates)
        budget, self._mistake = before, ""
        if candidates:
            try:
                budget = parse_budget(self.query_one(Input).value, ram=ram)
            except SizeError as error:
                self._mistake = str(error)
        # With an invalid budget the guests are shown unchanged.
        self._proposal = propose(candidates, budget)
        self._show()

    # What it shows.

    def _show(self) -> None:
        with suppress(NoMatches):  # not composed yet
            self._show_head()
            table = self.query_one("#rebalance-table", TextBlock)
            width = self.query_one(VerticalScroll).content_region.width - 1
            names = self._names()
            cursor = names[self._cursor % len(names)] if names else ""
            course = self._course
            out = {guest.name: in_mib(guest.memory or 0) for guest in self._guests() if guest.name in self._out}
            progress = course.progress if course else None
            self.query_one("#rebalance-heading", TextBlock).show(text.heading(width))
            table.show(text.table(self._proposal, width, cursor=cursor, out=out, progress=progress))
            self.query_one("#rebalance-total", TextBlock).show(text.total(self._proposal, width))
            ready = bool(self._proposal.changes) and not self._mistake and course is None
            over = course is not None and course.over
            self.query_one("#rebalance-keys", TextBlock).show(text.keys(running=self._busy, over=over, ready=ready))

    def _show_head(self) -> None:
        self.query_one("#rebalance-budget").set_class(bool(self._mistake or self._proposal.short), "-mistake")
        lines = self._proposal.lines
        ram = sum(line.guest.ram for line in lines)
        count = f"{len(lines)} guest{'' if len(lines) == 1 else 's'}"
        self.query_one("#rebalance-sum", TextBlock).show(
            Content.styled(f"of {mib(ram)}, the RAM of {count}", text.MUTED)
        )
        self.query_one("#rebalance-words", TextBlock).show(self._words())

    def _words(self) -> Content:
        if not self._guests():
            return Content.styled("No guest is running", "bold $warning")
        if self._mistake:
            return Content.styled(self._mistake, "$error")
        if self._course is not None:
            return text.outcome(self._course)
        if self._proposal.short:
            return Content.styled(self._proposal.words, "bold $error")
        if not self._proposal.changes:
            return Content.styled(
                self._proposal.words or "Nothing to change: all guests have these targets already", text.MUTED
            )
        return Content.styled(self._proposal.words, "$warning")

    # Actions.

    def _names(self) -> list[str]:
        return [guest.name for guest in self._guests()]

    def action_move(self, step: int) -> None:
        names = self._names()
        self._cursor = max(0, min(len(names) - 1, self._cursor + step)) if names else 0
        self.query_one(VerticalScroll).scroll_to(y=max(0, 2 * self._cursor - 2), animate=False)
        self._show()

    def action_exclude(self) -> None:
        names = self._names()
        if self._busy or not names:
            return
        self._out ^= {names[self._cursor % len(names)]}
        self._course = None
        self._show_all()

    def action_leave(self) -> None:
        if self._busy and self._course is not None:
            self._course.stop("stopped by the user")
            self._end(self._course)
            return
        self.dismiss()

    def action_send(self) -> None:
        """Send the targets shown in the table."""
        if self._course is not None or self._mistake or not self._proposal.changes:
            return
        ramps = {guest.name: ramp for guest in self._guests() if (ramp := ramp_of(guest)) is not None}
        self._course = Course(self._proposal, deadline=time.monotonic() + patience(self._proposal, ramps))
        self.query_one(Input).disabled = True
        self._carry_out(self._course)
        self._show()

    # While it runs.

    @work(group="rebalance", exclusive=True)
    async def _carry_out(self, course: Course) -> None:
        await self._engine.carry_out(course, lambda _course: self._show())
        self._end(course)

    def _end(self, course: Course) -> None:
        if self._course is course:
            field = self.query_one(Input)
            field.disabled = False
            field.focus()
            self._show()
