"""Dialogs that ask a question or show an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from workbench.domain.profile.problems import ProfileError
from workbench.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from workbench.errors import WorkbenchError


CANCEL = "cancel"
"""The id of the button that does nothing, like esc."""


class Dialog(ModalScreen[str]):
    """A title, a text and buttons; the result is the pressed button's id, or empty for *cancel* and esc."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        & > Vertical {
            width: 76; max-width: 95%; height: auto; max-height: 90%; padding: 1 2;
            background: $surface; border: round $primary; border-title-color: $foreground;
        }
        &.-error > Vertical { border: round $error; }
        & VerticalScroll { height: auto; max-height: 60vh; scrollbar-size-vertical: 1; }
        & VerticalScroll > Static { height: auto; }
        & Horizontal { height: auto; margin-top: 1; align-horizontal: right; }
        & Button { margin-left: 2; min-width: 10; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss('')", "Cancel", id="dialog.cancel", tooltip="Cancel"),
        Binding("left", "app.focus_previous", "Previous", id="dialog.left", tooltip="Previous button", show=False),
        Binding("right", "app.focus_next", "Next", id="dialog.right", tooltip="Next button", show=False),
        Binding("up", "scroll('up')", "Up", id="dialog.up", tooltip="Scroll the text up", show=False),
        Binding("down", "scroll('down')", "Down", id="dialog.down", tooltip="Scroll the text down", show=False),
        Binding("pageup", "scroll('page_up')", "Page up", id="dialog.pageup", tooltip="Scroll a page up", show=False),
        Binding(
            "pagedown",
            "scroll('page_down')",
            "Page down",
            id="dialog.pagedown",
            tooltip="Scroll a page down",
            show=False,
        ),
    ]

    def __init__(self, title: str, body: Content, buttons: Sequence[tuple[str, str, str]]) -> None:
        """
        :param buttons: id, label and Textual variant of each, the safe one first: it has the focus.
        """
        super().__init__()
        self._title = title
        self._body = body
        self._buttons = buttons

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(self._title)
            with VerticalScroll(can_focus=False):
                yield Static(self._body, markup=False)
            with Horizontal():
                for name, label, variant in self._buttons:
                    yield Button(Content(label), id=name, variant=variant)  # type: ignore[arg-type]

    def action_scroll(self, where: str) -> None:
        getattr(self.query_one(VerticalScroll), f"scroll_{where}")(animate=False)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss("" if event.button.id == CANCEL else event.button.id or "")


def confirm(title: str, body: str, *choices: tuple[str, str, str]) -> Dialog:
    """Ask before something that cannot be undone; *cancel* has the focus."""
    return Dialog(title, Content(body), [(CANCEL, "Cancel", "default"), *choices])


def error_dialog(error: WorkbenchError, title: str = "") -> Dialog:
    """What happened, where, and what to do, with QEMU's own output if there is any.

    :param title: what failed, where the error's own title says less.
    """
    parts: list[Content] = [Content(error.message)]
    if isinstance(error, ProfileError):
        parts += [Content(str(problem)) for problem in error.problems]
    if isinstance(error, StartError) and error.output:
        parts += [Content(""), Content.styled(error.output.rstrip(), "$foreground-muted")]
    if error.hint:
        parts += [Content(""), Content.assemble(("\u2192 ", "$accent"), error.hint)]
    dialog = Dialog(title or error.title, Content("\n").join(parts), [("ok", "OK", "primary")])
    dialog.add_class("-error")
    return dialog
