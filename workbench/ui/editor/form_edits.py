"""Makes the form's changes in the text, one undo step each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from workbench.domain.profile.devices.part import key_text
from workbench.domain.profile.text.edit import add_table, remove, set_value
from workbench.domain.profile.text.form import ORDER, Row, literal
from workbench.domain.profile.text.layout import EditError
from workbench.ui.common.value_dialog import ValueDialog

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.engine.base import Profiles
    from workbench.ui.editor.desk import Desk
    from workbench.ui.editor.draft import Draft
    from workbench.ui.editor.form import Action


class FormEdits:
    """Asks for the value of a row where one is needed, and edits the text."""

    def __init__(self, profiles: Profiles, draft: Draft, desk: Desk) -> None:
        self._profiles = profiles
        self._draft = draft
        self._desk = desk
        self._under_way = False

    def begin(self) -> bool:
        """Whether a change may be carried out now: a key that arrives while a dialog is opening would be lost to its answer."""
        began, self._under_way = not self._under_way, True
        return began

    async def carry_out(self, row: Row, action: Action) -> None:
        """Make the change that was begun."""
        try:
            with self._desk.opening():
                await self._carry_out(row, action)
        finally:
            self._under_way = False

    async def _carry_out(self, row: Row, action: Action) -> None:
        if action == "add":
            self._edit(lambda text: with_table(text, row))
        elif action == "remove":
            self._edit(lambda text: remove(text, row.path))
        elif action == "off":
            self._edit(lambda text: set_value(text, row.path, "false", order=ORDER))
        elif row.kind == "names":
            words = Content.assemble(row.doc, "\n", (row.must, "$foreground-muted"))
            await self._ask(row, words, with_named_value)
        else:
            await self._ask_value(row)

    async def _ask_value(self, row: Row) -> None:
        default = f"default {row.default}\n" if row.default else ""
        words = Content.assemble(row.doc, "\n", (f"{default}{row.must}", "$foreground-muted"))
        begin = (row.plain or row.default).strip('"') if row.choices else row.plain
        await self._ask(row, words, with_value, begin)

    async def _ask(self, row: Row, words: Content, change: Callable[[str, Row, str], str], begin: str = "") -> None:
        """Ask what to write for a row, and write it.

        :param change: makes a text, a row and what was typed into the new text.
        """

        def trouble(typed: str) -> str:
            return self._trouble(lambda: change(self._desk.text, row, typed), key_text(row.path))

        dialog = ValueDialog(key_text(row.path), words, value=begin, choices=row.choices, trouble=trouble)
        answer = await self._desk.ask(dialog)
        if answer is not None:
            self._edit(lambda text: change(text, row, answer))

    def _trouble(self, edited: Callable[[], str], key: str) -> str:
        """The problem at a key, or below it, that this text would have; empty if none."""
        try:
            checked = self._profiles.check(self._draft.known, edited())
        except EditError as error:
            return str(error)
        return next((one.message for one in checked.problems if one.key.startswith(key) or not one.key), "")

    def _edit(self, change: Callable[[str], str]) -> None:
        try:
            self._desk.become(change(self._desk.text))
        except EditError as error:
            self._desk.tell(str(error), severity="warning", seconds=5)


def with_table(text: str, row: Row) -> str:
    """The text with one more table, or with one that was disabled."""
    if row.off:
        return set_value(text, row.path, "{}" if row.kind == "table" else "[{}]")
    if row.kind == "table":
        return add_table(text, row.path, order=ORDER)
    return add_table(text, (*row.path, int(row.value or 0)), order=ORDER)


def with_value(text: str, row: Row, typed: str) -> str:
    """The text with a typed value for a row."""
    return set_value(text, row.path, literal(row, typed), order=ORDER)


def with_named_value(text: str, row: Row, typed: str) -> str:
    """The text with one more key in a table whose keys the user names, typed as NAME = VALUE.

    :raise EditError: if it is not that.
    """
    name, equals, value = (part.strip() for part in typed.partition("="))
    if not (name and equals and value):
        raise EditError("expected NAME = VALUE")
    one = Row((*row.path, name), name, "value", "", "", text=not value.isdecimal())
    return with_value(text, one, value.strip('"'))
