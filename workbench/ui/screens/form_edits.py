"""What the form asks for, carried out in the text: one edit each, which ctrl+z takes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work
from textual.content import Content
from textual.screen import Screen

from workbench.domain.decode import key_text
from workbench.domain.form import ORDER, Row, literal
from workbench.domain.toml_change import add_table, remove, set_value
from workbench.domain.toml_layout import EditError
from workbench.ui.value_dialog import ValueDialog
from workbench.ui.widgets.profile_area import ProfileArea
from workbench.ui.widgets.profile_form import ProfileForm

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.editing import ProfileText
    from workbench.engine.base import Profiles


class FormEdits(Screen[None]):
    """The part of the editor that knows the form."""

    def __init__(self, profiles: Profiles, known: ProfileText) -> None:
        super().__init__()
        self._profiles = profiles
        self._known = known

    @property
    def _area(self) -> ProfileArea:
        return self.query_one(ProfileArea)

    @on(ProfileForm.Asked)
    @work(group="form", exclusive=True)
    async def _change(self, message: ProfileForm.Asked) -> None:
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
        """A key of the user's own."""

        def edited(typed: str) -> str:
            name, equals, value = (part.strip() for part in typed.partition("="))
            if not (name and equals and value):
                raise EditError("write NAME = VALUE")
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
        """What would be wrong at a key, or below it, with this text."""
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
