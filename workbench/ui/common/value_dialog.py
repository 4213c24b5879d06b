"""A dialog for one value: typed, and checked while typing, or chosen from a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from workbench.ui.common.text import TextBlock
from workbench.ui.keys.names import key_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType


class ValueDialog(ModalScreen["str | None"]):
    """The result is the value, or None when cancelled."""

    DEFAULT_CSS = """
    ValueDialog {
        align: center middle;
        & > Vertical {
            width: 76; max-width: 95%; height: auto; max-height: 90%; padding: 1 2;
            background: $surface; border: round $primary; border-title-color: $foreground;
        }
        & TextBlock { height: auto; width: 1fr; }
        & Input { margin-top: 1; }
        & OptionList { margin-top: 1; height: auto; max-height: 14; }
        & #value-trouble { margin-top: 1; min-height: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", id="value.cancel", tooltip="Close without a change"),
    ]

    def __init__(
        self,
        title: str,
        words: Content,
        *,
        value: str = "",
        choices: Sequence[str] = (),
        trouble: Callable[[str], str] = lambda _value: "",
    ) -> None:
        """:param trouble: returns what is wrong with a value, or empty; an invalid value is not accepted."""
        super().__init__()
        self._title, self._words, self._value, self._choices, self._trouble = title, words, value, choices, trouble

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(self._title)
            box.border_subtitle = Content(f"enter accepts \u00b7 {key_name('value.cancel', 'esc')} cancels")
            yield TextBlock(id="value-words")
            if self._choices:
                yield OptionList(*(Option(Content(choice), id=choice) for choice in self._choices), markup=False)
            else:
                yield Input(self._value, select_on_focus=False)
            yield TextBlock(id="value-trouble")

    def on_mount(self) -> None:
        self.query_one("#value-words", TextBlock).show(self._words)
        if self._choices:
            listing = self.query_one(OptionList)
            listing.highlighted = self._choices.index(self._value) if self._value in self._choices else 0
            listing.focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._judge(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if not self._judge(event.value):
            self.dismiss(event.value)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        value = str(event.option.id)
        if not self._judge(value):
            self.dismiss(value)

    def _judge(self, value: str) -> str:
        trouble = self._trouble(value)
        self.query_one("#value-trouble", TextBlock).show(Content.styled(trouble, "$error"))
        return trouble
