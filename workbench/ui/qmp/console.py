"""The QMP console: the messages between the workbench and one QEMU, and a line to send commands."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message as TextualMessage
from textual.widget import Widget
from textual.widgets import Label, OptionList

from workbench.domain.qmp.completion.complete import complete
from workbench.domain.qmp.input_error import InputError
from workbench.domain.qmp.typed_line import Request, checked, parse_line
from workbench.errors import CommandFailed, MonitorTimeout, WorkbenchError
from workbench.ui.keys.names import key_name
from workbench.ui.qmp.hints import completion_words, key_words
from workbench.ui.qmp.input import QmpInput
from workbench.ui.qmp.lookups import KnownValues
from workbench.ui.qmp.record.lines import Note
from workbench.ui.qmp.record.log import TrafficLog
from workbench.ui.qmp.record.pane import RecordPane
from workbench.ui.qmp.waits import Wait, Waits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from workbench.domain.qmp.completion.candidates import Completion
    from workbench.domain.qmp.record.record import Record
    from workbench.domain.qmp.schema import Schema
    from workbench.engine.base import InputHistory, Lookups

    SchemaLoader = Callable[[], Awaitable[Schema]]

CLOCK = 0.5
"""Seconds between updates of the time beside a pending command."""


class QmpConsole(Widget):
    """Shows one guest's record, and posts the commands that the user sends."""

    ALLOW_MAXIMIZE = True
    DEFAULT_CSS = """
    QmpConsole {
        layout: vertical;
        padding: 0 1;
        & > Horizontal { dock: bottom; height: 1; }
        & > Horizontal > Label { width: auto; color: $text-muted; }
        & > Horizontal > #qmp-prompt { text-style: bold; color: $foreground; padding-right: 1; }
        & > Horizontal > QmpInput { width: 1fr; min-width: 20; background: $background; }
        & > Horizontal > QmpInput:focus { background-tint: transparent; }
        & > Horizontal > #qmp-hint { max-width: 40%; padding-left: 2; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "f2",
            "toggle_polling",
            "Polling",
            id="qmp.polling",
            tooltip="Show or hide the screen's own commands",
            show=False,
        ),
        Binding("f3", "events", "Events", id="qmp.events", tooltip="Show the events by name, or back", show=False),
        Binding("f4", "toggle_whole", "All", id="qmp.whole", tooltip="Show a shortened reply in full", show=False),
        Binding(
            "ctrl+c",
            "give_up",
            "Give up",
            id="qmp.give-up",
            tooltip="Stop waiting for the oldest pending command",
            show=False,
        ),
        Binding(
            "f5,z", "zoom", "Zoom", id="qmp.zoom", tooltip="Zoom this pane to the whole screen, or back", show=False
        ),
        Binding("ctrl+s", "save", "Save", id="qmp.save", tooltip="Save all messages as JSON lines", show=False),
        Binding("ctrl+l", "clear", "Clear", id="qmp.clear", tooltip="Clear the log", show=False),
    ]

    class Submitted(TextualMessage):
        """The user wants a command sent."""

        def __init__(self, control: QmpConsole, text: str, request: Request) -> None:
            super().__init__()
            self._control = control
            self.text = text
            self.request = request

        @property
        def control(self) -> QmpConsole:
            return self._control

    def __init__(self, history: InputHistory, *, id: str | None = None) -> None:
        """
        :param history: the command history, read and extended.
        """
        super().__init__(id=id, classes="pane")
        self.border_title = "QMP"
        self._history = history
        self._load_schema: SchemaLoader | None = None
        self._schema: Schema | None = None
        self._schema_asked = False
        self._name = ""
        self._lookups: Lookups | None = None
        self._known: KnownValues | None = None
        """Values known in the guest, for completion."""
        self._refused = ""
        """The line whose check failed last: entered again, it is sent anyway."""

        self._waits = Waits()
        self._hints = ""
        """The text of the lower border while no command is pending."""

    def compose(self) -> ComposeResult:
        # The input first, so that it gets the focus with the pane.
        with Horizontal():
            yield Label("QMP \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}", id="qmp-prompt")
            yield QmpInput(
                self._history,
                self._complete,
                self._take,
                placeholder="command key=value \N{MIDDLE DOT} JSON \N{MIDDLE DOT} !hmp",
            )
            yield Label("", id="qmp-hint", markup=False)
        yield RecordPane()

    def on_mount(self) -> None:
        self._hints = key_words()
        self.border_subtitle = Content(self._hints)
        self._clock = self.set_interval(CLOCK, self._show_waits, pause=True)

    # From the screen.

    def show(
        self, name: str, record: Record | None, load_schema: SchemaLoader | None, lookups: Lookups | None = None
    ) -> None:
        """Show another guest, or another run of the same one.

        :param load_schema: returns the schema of the running QEMU; None while the guest is not running.
        :param lookups: looks up values in the guest, and QEMU's manual.
        """
        self._name = name
        self.border_title = Content(f"QMP \N{MIDDLE DOT} {name}") if name else "QMP"
        self._load_schema = load_schema
        self._schema = None
        self._schema_asked = False
        self._refused = ""
        if self._known is not None:
            self._known.close()
        self._known = KnownValues(lookups.known, self._learned) if lookups is not None else None
        self._lookups = lookups
        self.pane.show(record)
        if self._input.has_focus:
            self._read_schema()

    def explain(self, error: WorkbenchError) -> None:
        """Show the error of a command. QEMU's error replies and time-outs are in the record already."""
        recorded = isinstance(error, CommandFailed | MonitorTimeout)
        if not recorded or error.hint:
            self.say(Note(time.time(), error.hint if recorded else error.message, "" if recorded else error.hint))

    # Pending commands.

    def wait_for(self, command: str, give_up: Callable[[], object]) -> Wait:
        """A command was sent: show how long it is pending, until :meth:`no_longer`.

        :param give_up: stops waiting; QEMU still carries out the command.
        """
        self._clock.resume()
        return self._waits.begin(command, give_up)

    def no_longer(self, wait: Wait) -> None:
        """The command was answered, or waiting was stopped."""
        self._waits.end(wait)
        self._show_waits()

    def _show_waits(self) -> None:
        words = self._waits.words(key_name("qmp.give-up", "ctrl+c")) or self._hints
        if str(self.border_subtitle) != words:
            self.border_subtitle = Content(words)
        if not self._waits:
            self._clock.pause()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self._waits) if action == "give_up" else True

    def action_give_up(self) -> None:
        self._waits.give_up_oldest()

    def on_unmount(self) -> None:
        if self._known is not None:
            self._known.close()

    # The log.

    @property
    def pane(self) -> RecordPane:
        """The pane with the record."""
        return self.query_one(RecordPane)

    def say(self, note: Note) -> None:
        """Add a line of the console's own at the end."""
        self.pane.say(note)

    def action_toggle_polling(self) -> None:
        self.pane.polling = not self.pane.polling

    def action_toggle_whole(self) -> None:
        if not self.pane.toggle_whole():
            self.notify("No shortened reply here", timeout=2)

    def action_events(self) -> None:
        self.pane.action_events()

    def action_zoom(self) -> None:
        if self.screen.maximized is None:
            self.screen.maximize(self, container=False)
        else:
            self.screen.minimize()

    def action_save(self) -> None:
        self.pane.post_message(RecordPane.SaveWanted())

    def action_clear(self) -> None:
        self.pane.clear()

    # The line.

    def _take(self, text: str) -> bool:
        """Send a line, or show why it cannot be sent and return False."""
        if not text.strip():
            return False
        self.pane.follow()
        if self._load_schema is None:
            hint = f"{self._name} is not running" if self._name else "no guest chosen"
            self.say(Note(time.time(), "no QEMU to send this to", hint, text))
            return False
        try:
            request = self._understood(text)
        except InputError as error:
            self.say(Note(time.time(), error.message, error.hint, text, error.span, error.more))
            return False
        self._refused = ""
        self.post_message(self.Submitted(self, text, request))
        try:
            self._history.add(text)
        except OSError as error:
            self.say(Note(time.time(), f"cannot save the command history: {error.strerror}"))
        return True

    def _understood(self, text: str) -> Request:
        request = parse_line(text, self._schema)
        if self._schema is None or request.hmp or text == self._refused:
            return request
        try:
            return checked(request, self._schema)
        except InputError as error:
            self._refused = text
            error.hint = error.hint or "press enter again to send it anyway"
            raise

    @on(QmpInput.CompletionsChanged)
    def _show_hint(self, message: QmpInput.CompletionsChanged) -> None:
        message.stop()
        words = completion_words(message.completions, searching=message.searching)
        self.query_one("#qmp-hint", Label).update(Content(words))

    @on(QmpInput.HelpRequested)
    def _help(self, message: QmpInput.HelpRequested) -> None:
        message.stop()
        if message.command.startswith("!") and self._lookups is not None:
            from workbench.ui.qmp.hmp_help import HmpHelp

            self.app.push_screen(HmpHelp(message.command[1:], self._lookups))
            return
        from workbench.ui.qmp.command_help import CommandHelp  # imported on first use

        manual = self._lookups.manual if self._lookups is not None else None
        self.app.push_screen(CommandHelp(message.command, self._schema, manual, self._input.value))

    @on(QmpInput.Left)
    def _leave_input(self, message: QmpInput.Left) -> None:
        message.stop()
        self.pane.query_one(TrafficLog).focus()

    @on(OptionList.OptionSelected)
    def _choose(self, message: OptionList.OptionSelected) -> None:
        message.stop()
        self._input.choose(message.option_index)

    def on_descendant_focus(self) -> None:
        if self._input.has_focus:
            self._read_schema()

    def _complete(self, text: str, cursor: int) -> Sequence[Completion]:
        if self._schema is None:
            return ()
        return complete(self._schema, text, cursor, *([self._known] if self._known is not None else []))

    def _learned(self) -> None:
        self._input.forget_completions()

    def _read_schema(self) -> None:
        """Load the schema once, when the input gets the focus: the screen starts faster without it."""
        if self._load_schema is not None and not self._schema_asked:
            self._schema_asked = True
            self._await_schema(self._load_schema)

    @work(group="qmp-schema", exclusive=True)
    async def _await_schema(self, load: SchemaLoader) -> None:
        try:
            schema = await load()
        except WorkbenchError as error:
            self._schema_asked = False
            self.say(Note(time.time(), f"no completion: {error.message}", error.hint))
            return
        if self._load_schema is load:
            self._schema = schema
            self._input.forget_completions()

    @property
    def _input(self) -> QmpInput:
        return self.query_one(QmpInput)
