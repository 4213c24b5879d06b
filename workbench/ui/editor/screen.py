"""The editor: a profile as TOML text, with its form, problems and QEMU command line, updated while typing."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.css.query import NoMatches
from textual.widgets import TextArea

from workbench.domain.command_line.checked import Checked
from workbench.domain.command_line.option_keys import path_before
from workbench.errors import WorkbenchError
from workbench.ui.common.first_size import size_screen
from workbench.ui.common.text import TextBlock
from workbench.ui.editor.command_pane import CommandPane
from workbench.ui.editor.form import FormList, ProfileForm
from workbench.ui.editor.problem_list import ProblemList
from workbench.ui.editor.saving import ProfileSaving
from workbench.ui.editor.text_area import ProfileArea
from workbench.ui.keys.bar import KeyBar

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Resize
    from textual.timer import Timer

    from workbench.domain.command_line.checked import ProfileText
    from workbench.domain.profile.problems import Problem
    from workbench.engine.base import Profiles

TYPING = 0.04
"""Seconds without a key before the text is checked: one check for a burst of keys."""
REST = 0.6
"""Seconds without a key before the text is checked against files and QEMU."""
POLL = 1.0
"""Seconds between two checks of the file on disk."""
WIDTHS = [(0, "-narrow"), (100, "-wide"), (170, "-vast")]


class EditorScreen(ProfileSaving):
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
        super().__init__(profiles, known)
        size_screen(self)
        self._checked = Checked(known.name)
        self._host_problems: tuple[Problem, ...] = ()
        """Problems found by the last check against files and QEMU."""
        self._typing: Timer | None = None
        self._rest: Timer | None = None

    def compose(self) -> ComposeResult:
        yield TextBlock(id="editor-head")
        with Horizontal(id="editor-panes"):
            area = ProfileArea(id="editor-text")
            area.border_title = Content(f"{self._known.name}.toml")
            yield area
            yield ProfileForm(id="editor-form")
            yield CommandPane(id="editor-command")
        yield ProblemList(id="editor-problems")
        yield KeyBar()

    def on_mount(self) -> None:
        self._area.load_text(self._known.text)
        self._check()
        self.set_interval(POLL, self.poll_disk)

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
        line = self._area.cursor_location[0] + 1
        self.query_one(CommandPane).show_line(line)
        if self._area.has_focus and self.query_one(ProfileForm).display:
            self._form_follows()

    def _form_follows(self) -> None:
        """Move the form's cursor to the key at the text's cursor."""
        form = self.query_one(ProfileForm)
        line = self._area.cursor_location[0] + 1
        if path := path_before(self._checked.parsed, self._checked.file, line):
            form.choose(path)

    @on(ProfileForm.RowHighlighted)
    def _text_follows(self, message: ProfileForm.RowHighlighted) -> None:
        """Move the cursor of the text, and with it the command line, to the form's row."""
        place = self._checked.parsed.places.get(message.path)
        if place is not None and place.file == self._checked.file:
            self._area.jump(place.line, place.column)

    def _check(self) -> None:
        """Check the text at once, and against files and QEMU after a pause in typing."""
        checked = self._profiles.check(self._known, self._area.text)
        if checked.problems or checked.parsed.profile != self._checked.parsed.profile:
            self._host_problems = ()
        self._checked = checked
        self._show()
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(REST, self._ask_host)

    async def _check_bases(self) -> None:
        checked = self._checked
        if await self._profiles.bases_changed(checked) and checked is self._checked:
            self._check()

    @work(group="host-check", exclusive=True)
    async def _ask_host(self) -> None:
        text = self._area.text
        try:
            found = await self._profiles.check_host(self._known, text)
        except WorkbenchError as error:
            self.notify(error.message, title="Not checked with QEMU", severity="warning", timeout=4, markup=False)
            return
        with suppress(NoMatches):  # the screen may be gone by now
            if text == self._area.text:
                self._host_problems = found
                self._show()

    def _show(self) -> None:
        checked = self._checked
        problems = (*checked.problems, *self._host_problems)
        self.query_one(CommandPane).show_checked(checked)
        self.query_one(ProfileForm).show_checked(self._area.text, checked)
        self.query_one(ProblemList).show_problems(problems)
        self._area.show_problems(problems, checked.file)
        self._show_head()

    def _show_head(self) -> None:
        count = len(self.query_one(ProblemList).problems)
        parts: list[tuple[str, str]] = [(self._known.name, "bold")]
        parts.append(("unsaved", "$warning") if self.changed else ("saved", "$foreground-muted"))
        if self._known.sample:
            parts[-1] = ("sample: saving creates your own copy", "$warning" if self.changed else "$foreground-muted")
        if self._elsewhere:
            parts.append((self._elsewhere, "bold $error"))
        parts.append(
            (f"{count} problem{'' if count == 1 else 's'}", "$error") if count else ("no problems", "$success")
        )
        self.query_one("#editor-head", TextBlock).show(
            Content(" \u00b7 ").join([Content.styled(*one) for one in parts])
        )

    # What the user asks for.

    @on(ProblemList.Chosen)
    def _go(self, message: ProblemList.Chosen) -> None:
        problem = message.problem
        if problem.line and problem.file != self._checked.file:
            self.notify(f"The problem is in {problem.file}", severity="warning", timeout=4, markup=False)
            return
        self.action_show("text")
        self._area.jump(problem.line, problem.column)

    def action_problems(self) -> None:
        problems = self.query_one(ProblemList)
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
            self.set_focus(self.query_one(CommandPane))

    def _show_beside(self, name: str) -> None:
        for other in ("command", "form"):
            self.set_class(other == name, f"-{other}")

    def action_undo(self) -> None:
        self._area.undo()

    def action_redo(self) -> None:
        self._area.redo()

    def action_show_file(self) -> None:
        self.notify(self._known.path, title="Profile", markup=False)

    def action_leave(self) -> None:
        if not self._area.has_focus:
            if self.has_class("-narrow"):
                self.action_show("text")
            self.set_focus(self._area)
            return
        self._leave()
