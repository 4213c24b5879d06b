"""The form of a profile: every key with its description, default and value. Changes are made in the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from workbench.domain.profile.devices.part import key_text
from workbench.domain.profile.text.form import Row, form_rows
from workbench.domain.profile.text.layout import EditError
from workbench.ui.common.text import TextBlock
from workbench.ui.keys.names import key_name

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from workbench.domain.command_line.checked import Checked
    from workbench.domain.profile.text.places import Path

LABEL = 26
"""Columns of a key with its indentation."""
MUTED = "$foreground-muted"
Action = Literal["toggle", "change", "add", "remove", "off"]
"""What a key does to the highlighted row."""


class FormList(OptionList):
    """The rows of the form; keys act on the highlighted row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Change", id="form.change", tooltip="Change the value, open the table, or add one"),
        Binding(
            "space", "act('toggle')", "Open/close", id="form.toggle", tooltip="Expand or collapse a table", show=False
        ),
        Binding(
            "delete",
            "act('remove')",
            "Default",
            id="form.remove",
            tooltip="Remove it from the text: the default applies",
        ),
        Binding("minus", "act('off')", "Off", id="form.off", tooltip="Disable a table: NAME = false", show=False),
        Binding("k", "cursor_up", "Up", id="form.up", tooltip="Previous key", show=False),
        Binding("j", "cursor_down", "Down", id="form.down", tooltip="Next key", show=False),
    ]

    class Acted(Message):
        """A key was pressed that acts on the highlighted row."""

        def __init__(self, action: Action) -> None:
            super().__init__()
            self.action = action

    def action_act(self, action: Action) -> None:
        self.post_message(self.Acted(action))


