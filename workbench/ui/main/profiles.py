"""What the user asks of a profile as a file: edit, new, duplicate, rename, delete; with the questions that come before a loss."""

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
SAME = "Addresses, ports and disk images are the same in both: change what they cannot share."


class ProfileActions(Screen[None]):
    """The part of the screen that carries them out."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    async def _act_on_profile(self, action: Action, guest: GuestSnapshot | None) -> None:
        with opening(self.app):
            try:
                await self._carry_out(action, guest)
            except WorkbenchError as error:
                self._tell(error)

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
        :param own: the name that the profile has now.
        """
        from workbench.ui.common.value_dialog import ValueDialog

        def trouble(name: str) -> str:
            return "it has that name already" if name == own else self._engine.profiles.name_trouble(name)

        if self._engine.profiles.samples_stand_in:
            key = key_name("guests.new", "n")
            words += f" The samples stand in for your own profiles until there is one; {key} makes one from each of them later."
        return await self.app.push_screen_wait(ValueDialog(title, Content(words), value=value, trouble=trouble))

    async def _new_profile(self) -> None:
        from workbench.ui.common.value_dialog import ValueDialog

        templates = self._engine.profiles.templates()
        words = Content("What it begins with: nothing but its RAM, or one of the samples.")
        choice = await self.app.push_screen_wait(ValueDialog("New profile", words, choices=tuple(templates)))
        name = choice and await self._ask_name("New profile", "The guest's name.")
        if choice and name:
            self._open_editor(await self._engine.profiles.create(name, templates[choice]))
            self.query_one(GuestList).expect(name)

    async def _duplicate(self, name: str) -> None:
        known = await self._engine.profiles.read(name)
        new = await self._ask_name(f"Duplicate {name}", f"The name of the copy. {SAME}", f"{name}-copy")
        if new:
            self._open_editor(await self._engine.profiles.create(new, known.text))
            self.query_one(GuestList).expect(new)

    async def _rename(self, guest: GuestSnapshot) -> None:
        self._refuse_alive(guest)
        words = "Its new name. The history and the logs of its runs stay under the old one."
        words += await self._who_extends(guest.name)
        new = await self._ask_name(f"Rename {guest.name}", words, guest.name, own=guest.name)
        if new:
            self._refuse_alive(self._engine.guest(guest.name).snapshot)  # it may have been started meanwhile
            known = await self._engine.profiles.rename(guest.name, new)
            self.query_one(GuestList).expect(new)
            self.notify(known.path, title="Renamed", timeout=4, markup=False)

    def _refuse_alive(self, guest: GuestSnapshot) -> None:
        """:raise WorkbenchError: when the guest runs."""
        if guest.phase.alive:
            raise WorkbenchError(
                f"{guest.name} runs, and a guest that runs keeps its name",
                hint=f"stop it first: {key_name('guests.stop', 'x')}",
            )

    async def _delete(self, guest: GuestSnapshot) -> None:
        runs = " The guest runs on without it." if guest.phase.alive else ""
        answer = await self.app.push_screen_wait(
            confirm(
                f"Delete the profile {guest.name}?",
                f"It goes to the trash beside the profiles, from where you can move it back. Its disk images stay.{runs}"
                f"{await self._who_extends(guest.name)}",
                ("delete", "Delete", "error"),
            )
        )
        if answer == "delete":
            path = await self._engine.profiles.trash(guest.name)
            self.notify(str(path), title="In the trash", timeout=8, markup=False)

    async def _who_extends(self, name: str) -> str:
        """What other profiles lose when this one is gone from its place; nothing where none does."""
        names = await self._engine.profiles.extended_by(name)
        if not names:
            return ""
        return f" {enumerated(names)} {'extends' if len(names) == 1 else 'extend'} it, and will not start without it."

    def _tell(self, error: WorkbenchError) -> None:
        self.app.push_screen(error_dialog(error))
