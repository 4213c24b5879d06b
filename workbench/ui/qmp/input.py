"""The input line for commands: history on the arrow keys, a suggestion after the cursor, a list of candidates on tab."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.message import Message
from textual.suggester import Suggester, SuggestionReady
from textual.widget import Widget
from textual.widgets import Input

from workbench.domain.qmp.command_help import command_in
from workbench.domain.qmp.completion.candidates import Completion, matching
from workbench.domain.qmp.hmp import command_of
from workbench.ui.common.completion_list import CompletionList

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.binding import BindingType
    from textual.events import Key

    from workbench.engine.base import InputHistory

    Completer = Callable[[str, int], Sequence[Completion]]
    Taker = Callable[[str], bool]

LISTED = 200
"""Candidates in the list at most."""


class _Suggester(Suggester):
    """Returns the input's own suggestion."""

    def __init__(self, input_: QmpInput) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._input = input_

    async def get_suggestion(self, value: str) -> str | None:
        return self._input.suggestion if value == self._input.value else None


class QmpInput(Input):
    """A command line. Its text stays until it is sent."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "older", "Older", id="qmp.older", tooltip="Previous command", show=False),
        Binding("down", "newer", "Newer", id="qmp.newer", tooltip="Next command", show=False),
        Binding("tab", "complete", "Complete", id="qmp.complete", tooltip="Complete, or next candidate", show=False),
        Binding("shift+tab", "complete_back", "Back", id="qmp.complete-back", tooltip="Previous candidate", show=False),
        Binding(
            "ctrl+r",
            "search",
            "Search",
            id="qmp.history",
            tooltip="Search the command history",
            show=False,
        ),
        Binding("f1", "help", "Help", id="qmp.help", tooltip="Help for this command", show=False),
        Binding("escape", "leave", "Leave", id="qmp.leave", tooltip="Close the list, or go to the log", show=False),
    ]

    class Left(Message):
        """The user is done typing."""

    class HelpRequested(Message):
        """The user wants help for a command, ``!…`` for an HMP command; empty for the console itself."""

        def __init__(self, command: str) -> None:
            super().__init__()
            self.command = command

    class CompletionsChanged(Message):
        """The candidates have changed."""

        def __init__(self, completions: Sequence[Completion], *, searching: bool = False) -> None:
            super().__init__()
            self.completions = completions
            self.searching = searching
            """Whether they are lines from the history."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, QmpInput.CompletionsChanged)

    def __init__(self, history: InputHistory, completer: Completer, take: Taker, *, placeholder: str) -> None:
        """
        :param completer: returns the candidates at the cursor of a line.
        :param take: takes a line to send; False keeps it here for correction.
        """
        super().__init__(placeholder=placeholder, compact=True, select_on_focus=False)
        self.suggester = _Suggester(self)
        self._history = history
        self._completer = completer
        self._take = take
        self._completed: tuple[str, int, Sequence[Completion]] = ("", -1, ())
        self._list: CompletionList | None = None
        self._recalled: int | None = None
        """Index of the history line shown; None while the user's draft is shown."""
        self._draft = ""
        self._searching = False
        """Whether the text searches the history, and the list shows its matches."""
        self._unsearched = ""
        """The text before the search."""

    @property
    def completions(self) -> Sequence[Completion]:
        """The candidates at the cursor; in a history search, the lines that match."""
        text, cursor = self.value, self.cursor_position
        if self._searching:
            words = text.lower().split()
            lines = dict.fromkeys(reversed(self._history.lines))
            return [Completion(line, 0, line) for line in lines if all(word in line.lower() for word in words)][:LISTED]
        if self._completed[:2] != (text, cursor):
            self._completed = (text, cursor, self._completer(text, cursor) if text.strip() else ())
        return self._completed[2]

    def forget_completions(self) -> None:
        """Ask the completer again: it has new values."""
        self._completed = ("", -1, ())
        self._announce()
        # Textual asks for a suggestion only when the text changes; here it changes without that.
        if self.is_mounted:
            self.post_message(SuggestionReady(self.value, self.suggestion or ""))
        if self._list is not None and self.choosing:
            if self.completions:
                self._list.fill(self.completions[:LISTED])
            else:
                self._close_list()

    @property
    def suggestion(self) -> str | None:
        """The whole line with the best completion, if the cursor is at the end and the completion continues the line."""
        value = self.value
        if self.cursor_position == len(value):
            for completion in self.completions[:1]:
                whole = value[: completion.start] + completion.text
                if whole.startswith(value) and whole != value:
                    return whole
        return None

    @property
    def choosing(self) -> bool:
        """Whether the list of candidates is open."""
        return self._list is not None and self._list.display

    # What changes.

    def validate_value(self, value: str) -> str:
        """Replace control characters, which pasted text and the history may contain."""
        return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in value)

    def watch_value(self, _value: str) -> None:
        if not self._searching:
            self._close_list()
        elif self._list is not None:
            # Without matches the list is hidden, and shown again when a letter is deleted.
            self._list.display = bool(self.completions)
            if self.completions:
                self._list.fill(self.completions)
                self._place_list(self.completions)
        self._announce()

    def watch_selection(self) -> None:
        self._announce()

    def _announce(self) -> None:
        if self.is_mounted:
            self.post_message(self.CompletionsChanged(self.completions, searching=self._searching))

    def on_blur(self) -> None:
        self._close_list()

    # Keys.

    def action_older(self) -> None:
        if self.choosing:
            self._move(-1)
        elif self._recalled is None:
            self._draft = self.value
            self._recall(len(self._history.lines) - 1)
        else:
            self._recall(self._recalled - 1)

    def action_newer(self) -> None:
        if self.choosing:
            self._move(1)
        elif self._recalled is not None:
            self._recall(self._recalled + 1)

    def _recall(self, index: int) -> None:
        """Show a line of the history; after the newest comes the user's draft."""
        lines = self._history.lines
        self._searching = False
        if index >= len(lines):
            self._recalled, self.value = None, self._draft
        elif index >= 0:
            self._recalled, self.value = index, lines[index]
        self.cursor_position = len(self.value)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # In an empty line, tab goes to the next pane as it does elsewhere.
        if action == "complete":
            return bool(self.value.strip())
        return self.choosing if action == "complete_back" else True

    async def action_complete(self) -> None:
        """Insert the only candidate, or the common beginning of those that continue the word; otherwise list them."""
        completions = self.completions
        if self.choosing:
            self._move(1)
        elif completions:
            word = self.value[completions[0].start : self.cursor_position]
            begun = [one for one in completions if matching([one.text], word, anywhere=False)] or completions
            if len(begun) == 1:
                self._insert(begun[0])
            elif not self._insert_common(begun):
                await self._open_list(completions)

    async def action_search(self) -> None:
        """List earlier commands that contain every word of the text, newest first; again for the next match."""
        if self._searching:
            self._move(1)
            return
        if not self._history.lines:
            self.app.bell()
            return
        self._searching, self._unsearched = True, self.value
        await self._open_list(self.completions)
        self._announce()

    def action_help(self) -> None:
        """Ask for help on the typed command, or on the one suggested for its beginning."""
        line = self.value.strip()
        command = command_of(line[1:]) if line.startswith("!") else command_in(line)
        above, _, word = command.rpartition(" ")
        candidates = self.completions
        if self.choosing and self._list is not None:
            candidates = candidates[self._list.highlighted or 0 :]
        if word and candidates and candidates[0].label.startswith(word) and line.lstrip("! ") == command:
            command = f"{above} {candidates[0].label}".strip()
        self.post_message(self.HelpRequested(f"!{command}" if line.startswith("!") else command))

    async def _on_key(self, event: Key) -> None:
        """Treat ``?`` in an empty line, or right after a command or its beginning, as a request for help."""
        text = self.value[: self.cursor_position].strip()
        if event.character == "?" and self.value.strip() == text == command_in(text) and self._begins_a_command(text):
            event.stop()
            event.prevent_default()
            self.action_help()
            return
        await super()._on_key(event)

    def _begins_a_command(self, text: str) -> bool:
        """Whether there is help for this: for a command's beginning, or for the console if empty."""
        return not text or any(one.label.startswith(text) for one in self._completer(text, len(text)))

    def action_complete_back(self) -> None:
        self._move(-1)

    def action_leave(self) -> None:
        if self._searching:
            self._end_search(self._unsearched)
        elif self.choosing:
            self._close_list()
        else:
            self.post_message(self.Left())

    async def action_submit(self) -> None:
        if self._list is not None and self.choosing:
            self.choose(self._list.highlighted or 0)
        elif self._searching:
            self.app.bell()  # the text is a search without matches, not a command
        elif self._take(self.value):
            # At once rather than by a message: keys typed next belong to the next line.
            self.value, self._recalled = "", None

    def choose(self, index: int) -> None:
        """Insert a candidate from the list."""
        self._insert(self.completions[index])

    def _insert(self, completion: Completion) -> None:
        if self._searching:
            self._end_search(completion.text)
        else:
            self._put(completion.start, completion.text)

    def _end_search(self, line: str) -> None:
        """Close the search and continue with a line."""
        self._close_list()
        self.value = line
        self.cursor_position = len(line)
        self._announce()

    def _insert_common(self, completions: Sequence[Completion]) -> bool:
        """Insert the common beginning of all candidates; False if that adds nothing."""
        first, *rest = (completion.text for completion in completions)
        common = first
        for text in rest:
            while not text.startswith(common):
                common = common[:-1]
        start = completions[0].start
        if len(common) <= self.cursor_position - start:
            return False
        self._put(start, common)
        return True

    def _put(self, start: int, text: str) -> None:
        value, cursor = self.value, self.cursor_position
        if value[cursor : cursor + 1] == " ":
            text = text.rstrip(" ")
        self.value = value[:start] + text + value[cursor:]
        self.cursor_position = start + len(text)

    # The list.

    async def _open_list(self, completions: Sequence[Completion]) -> None:
        if self._list is None:
            # Created on first use: the screen starts faster without it.
            self._list = CompletionList()
            assert isinstance(self.parent, Widget)
            await self.parent.mount(self._list)
        self._list.display = bool(completions)
        if completions:
            self._list.fill(completions[:LISTED])
            self._place_list(completions)

    def _place_list(self, completions: Sequence[Completion]) -> None:
        assert self._list is not None
        word = self.region.x + completions[0].start - self.scroll_offset.x
        self._list.place(self.region, word - 1)

    def _close_list(self) -> None:
        self._searching = False
        if self._list is not None:
            self._list.display = False

    def _move(self, by: int) -> None:
        if self._list is not None:
            self._list.move(by)

    def on_unmount(self) -> None:
        self._list = None