class ProfileForm(Vertical):
    """Shows the rows; the screen makes the changes."""

    DEFAULT_CSS = """
    ProfileForm {
        & > FormList { height: 1fr; border: none; padding: 0 1; background: $background; }
        & > FormList { text-wrap: nowrap; text-overflow: ellipsis; }
        & > FormList:focus { background-tint: $foreground 0%; }
        & > FormList > .option-list--option-highlighted { background: $panel; color: $foreground; text-style: none; }
        & > FormList:focus > .option-list--option-highlighted { background: $primary 30%; text-style: none; }
        & > TextBlock { height: auto; max-height: 6; padding: 0 1; border-top: solid $foreground 22%; width: 1fr; }
    }
    """

    class EditRequested(Message):
        """The user wants to change a row: ``change``, ``remove``, ``off`` or ``add``."""

        def __init__(self, row: Row, action: Action) -> None:
            super().__init__()
            self.row = row
            self.action = action

    class RowHighlighted(Message):
        """The cursor is on another row."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

    def __init__(self, id: str) -> None:
        super().__init__(id=id, classes="pane")
        self.border_title = "Form"
        self.border_subtitle = Content(hints())
        self._rows: tuple[Row, ...] = ()
        self._shown: list[str] = []
        self._toggled: set[Path] = set()
        self._last: tuple[str, Checked] | None = None
        self._trouble = ""
        self._wanted: Path = ()
        """The row to highlight first."""

    def compose(self) -> ComposeResult:
        yield FormList(compact=True, markup=False)
        yield TextBlock()

    @property
    def rows(self) -> tuple[Row, ...]:
        return self._rows

    @property
    def row(self) -> Row | None:
        """The highlighted row."""
        index = self.query_one(FormList).highlighted
        return self._rows[index] if index is not None and index < len(self._rows) else None

    def show_checked(self, text: str, checked: Checked) -> None:
        """Follow the text; while it is not valid TOML, the last rows stay and cannot be changed."""
        self._last = text, checked
        if not self.display:
            return
        try:
            rows = form_rows(text, checked.parsed.document, self._toggled)
            self._trouble = ""
        except EditError as error:
            self._trouble = str(error)
            self._show_help()
            return
        listing = self.query_one(FormList)
        row = self.row
        lines = [row_line(one) for one in rows]
        keys = [f"{one.path}" for one in rows]
        if keys == self._shown:
            for index, (old, new, line) in enumerate(zip(self._rows, rows, lines, strict=True)):
                if old != new:
                    listing.replace_option_prompt_at_index(index, line)
            self._rows = rows
        else:
            self._rows, self._shown = rows, keys
            listing.set_options([Option(line) for line in lines])
            listing.highlighted = 0
            self.choose(row.path if row is not None else self._wanted)
        self._show_help()

    def on_show(self) -> None:
        if self._last is not None:
            self.show_checked(*self._last)

    def choose(self, path: Path) -> None:
        """Highlight a row, or the nearest parent; if there are no rows yet, once there are."""
        self._wanted = path
        paths = [row.path for row in self._rows]
        while path and path not in paths:
            path = path[:-1]
        if path:
            self.query_one(FormList).highlighted = paths.index(path)

    def _show_help(self) -> None:
        row = self.row
        if self._trouble or row is None:
            self.query_one(TextBlock).show(Content.styled(self._trouble, "$error"))
            return
        default = f"default {row.default}" if row.default else ""
        parts = [(key_text(row.path), "bold"), (f"  {row.must}", MUTED), (f"  {default}" if default else "", MUTED)]
        self.query_one(TextBlock).show(Content.assemble(*parts, "\n", row.doc))

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._show_help()
        row = self.row
        if row is not None and self.query_one(FormList).has_focus:
            self.post_message(self.RowHighlighted(row.path))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        row = self.row
        if row is None or self._trouble:
            return
        if row.adds:
            self._toggled.discard(row.path)
            self.post_message(self.EditRequested(row, "add"))
        elif row.kind in ("table", "element"):
            self._toggle(row)
        else:
            self.post_message(self.EditRequested(row, "change"))

    @on(FormList.Acted)
    def _acted(self, event: FormList.Acted) -> None:
        event.stop()
        row = self.row
        if row is None or self._trouble:
            return
        if event.action == "toggle":
            if row.kind != "value":
                self._toggle(row)
            elif row.choices:
                self.post_message(self.EditRequested(row, "change"))
        elif event.action == "remove" and not row.here:
            self.app.notify("Not in the text: the default applies already", timeout=2, markup=False)
        elif event.action == "off" and not row.can_be_off:
            self.app.notify(f"{key_text(row.path)} cannot be disabled", timeout=2, markup=False)
        else:
            self.post_message(self.EditRequested(row, event.action))

    def _toggle(self, row: Row) -> None:
        self._toggled ^= {row.path}
        if self._last is not None:
            self.show_checked(*self._last)


def hints() -> str:
    """The keys of a row, for the border of the pane: the key bar of a small terminal has no room for them."""
    usual = (("change", "enter"), ("toggle", "space"), ("remove", "del"), ("off", "-"))
    change, toggle, remove, off = (key_name(f"form.{name}", key) for name, key in usual)
    return f"{change} change   {toggle} open   {remove} default   {off} off"


def row_line(row: Row) -> Content:
    """The key and its value, or its default, muted."""
    indent = "  " * row.depth
    if row.kind != "value":
        mark = "\u25be" if row.opened else "\u25b8"
        style = "bold $primary" if row.here and not row.off else "$primary" if not row.off else MUTED
        words = "off" if row.off else row.value if row.kind == "tables" else ""
        return Content.assemble((f"{indent}{mark} {row.label}", style), (f"  {words}" if words else "", MUTED))
    label = f"{indent}  {row.label}"
    value = " ".join(row.value.split())
    if row.here:
        shown = (value, "$accent" if row.text else "$secondary")
    elif row.value:
        shown = (f"{value}  inherited", MUTED)
    else:
        shown = (row.default or "\u00b7", MUTED)
    return Content.assemble((f"{label:<{LABEL}} ", "" if row.here else MUTED), shown)
