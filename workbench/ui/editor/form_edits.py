"""The part of the editor that makes the form's changes in the text, one undo step each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work
from textual.content import Content
from textual.screen import Screen

from workbench.domain.profile.devices.part import key_text
from workbench.domain.profile.text.edit import add_table, remove, set_value
from workbench.domain.profile.text.form import ORDER, Row, literal
from workbench.domain.profile.text.layout import EditError
from workbench.errors import WorkbenchError
from workbench.ui.common.dialogs import error_dialog
from workbench.ui.common.value_dialog import ValueDialog
from workbench.ui.editor.form import ProfileForm
from workbench.ui.editor.text_area import ProfileArea
from workbench.ui.keys.order import opening

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.command_line.checked import ProfileText
    from workbench.engine.base import Profiles


RUNS = "the running guest"


class FormEdits(Screen[None]):
    """An editor that edits its text for the form."""

    def __init__(self, profiles: Profiles, known: ProfileText) -> None:
        super().__init__()
        self._profiles = profiles
        self._known = known
        self._asking = False
        """Whether the form's last request is being carried out."""

    @property
    def _area(self) -> ProfileArea:
        return self.query_one(ProfileArea)

    @work(group="compare", exclusive=True)
    async def action_compare(self) -> None:
        """Show what this text changes, compared with the running guest or another profile."""
        names = {name or RUNS: name for name in self._profiles.comparable(self._known.name)}
        if not names:
            self.notify(
                "Nothing to compare with: no other profile, and the guest is not running", timeout=3, markup=False
            )
            return
        words = Content(
            "Compare the text with another profile or the guest: what it adds (+), removes (\u2212) and changes (~)."
        )
        choice = await self.app.push_screen_wait(ValueDialog("Compare", words, choices=tuple(names)))
        if choice is None:
            return
        try:
            found = await self._profiles.compare(self._known, self._area.text, names[choice])
        except WorkbenchError as error:
            self.app.push_screen(error_dialog(error))
            return
        from workbench.ui.editor.compare_dialog import CompareDialog

        title = f"{choice} \u2192 {self._known.name} (as edited)"
        self.app.push_screen(CompareDialog(title, found, runs=not names[choice]))

    @on(ProfileForm.EditRequested)
    def _asked(self, message: ProfileForm.EditRequested) -> None:
        """Make one change at a time: a key that arrives while a dialog is opening would be lost to its answer."""
        if not self._asking:
            self._asking = True
            self._change(message)

    @work(group="form")
    async def _change(self, message: ProfileForm.EditRequested) -> None:
        try:
            with opening(self.app):
                await self._carry_out(message)
        finally:
            self._asking = False

    async def _carry_out(self, message: ProfileForm.EditRequested) -> None:
        row, path = message.row, message.row.path
        if message.action == "add":
            self._edit(lambda text: self._with_table(text, row))
        elif message.action == "remove":
            self._edit(lambda text: remove(text, path))
        elif message.action == "off":
            self._edit(lambda text: set_value(text, path, "false", order=ORDER))
        elif row.kind == "names":
            await self._ask_name(row)
        else:
            await self._ask_value(row)

    def _with_table(self, text: str, row: Row) -> str:
        if row.off:
            return set_value(text, row.path, "{}" if row.kind == "table" else "[{}]")
        if row.kind == "table":
            return add_table(text, row.path, order=ORDER)
        return add_table(text, (*row.path, int(row.value or 0)), order=ORDER)

    async def _ask_value(self, row: Row) -> None:
        def edited(typed: str) -> str:
            return set_value(self._area.text, row.path, literal(row, typed), order=ORDER)

        def trouble(typed: str) -> str:
            return self._trouble(lambda: edited(typed), key_text(row.path))

        default = f"default {row.default}\n" if row.default else ""
        words = Content.assemble(row.doc, "\n", (f"{default}{row.must}", "$foreground-muted"))
        begin = (row.plain or row.default) if row.choices else row.plain
        dialog = ValueDialog(
            key_text(row.path),
            words,
            value=begin.strip('"') if row.choices else begin,
            choices=row.choices,
            trouble=trouble,
        )
        answer = await self.app.push_screen_wait(dialog)
        if answer is not None:
            self._edit(lambda _text: edited(answer))

    async def _ask_name(self, row: Row) -> None:
        """Ask for a key with a name of the user's choice."""

        def edited(typed: str) -> str:
            name, equals, value = (part.strip() for part in typed.partition("="))
            if not (name and equals and value):
                raise EditError("expected NAME = VALUE")
            one = Row((*row.path, name), name, "value", "", "", text=not value.isdecimal())
            return set_value(self._area.text, one.path, literal(one, value.strip('"')), order=ORDER)

        words = Content.assemble(row.doc, "\n", (row.must, "$foreground-muted"))
        answer = await self.app.push_screen_wait(
            ValueDialog(
                key_text(row.path),
                words,
                trouble=lambda typed: self._trouble(lambda: edited(typed), key_text(row.path)),
            )
        )
        if answer is not None:
            self._edit(lambda _text: edited(answer))

    def _trouble(self, edited: Callable[[], str], key: str) -> str:
        """The problem at a key, or below it, that this text would have; empty if none."""
        try:
            checked = self._profiles.check(self._known, edited())
        except EditError as error:
            return str(error)
        return next((one.message for one in checked.problems if one.key.startswith(key) or not one.key), "")

    def _edit(self, change: Callable[[str], str]) -> None:
        try:
            self._area.become(change(self._area.text))
        except EditError as error:
            self.notify(str(error), severity="warning", timeout=5, markup=False)
