"""The editor: a profile as TOML text, with its form, problems and QEMU command line, updated while typing."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import TextArea

from workbench.domain.command_line.option_keys import path_before
from workbench.errors import WorkbenchError
from workbench.ui.common.first_size import size_screen
from workbench.ui.common.text import TextBlock
from workbench.ui.editor.command_pane import CommandPane
from workbench.ui.editor.comparing import compare
from workbench.ui.editor.desk import Desk
from workbench.ui.editor.disk_watch import DiskWatch
from workbench.ui.editor.draft import Draft
from workbench.ui.editor.form import FormList, ProfileForm
from workbench.ui.editor.form_edits import FormEdits
from workbench.ui.editor.problem_list import ProblemList
from workbench.ui.editor.saving import Saving
from workbench.ui.editor.text_area import ProfileArea
from workbench.ui.editor.text_check import TextCheck
from workbench.ui.keys.bar import KeyBar

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Resize
    from textual.timer import Timer

    from workbench.domain.command_line.checked import ProfileText
    from workbench.engine.base import Profiles

TYPING = 0.04
"""Seconds without a key before the text is checked: one check for a burst of keys."""
REST = 0.6
"""Seconds without a key before the text is checked against files and QEMU."""
POLL = 1.0
"""Seconds between two checks of the file on disk."""
WIDTHS = [(0, "-narrow"), (100, "-wide"), (170, "-vast")]


class EditorScreen(Screen[None]):
    """The editor of one profile. Only the save key writes the file."""

    CSS_PATH = "editor.tcss"
    AUTO_FOCUS = "#editor-text"
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = WIDTHS  # Textual declares it on the instance
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", id="editor.save", tooltip="Save the profile", priority=True),
        Binding("f2", "show('form')", "Form", id="editor.form", tooltip="Show or hide the form"),
        Binding("f3", "show('command')", "Command", id="editor.command", tooltip="Show or hide the QEMU command line"),
        Binding(
            "f4",
            "problems",
            "Problems",
            id="editor.problems",
            tooltip="Go to the list of problems, or back to the text",
        ),
        Binding(
            "f5",
            "compare",
            "Compare",
            id="editor.compare",
            tooltip="Compare with another profile, or with the running guest",
        ),
        Binding(
            "ctrl+z",
            "undo",
            "Undo",
            id="editor.undo",
            tooltip="Undo the last change, in the text or the form",
            show=False,
        ),
        Binding("ctrl+y", "redo", "Redo", id="editor.redo", tooltip="Redo the change that was undone", show=False),
        Binding("ctrl+g", "show_file", "File", id="editor.file", tooltip="Show the path of the profile", show=False),
        Binding(
            "escape",
            "leave",
            "Back",
            id="editor.leave",
            tooltip="Back to the text, or leave; asks if there are unsaved changes",
        ),
    ]

    def __init__(self, profiles: Profiles, known: ProfileText) -> None:
        super().__init__()
        size_screen(self)
        self._profiles = profiles
        self._area = ProfileArea(id="editor-text")
        self._form = ProfileForm(id="editor-form")
        self._command = CommandPane(id="editor-command")
        self._problems = ProblemList(id="editor-problems")
        self._desk = Desk(self, self._area)
        self._draft = Draft(known, self._show_head)
        self._checks = TextCheck(profiles, self._draft)
        self._saving = Saving(profiles, self._draft, self._desk, self._check)
        self._disk = DiskWatch(profiles, self._draft, self._desk, self._saving, self._checks, self._check)
        self._form_edits = FormEdits(profiles, self._draft, self._desk)
        self._typing: Timer | None = None
        self._rest: Timer | None = None

    def compose(self) -> ComposeResult:
        yield TextBlock(id="editor-head")
        with Horizontal(id="editor-panes"):
            self._area.border_title = Content(f"{self._draft.known.name}.toml")
            yield self._area
            yield self._form
            yield self._command
        yield self._problems
        yield KeyBar()

    def on_mount(self) -> None:
        self._area.load_text(self._draft.known.text)
        self._check()
        self.set_interval(POLL, self.poll_disk)

    @property
    def saving(self) -> bool:
        """Whether a save is running."""
        return self._saving.running

    @property
    def changed(self) -> bool:
        """Whether leaving would lose something."""
        return self._draft.differs(self._area.text)

    async def may_leave(self) -> bool:
        """Ask what to do with unsaved changes; return False to stay."""
        return await self._saving.may_leave()

    def on_resize(self, event: Resize) -> None:
        """Show two panes if they fit, otherwise the one with the focus."""
        narrow = event.size.width < WIDTHS[1][0]
        if narrow and self._area.has_focus:
            self._show_beside("text")
        elif not narrow and not (self.has_class("-command") or self.has_class("-form")):
            self._show_beside("command")

    # The text was changed, or the cursor moved.

    @on(TextArea.Changed)
    def _typed(self) -> None:
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(TYPING, self._check)

    @on(TextArea.SelectionChanged)
    def _moved(self) -> None:
        self._command.show_line(self._line)
        if self._area.has_focus and self._form.display:
            self._form_follows()

    def _form_follows(self) -> None:
        """Move the form's cursor to the key at the text's cursor."""
        checked = self._checks.latest
        if path := path_before(checked.parsed, checked.file, self._line):
            self._form.choose(path)

    @on(ProfileForm.RowHighlighted)
    def _text_follows(self, message: ProfileForm.RowHighlighted) -> None:
        """Move the cursor of the text, and with it the command line, to the form's row."""
        checked = self._checks.latest
        place = checked.parsed.places.get(message.path)
        if place is not None and place.file == checked.file:
            self._area.jump(place.line, place.column)

    @property
    def _line(self) -> int:
        """The line of the cursor, from 1."""
        return self._area.cursor_location[0] + 1

    def _check(self) -> None:
        """Check the text at once, and against files and QEMU after a pause in typing."""
        self._checks.check(self._area.text)
        self._show()
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(REST, self._ask_host)

    @work(group="host-check", exclusive=True)
    async def _ask_host(self) -> None:
        text = self._area.text
        try:
            found = await self._checks.ask_host(text)
        except WorkbenchError as error:
            self._desk.tell(error.message, title="Not checked with QEMU", severity="warning", seconds=4)
            return
        with suppress(NoMatches):  # the screen may be gone by now
            if text == self._area.text:
                self._checks.take_host(found)
                self._show()

    def _show(self) -> None:
        checked, problems = self._checks.latest, self._checks.problems
        self._command.show_checked(checked)
        self._form.show_checked(self._area.text, checked)
        self._problems.show_problems(problems)
        self._area.show_problems(problems, checked.file)
        self._show_head()

    def _show_head(self) -> None:
        words = head_words(self._draft, len(self._problems.problems), changed=self.changed)
        self.query_one("#editor-head", TextBlock).show(words)

    # What the user asks for.

    @on(ProblemList.Chosen)
    def _go(self, message: ProblemList.Chosen) -> None:
        problem = message.problem
        if problem.line and problem.file != self._checks.latest.file:
            self._desk.tell(f"The problem is in {problem.file}", severity="warning", seconds=4)
            return
        self.action_show("text")
        self._area.jump(problem.line, problem.column)

    def action_problems(self) -> None:
        problems = self._problems
        self.set_focus(problems if problems.display and not problems.has_focus else self._area)

    def action_show(self, name: str) -> None:
        """Show one pane beside the text, or instead of it where only one fits; a second call hides it."""
        again = self.has_class(f"-{name}") and self.size.width < WIDTHS[2][0]
        self._show_beside("text" if again else name)
        if again or name == "text":
            self.set_focus(self._area)
        elif name == "form":
            self._form_follows()
            self.set_focus(self.query_one(FormList))
        elif self.has_class("-narrow"):
            self.set_focus(self._command)

    def _show_beside(self, name: str) -> None:
        for other in ("command", "form"):
            self.set_class(other == name, f"-{other}")

    # Parts that take a while, each in a worker.

    @on(ProfileForm.EditRequested)
    def _asked(self, message: ProfileForm.EditRequested) -> None:
        if self._form_edits.begin():
            self._change(message)

    @work(group="form")
    async def _change(self, message: ProfileForm.EditRequested) -> None:
        await self._form_edits.carry_out(message.row, message.action)

    @work(group="compare", exclusive=True)
    async def action_compare(self) -> None:
        """Show what this text changes, compared with the running guest or another profile."""
        await compare(self._profiles, self._draft.known, self._desk)

    @work(group="save")
    async def action_save(self) -> None:
        await self._saving.save()

    def poll_disk(self) -> None:
        """Check the files, unless a question about them is open already, or they are being written."""
        if self.is_active and self._disk.may_look:
            self._look()

    @work(group="disk")
    async def _look(self) -> None:
        await self._disk.look()

    def action_undo(self) -> None:
        self._area.undo()

    def action_redo(self) -> None:
        self._area.redo()

    def action_show_file(self) -> None:
        self.notify(self._draft.known.path, title="Profile", markup=False)

    def action_leave(self) -> None:
        if not self._area.has_focus:
            if self.has_class("-narrow"):
                self.action_show("text")
            self.set_focus(self._area)
            return
        self._leave()

    @work(group="leave", exclusive=True)
    async def _leave(self) -> None:
        if await self.may_leave():
            self.dismiss()


def head_words(draft: Draft, problems: int, *, changed: bool) -> Content:
    """The line above the text: the guest, what is saved, and the number of problems."""
    state = ("unsaved", "$warning") if changed else ("saved", "$foreground-muted")
    if draft.known.sample:
        state = ("sample: saving creates your own copy", state[1])
    elsewhere = [(draft.elsewhere, "bold $error")] if draft.elsewhere else []
    count = (f"{problems} problem{'' if problems == 1 else 's'}", "$error") if problems else ("no problems", "$success")
    parts = [(draft.known.name, "bold"), state, *elsewhere, count]
    return Content(" \u00b7 ").join([Content.styled(*one) for one in parts])
