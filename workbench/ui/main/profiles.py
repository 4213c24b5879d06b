"""Profile actions of the main screen: edit, new, duplicate, rename, delete; asks before data is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.screen import Screen

from workbench.domain.text import enumerated
from workbench.errors import WorkbenchError
from workbench.ui.common.dialogs import confirm, error_dialog
from workbench.ui.guests.list import GuestList
from workbench.ui.keys.names import key_name
from workbench.ui.keys.order import opening

if TYPE_CHECKING:
    from workbench.domain.command_line.checked import ProfileText
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.base import Engine
    from workbench.ui.guests.list import Action

PROFILE_ACTIONS = ("edit", "new", "duplicate", "rename", "delete")
SAME = "Addresses, ports and disk images are the same in both: change those that cannot be shared."


class ProfileActions(Screen[None]):
    """The part of the main screen that handles profile files."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    async def _act_on_profile(self, action: Action, guest: GuestSnapshot | None) -> None:
        with opening(self.app):
            try:
                await self._carry_out(action, guest)
            except WorkbenchError as error:
                self._show_error(error)

    async def _carry_out(self, action: Action, guest: GuestSnapshot | None) -> None:
        if action == "new":
            await self._new_profile()
        elif guest is None:
            return
        elif action == "edit":
            self._open_editor(await self._engine.profiles.read(guest.name))
        elif action == "duplicate":
            await self._duplicate(guest.name)
        elif action == "rename":
            await self._rename(guest)
        else:
            await self._delete(guest)

    def _open_editor(self, known: ProfileText) -> None:
        from workbench.ui.editor.screen import EditorScreen

        self.app.push_screen(EditorScreen(self._engine.profiles, known))

    async def _ask_name(self, title: str, words: str, value: str = "", own: str = "") -> str | None:
        """
        :param own: the profile's current name.
        """
        from workbench.ui.common.value_dialog import ValueDialog

        def trouble(name: str) -> str:
            return "this is its current name" if name == own else self._engine.profiles.name_trouble(name)

        if self._engine.profiles.uses_samples:
            key = key_name("guests.new", "n")
            words += f" The samples are listed only until you have a profile of your own; {key} can copy them later."
        return await self.app.push_screen_wait(ValueDialog(title, Content(words), value=value, trouble=trouble))

    async def _new_profile(self) -> None:
        from workbench.ui.common.value_dialog import ValueDialog

        templates = self._engine.profiles.templates()
        words = Content("Start from an empty profile, or from one of the samples.")
        choice = await self.app.push_screen_wait(ValueDialog("New profile", words, choices=tuple(templates)))
        name = choice and await self._ask_name("New profile", "Name of the guest.")
        if choice and name:
            self._open_editor(await self._engine.profiles.create(name, templates[choice]))
            self.query_one(GuestList).expect(name)

    async def _duplicate(self, name: str) -> None:
        known = await self._engine.profiles.read(name)
        new = await self._ask_name(f"Duplicate {name}", f"Name of the copy. {SAME}", f"{name}-copy")
        if new:
            self._open_editor(await self._engine.profiles.create(new, known.text))
            self.query_one(GuestList).expect(new)

    async def _rename(self, guest: GuestSnapshot) -> None:
        self._refuse_alive(guest)
        words = "New name. The history and the logs of earlier runs stay under the old one."
        words += await self._extended_by(guest.name)
        new = await self._ask_name(f"Rename {guest.name}", words, guest.name, own=guest.name)
        if new:
            self._refuse_alive(self._engine.guest(guest.name).snapshot)  # it may have been started since
            known = await self._engine.profiles.rename(guest.name, new)
            self.query_one(GuestList).expect(new)
            self.notify(known.path, title="Renamed", timeout=4, markup=False)

    def _refuse_alive(self, guest: GuestSnapshot) -> None:
        """:raise WorkbenchError: the guest is running."""
        if guest.phase.alive:
            raise WorkbenchError(
                f"{guest.name} is running: a running guest cannot be renamed",
                hint=f"stop it first: {key_name('guests.stop', 'x')}",
            )

    async def _delete(self, guest: GuestSnapshot) -> None:
        runs = " The guest keeps running without it." if guest.phase.alive else ""
        answer = await self.app.push_screen_wait(
            confirm(
                f"Delete the profile {guest.name}?",
                "It is moved to the trash folder next to the profiles, and can be moved back. Its disk images are kept."
                f"{runs}{await self._extended_by(guest.name)}",
                ("delete", "Delete", "error"),
            )
        )
        if answer == "delete":
            path = await self._engine.profiles.trash(guest.name)
            self.notify(str(path), title="Moved to the trash", timeout=8, markup=False)

    async def _extended_by(self, name: str) -> str:
        """A warning that names the profiles that extend this one; empty when none does."""
        names = await self._engine.profiles.extended_by(name)
        if not names:
            return ""
        return f" {enumerated(names)} {'extends' if len(names) == 1 else 'extend'} it and will not start without it."

    def _show_error(self, error: WorkbenchError) -> None:
        self.app.push_screen(error_dialog(error))
