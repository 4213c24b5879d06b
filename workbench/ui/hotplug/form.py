"""The form to plug in a device: a line for each key, and the QMP commands to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from workbench.domain.hotplug.form import rows
from workbench.domain.hotplug.plan import PlanProblems, plan
from workbench.domain.hotplug.unplug import Kind, Plan
from workbench.ui.common.dialogs import Dialog
from workbench.ui.common.first_size import size_screen
from workbench.ui.common.plain_text import clean
from workbench.ui.common.text import TextBlock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Key

    from workbench.domain.hotplug.form import Row
    from workbench.domain.hotplug.plan import Offer

KINDS = {
    Kind.NET: "a virtio network card",
    Kind.DISK: "a SCSI disk or CD drive",
    Kind.SERIAL: "a virtio serial port or console",
    Kind.RNG: "a virtio entropy source",
}
KEY_WIDTH, VALUE_WIDTH = 24, 26


class KindDialog(Dialog):
    """The choice of what to plug in; returns the kind, or an empty string if cancelled."""

    DEFAULT_CSS = """
    KindDialog > Vertical { width: 48; }
    KindDialog Static { link-style: none; link-color: $foreground; link-background-hover: $foreground 10%; }
    """

    def __init__(self, guest: str) -> None:
        lines = [
            Content.from_markup(
                f"[@click=screen.choose({digit})][bold $accent]{digit}[/]  $kind $words[/]",
                kind=f"{kind:<7}",
                words=words,
            )
            for digit, (kind, words) in enumerate(KINDS.items(), 1)
        ]
        keys = Content.styled("press a digit, or esc to cancel", "$foreground-muted")
        super().__init__(f"Plug into {guest}", Content("\n").join([*lines, Content(""), keys]), [])

    def on_key(self, event: Key) -> None:
        if event.key.isdecimal() and 1 <= int(event.key) <= len(KINDS):
            event.stop()
            self.action_choose(int(event.key))

    def action_choose(self, digit: int) -> None:
        self.dismiss(list(KINDS)[digit - 1].value)


class PlugForm(ModalScreen[Plan | None]):
    """The input sets the value of the chosen line; below it are the commands to be sent, or the problems."""

    DEFAULT_CSS = """
    PlugForm {
        align: center middle;
        & > Vertical {
            width: 100; max-width: 96%; height: auto; max-height: 96%; padding: 0 1;
            background: $surface; border: round $primary; border-subtitle-color: $foreground-muted;
        }
        & OptionList {
            height: auto; max-height: 12; border: none; padding: 0; background: transparent; text-wrap: nowrap;
        }
        & Input { width: 1fr; background: $panel; }
        & #plug-about { height: 2; color: $foreground-muted; }
        & #plug-sent { height: auto; max-height: 8; min-height: 3; }
        & #plug-steps { height: auto; }
        & #plug-steps.-bad { color: $error; }
    }
    PlugForm.-low OptionList { max-height: 7; }
    PlugForm.-low #plug-sent { max-height: 5; }
    """
    VERTICAL_BREAKPOINTS: ClassVar[list[tuple[int, str]] | None] = [(0, "-low"), (32, "-high")]  # type: ignore[misc]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel", id="plug.cancel", tooltip="Cancel"),
        Binding("up", "move(-1)", "Up", id="plug.up", tooltip="Previous line", show=False, priority=True),
        Binding("down", "move(1)", "Down", id="plug.down", tooltip="Next line", show=False, priority=True),
        Binding("tab", "choice", "Next choice", id="plug.choice", tooltip="Next possible value", priority=True),
        Binding("ctrl+t", "all", "All", id="plug.all", tooltip="All properties of the device, or only the common ones"),
    ]

    def __init__(self, guest: str, offer: Offer, values: Mapping[str, str] | None = None) -> None:
        """:param values: initial values, by key."""
        super().__init__()
        size_screen(self)
        self._guest = guest
        self._offer = offer
        self.values = dict(values or {})
        """The values, by key."""
        self._all = False
        self.rows: tuple[Row, ...] = ()
        """The lines that are shown."""
        self._plan: Plan | None = None
        self._list = OptionList(markup=False)
        self._list.can_focus = False
        self._input = Input(compact=True)
        self._about = TextBlock(id="plug-about")
        self._steps = TextBlock(id="plug-steps")

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(f"Plug {KINDS[self._offer.kind]} into {self._guest}")
            box.border_subtitle = Content("↑↓ line · tab next choice · ctrl+t all · enter plug in · esc")
            yield self._list
            yield self._input
            yield self._about
            with VerticalScroll(id="plug-sent", can_focus=False):
                yield self._steps

    def on_mount(self) -> None:
        self._input.focus()
        self._fill()
        self._go(0)
        self._check()

    @property
    def row(self) -> Row:
        """The line under the cursor."""
        return self.rows[self._list.highlighted or 0]

    def _fill(self) -> None:
        """Rebuild the lines; the cursor keeps its key."""
        key = self.row.key if self.rows else ""
        self.rows = tuple(row for row in rows(self._offer, self.values) if self._all or row.usual or self._is_set(row))
        self._list.clear_options()
        self._list.add_options([Option(self._line(row)) for row in self.rows])
        self._list.highlighted = next((number for number, row in enumerate(self.rows) if row.key == key), 0)

    @property
    def _room(self) -> int:
        """Columns for the type of a key."""
        return (
            max(self._list.scrollable_content_region.width or self.app.size.width - 8, 60) - KEY_WIDTH - VALUE_WIDTH - 4
        )

    def on_resize(self) -> None:
        self.call_after_refresh(self._fill)

    def _is_set(self, row: Row) -> bool:
        return bool(self.values.get(row.key))

    def _line(self, row: Row) -> Content:
        value = self.values.get(row.key, "")
        shown = clean(value or row.default)
        shown = shown if len(shown) <= VALUE_WIDTH else f"{shown[: VALUE_WIDTH - 1]}…"
        return Content.assemble(
            f"{row.key:<{KEY_WIDTH}} ",
            (f"{shown:<{VALUE_WIDTH}} ", "bold" if value else "$foreground-muted"),
            (row.type if len(row.type) <= self._room else f"{row.type[: self._room - 1]}…", "$foreground-muted"),
        )

    def _go(self, number: int) -> None:
        """Go to another line."""
        self._list.highlighted = number % len(self.rows)
        row = self.row
        with self._input.prevent(Input.Changed):
            self._input.value = self.values.get(row.key, "")
        self._input.cursor_position = len(self._input.value)
        self._input.placeholder = row.default or row.type
        words = [f"{row.key} takes {row.type}.", row.description]
        if row.default:
            words.append(f"Default: {row.default}.")
        self._about.show(Content(clean(" ".join(filter(None, words)))))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._set(event.value)

    def _set(self, text: str) -> None:
        row, before = self.row, [one.key for one in self.rows]
        self.values[row.key] = text
        if [one.key for one in rows(self._offer, self.values) if self._all or one.usual or self._is_set(one)] != before:
            self._fill()  # another kind of device has other properties
        else:
            self._list.replace_option_prompt_at_index(self._list.highlighted or 0, self._line(row))
        self._check()

    def _check(self) -> None:
        """Show the commands to be sent, or the problems."""
        try:
            self._plan = plan(self._offer, self.values)
        except PlanProblems as error:
            self._plan = None
            lines = [f"{key}: {why}" if key else why for key, why in error.problems.items()]
        else:
            lines = [step.words for step in self._plan.steps]
        self._steps.set_class(self._plan is None, "-bad")
        self._steps.show(Content("\n".join(map(clean, lines))))

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        if self._plan is not None:
            self.dismiss(self._plan)
        else:
            self.app.bell()

    @on(OptionList.OptionHighlighted)
    def _clicked(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if 0 <= event.option_index < len(self.rows):
            self._go(event.option_index)

    def action_move(self, by: int) -> None:
        self._go((self._list.highlighted or 0) + by)

    def action_choice(self) -> None:
        row = self.row
        choices = row.choices or (("on", "off") if row.switch else ())
        if choices:
            now = self.values.get(row.key) or row.default
            index = choices.index(now) + 1 if now in choices else 0
            self._input.value = choices[index % len(choices)]

    def action_all(self) -> None:
        self._all = not self._all
        self._fill()
        self._go(self._list.highlighted or 0)

    def action_leave(self) -> None:
        self.dismiss(None)
