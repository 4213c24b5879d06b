"""The guest's serial console, line by line: its output, and a field to type into it."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, RichLog, Static

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.app import ComposeResult
    from textual.binding import BindingType

LINES = 5000
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: titles
    r"|\x1b[@-Z\\-_]|\x1b[()][0-9A-B]"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def plain_lines(pending: str, text: str) -> tuple[list[str], str]:
    """Complete lines without terminal control codes, and the rest of an unfinished one.

    A carriage return restarts the line, as on a terminal; a backspace deletes one character.

    :param pending: the rest that the last call returned.
    """
    text = (pending + text).replace("\r\n", "\n")
    *lines, rest = text.split("\n")
    return [clean_line(line) for line in lines], rest


def clean_line(line: str) -> str:
    line = _ESCAPES.sub("", line).rstrip("\r")
    line = line.rsplit("\r", 1)[-1]
    while "\x08" in line:
        line = re.sub(r"[^\x08]\x08|^\x08+", "", line, count=1)
    return _CONTROLS.sub("", line)


class ConsolePane(Vertical):
    """Shows whole lines only: not a full terminal."""

    DEFAULT_CSS = """
    ConsolePane {
        padding: 0 1;
        & > RichLog { height: 1fr; background: $background; scrollbar-size-vertical: 1; }
        & > #console-prompt { height: auto; max-height: 3; }
        & > Input { height: 1; border: none; padding: 0; background: $panel; }
        & > Input:focus { border: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+c",
            "interrupt",
            "Interrupt",
            id="console.interrupt",
            tooltip="Send Ctrl-C to the guest",
            priority=True,
        ),
        Binding("escape", "leave", "Leave the field", id="console.leave", tooltip="Leave the field", show=False),
    ]

    class Typed(Message):
        """A line for the guest's serial console."""

        def __init__(self, control: ConsolePane, text: str) -> None:
            super().__init__()
            self._control = control
            self.text = text

        @property
        def control(self) -> ConsolePane:
            return self._control

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self.border_title = "Console"
        self.border_subtitle = "enter sends the line"
        self._pending = ""
        self._lines: deque[str] = deque(maxlen=LINES)
        self._width = 0
        """Columns that the lines are wrapped to; 0 until the pane is first shown."""
        self._forget: Callable[[], None] | None = None

    def compose(self) -> ComposeResult:
        yield RichLog(max_lines=LINES, wrap=True, markup=False, highlight=False, min_width=20)
        yield Static(id="console-prompt", markup=False)
        yield Input(placeholder="a line for the guest's shell, for example: eat 100M", compact=True)

    def show(self, name: str, listen: Callable[[Callable[[str], None]], Callable[[], None]] | None) -> None:
        """Show another guest's console.

        :param listen: gives the scrollback and further output, as :meth:`workbench.engine.base.Guest.console`; None for none.
        """
        if self._forget is not None:
            self._forget()
            self._forget = None
        self.border_title = Content(f"Console \u00b7 {name}") if name else "Console"
        self.query_one(RichLog).clear()
        self._lines.clear()
        self._pending = ""
        self.query_one("#console-prompt", Static).update(Content(""))
        if listen is not None:
            self._forget = listen(self._output)

    def on_unmount(self) -> None:
        if self._forget is not None:
            self._forget()

    def _output(self, text: str) -> None:
        lines, self._pending = plain_lines(self._pending, text)
        if len(self._pending) > 4096:  # a guest that never ends its line
            lines.append(clean_line(self._pending))
            self._pending = ""
        if lines:
            self._lines.extend(lines)
            self._write(lines)
        self.query_one("#console-prompt", Static).update(Content(clean_line(self._pending)))

    def _write(self, lines: Iterable[str]) -> None:
        """Write lines, unless the pane was never shown: there is no width to wrap them to."""
        if self._width:
            self.query_one(RichLog).write("\n".join(lines))

    def on_resize(self) -> None:
        width = self.content_region.width
        if width and width != self._width:
            self._width = width
            self.query_one(RichLog).clear()
            if self._lines:
                self._write(self._lines)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        event.input.value = event.input.value.removeprefix(event.value)  # keep what was typed after it
        self.post_message(self.Typed(self, event.value + "\n"))

    def action_leave(self) -> None:
        """Move from the field to the output, where keys are commands again."""
        self.query_one(RichLog).focus()

    def action_interrupt(self) -> None:
        self.post_message(self.Typed(self, "\x03"))
