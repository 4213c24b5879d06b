"""The list of guests: profiles and running guests, two lines each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from workbench.domain.guest.lifecycle import Phase, Silence
from workbench.ui.words import short_size, uptime

if TYPE_CHECKING:
    from textual.binding import BindingType

    from workbench.domain.guest.snapshot import GuestSnapshot

MARKS = {
    Phase.STOPPED: ("\u25cb", "$foreground-muted"),
    Phase.STARTING: ("\u25d4", "$warning"),
    Phase.RUNNING: ("\u25cf", "$success"),
    Phase.PAUSED: ("\u25d0", "$warning"),
    Phase.STOPPING: ("\u25d1", "$warning"),
}
WIDTH = 24
"""Minimum columns of an entry's first line."""
Action = Literal["start", "stop", "pause", "reset", "edit", "new", "duplicate", "rename", "delete", "rebalance"]
"""The actions of the list."""


class GuestList(OptionList):
    """Each profile and each running guest. The highlighted one is shown in all panes."""

    DEFAULT_CSS = """
    GuestList { padding: 0 1; background: $background; border: none; }
    GuestList > .option-list--option-highlighted { background: $panel; color: $foreground; text-style: none; }
    GuestList:focus > .option-list--option-highlighted { background: $primary 30%; text-style: none; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "request('start')", "Start", id="guests.start", tooltip="Start the chosen guest"),
        Binding("x", "request('stop')", "Stop", id="guests.stop", tooltip="Power down or kill the guest; asks first"),
        Binding("p", "request('pause')", "Pause/resume", id="guests.pause", tooltip="Pause or resume the guest"),
        Binding("r", "request('reset')", "Reset", id="guests.reset", tooltip="Reset the guest; asks first"),
        Binding("e", "request('edit')", "Edit", id="guests.edit", tooltip="Edit the guest's profile"),
        Binding("n", "request('new')", "New", id="guests.new", tooltip="New profile: empty, or from a sample"),
        Binding(
            "D",
            "request('duplicate')",
            "Duplicate",
            id="guests.duplicate",
            tooltip="Duplicate the profile",
            show=False,
        ),
        Binding("R", "request('rename')", "Rename", id="guests.rename", tooltip="Rename the profile", show=False),
        Binding(
            "X",
            "request('delete')",
            "Delete",
            id="guests.delete",
            tooltip="Move the profile to the trash; asks first",
            show=False,
        ),
        Binding(
            "B",
            "request('rebalance')",
            "Rebalance",
            id="guests.rebalance",
            tooltip="Share one budget among all running guests",
        ),
        Binding("k", "cursor_up", "Up", id="guests.up", tooltip="Previous guest", show=False),
        Binding("j", "cursor_down", "Down", id="guests.down", tooltip="Next guest", show=False),
    ]

    class Chosen(Message):
        """Another guest was highlighted."""

        def __init__(self, control: GuestList, name: str) -> None:
            super().__init__()
            self._control = control
            self.name = name

        @property
        def control(self) -> GuestList:
            return self._control

    class ActionRequested(Message):
        """An action on a guest or its profile was requested, or a rebalance of all guests."""

        def __init__(self, control: GuestList, name: str, action: Action) -> None:
            super().__init__()
            self._control = control
            self.name = name
            self.action = action

        @property
        def control(self) -> GuestList:
            return self._control

    guests: reactive[tuple[GuestSnapshot, ...]] = reactive((), init=False, repaint=False)
    """All guests, in the order in which they are shown."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane", compact=True, markup=False)
        self.border_title = "Guests"
        self._shown: dict[str, str] = {}
        self._expected = ""
        """A guest to highlight once it is in the list."""

    @property
    def chosen(self) -> str | None:
        if self.highlighted is None or self.highlighted >= self.option_count:
            return None
        return self.get_option_at_index(self.highlighted).id

    def choose(self, name: str) -> None:
        """Highlight a guest."""
        self.highlighted = self.get_option_index(name)

    def expect(self, name: str) -> None:
        """Highlight a guest as soon as it is in the list."""
        if name in self._shown:
            self.choose(name)
        else:
            self._expected = name

    def on_mount(self) -> None:
        self.set_interval(1.0, self._refresh)

    def on_resize(self) -> None:
        self._refresh()

    def watch_guests(self) -> None:
        self._refresh()

    def _refresh(self) -> None:
        """Update only the entries whose text changed; rebuild the list only when a guest came or went."""
        now = time.time()
        width = max(WIDTH, self.content_region.width - 1)
        texts = {guest.name: entry(guest, now, width) for guest in self.guests}
        if list(texts) != list(self._shown):
            chosen, place = self.chosen, self.highlighted or 0
            if self._expected in texts:
                chosen, self._expected = self._expected, ""
            self.set_options([Option(text, id=name) for name, text in texts.items()])
            if texts:
                # If the chosen guest is gone, choose the one in its place: the next key must not act on the first one.
                self.highlighted = list(texts).index(chosen) if chosen in texts else min(place, len(texts) - 1)
        else:
            for name, text in texts.items():
                if self._shown[name] != text.markup:
                    self.replace_option_prompt(name, text)
        self._shown = {name: text.markup for name, text in texts.items()}
        count = len(texts)
        self.border_subtitle = f"{count} profile{'' if count == 1 else 's'}" if count else "no profiles"

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option.id is not None:
            self.post_message(self.Chosen(self, event.option.id))

    def action_request(self, action: Action) -> None:
        name = self.chosen
        if name is not None or action == "new":
            self.post_message(self.ActionRequested(self, name or "", action))


def entry(guest: GuestSnapshot, now: float, width: int = WIDTH) -> Content:
    """Two lines: mark, name and RAM; then the state."""
    mark, style = MARKS[guest.phase]
    if guest.phase.alive and not guest.answering:
        mark, style = "\u25cf", "$error"
    memory = short_size(guest.memory) if guest.memory else ""
    room = width - 3 - len(memory)
    name = guest.name if len(guest.name) <= room else guest.name[: room - 1] + "\u2026"
    first = Content.assemble((mark, style), " ", (f"{name:<{room}}", "bold" if guest.phase.alive else ""), f" {memory}")
    words, words_style = state_words(guest, now, width - 1)
    return Content.assemble(first, "\n  ", (words, words_style))


def state_words(guest: GuestSnapshot, now: float, width: int = WIDTH) -> tuple[str, str]:
    """The second line of an entry, and its style; parts that do not fit ``width`` columns are dropped from the end."""
    if not guest.phase.alive:
        if guest.ended and not guest.ended.orderly:
            full = guest.ended.words
            return full if len(full) <= width else guest.ended.short, "$error"
        if guest.problems:
            return f"{guest.problems} profile problem{'' if guest.problems == 1 else 's'}", "$warning"
        return guest.ended.words if guest.ended else "stopped", "$foreground-muted"
    if not guest.answering:
        if guest.silence is Silence.OCCUPIED:
            return "busy, or monitor in use", "$warning"
        return "does not answer", "$error"
    parts = [guest.state]
    if guest.protection.armed:
        parts.append("guarded")  # instead of the accelerator: there is room for one
    elif guest.accelerator:
        parts.append(guest.accelerator.upper())
    if guest.started is not None:
        parts.append(uptime(now - guest.started))
    if guest.backing:
        parts.insert(2, guest.backing.replace(" pages", ""))
    while len(parts) > 1 and len(" \u00b7 ".join(parts)) > width:
        parts.pop()
    return " \u00b7 ".join(parts), "$foreground-muted"
