"""The profiles of guests: edit, new, duplicate, rename, delete; asks before data is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from workbench.domain.text import enumerated
from workbench.errors import WorkbenchError
from workbench.ui.keys.names import key_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.command_line.checked import ProfileText
    from workbench.domain.guest.snapshot import GuestSnapshot
    from workbench.engine.base import Profiles
    from workbench.ui.guests.list import Action
    from workbench.ui.main.desk import Desk

PROFILE_ACTIONS = ("edit", "new", "duplicate", "rename", "delete")
SAME = "Addresses, ports and disk images are the same in both: change those that cannot be shared."


class ProfileRequests:
    """Carries out what the list of guests asks for profiles."""

    def __init__(
        self, desk: Desk, edit: Callable[[Profiles, ProfileText], object], expect: Callable[[str], object]
    ) -> None:
        """
        :param edit: opens the editor on a profile.
        :param expect: highlights a guest as soon as it is in the list.
        """
        self._desk = desk
        self._edit = edit
        self._expect = expect

    @property
    def _profiles(self) -> Profiles:
        return self._desk.engine.profiles

    async def act(self, action: Action, name: str) -> None:
        """Carry out one of ``PROFILE_ACTIONS`` on a guest's profile, and show an error if that fails."""
        guest = next((one for one in self._desk.engine.guests() if one.name == name), None)
        await self._desk.attempt(lambda: self._carry_out(action, guest))

    async def _carry_out(self, action: Action, guest: GuestSnapshot | None) -> None:
        if action == "new":
            await self._new()
        elif guest is None:
            return
        elif action == "edit":
            self._edit(self._profiles, await self._profiles.read(guest.name))
        elif action == "duplicate":
            await self._duplicate(guest.name)
        elif action == "rename":
            await self._rename(guest)
        else:
            await self._delete(guest)

    async def _ask_name(self, title: str, words: str, value: str = "", own: str = "") -> str | None:
        """
        :param own: the profile's current name.
        """
        from workbench.ui.common.value_dialog import ValueDialog

        def trouble(name: str) -> str:
            return "this is its current name" if name == own else self._profiles.name_trouble(name)

        if self._profiles.uses_samples:
            key = key_name("guests.new", "n")
            words += f" The samples are listed only until you have a profile of your own; {key} can copy them later."
        return await self._desk.result_of(ValueDialog(title, Content(words), value=value, trouble=trouble))

    async def _new(self) -> None:
        from workbench.ui.common.value_dialog import ValueDialog

        templates = self._profiles.templates()
        words = Content("Start from an empty profile, or from one of the samples.")
        choice = await self._desk.result_of(ValueDialog("New profile", words, choices=tuple(templates)))
        name = choice and await self._ask_name("New profile", "Name of the guest.")
        if choice and name:
            await self._create(name, templates[choice])

    async def _duplicate(self, name: str) -> None:
        known = await self._profiles.read(name)
        new = await self._ask_name(f"Duplicate {name}", f"Name of the copy. {SAME}", f"{name}-copy")
        if new:
            await self._create(new, known.text)

    async def _create(self, name: str, text: str) -> None:
        self._edit(self._profiles, await self._profiles.create(name, text))
        self._expect(name)

    async def _rename(self, guest: GuestSnapshot) -> None:
        refuse_alive(guest)
        words = "New name. The history and the logs of earlier runs stay under the old one."
        words += await self._extended_by(guest.name)
        new = await self._ask_name(f"Rename {guest.name}", words, guest.name, own=guest.name)
        if new:
            refuse_alive(self._desk.guest(guest.name).snapshot)  # it may have been started since
            known = await self._profiles.rename(guest.name, new)
            self._expect(new)
            self._desk.tell(known.path, title="Renamed", seconds=4)

    async def _delete(self, guest: GuestSnapshot) -> None:
        runs = " The guest keeps running without it." if guest.phase.alive else ""
        answer = await self._desk.ask(
            f"Delete the profile {guest.name}?",
            "It is moved to the trash folder next to the profiles, and can be moved back. Its disk images are kept."
            f"{runs}{await self._extended_by(guest.name)}",
            ("delete", "Delete", "error"),
        )
        if answer == "delete":
            path = await self._profiles.trash(guest.name)
            self._desk.tell(str(path), title="Moved to the trash", seconds=8)

    async def _extended_by(self, name: str) -> str:
        """A warning that names the profiles that extend this one; empty when none does."""
        names = await self._profiles.extended_by(name)
        if not names:
            return ""
        return f" {enumerated(names)} {'extends' if len(names) == 1 else 'extend'} it and will not start without it."


def refuse_alive(guest: GuestSnapshot) -> None:
    """:raise WorkbenchError: the guest is running."""
    if guest.phase.alive:
        raise WorkbenchError(
            f"{guest.name} is running: a running guest cannot be renamed",
            hint=f"stop it first: {key_name('guests.stop', 'x')}",
        )
