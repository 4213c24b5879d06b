"""Saves the edited text, and asks before changes are lost: those in the editor, or those of another program."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from workbench.domain.profile.problems import ProfileChanged
from workbench.errors import WorkbenchError
from workbench.ui.common.dialogs import Dialog, confirm
from workbench.ui.keys.names import key_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.command_line.checked import ProfileText
    from workbench.engine.base import Profiles
    from workbench.ui.editor.desk import Desk
    from workbench.ui.editor.draft import Draft

NOT_SAVED = "Not saved"


class Saving:
    """Keeps a draft and its file in step."""

    def __init__(self, profiles: Profiles, draft: Draft, desk: Desk, taken: Callable[[], None]) -> None:
        """:param taken: called when the file has the text of the editor."""
        self._profiles = profiles
        self._draft = draft
        self._desk = desk
        self._taken = taken
        self._lock = asyncio.Lock()
        """One save at a time: a second one would take the first one's write for another program's."""

    @property
    def running(self) -> bool:
        """Whether a save is running."""
        return self._lock.locked()

    async def save(self) -> bool:
        """Save, asking first if something could be lost; return whether it is saved now."""
        if not self._draft.needs_saving(self._desk.text):
            self._desk.tell("Nothing to save", seconds=2)
            return True
        try:
            return await self._write(anyway=False)
        except ProfileChanged as error:
            return await self.ask_about_disk(error.message)
        except WorkbenchError as error:
            self._desk.report(error, NOT_SAVED)
            return False

    async def may_leave(self) -> bool:
        """Ask what to do with unsaved changes; return False to stay."""
        draft = self._draft
        if not draft.differs(self._desk.text):
            return True
        answer = await self._desk.ask(
            confirm(
                f"Leave {draft.known.name} without saving?",
                draft.loss,
                ("save", "Save and leave", "primary"),
                ("discard", "Discard", "error"),
            )
        )
        return answer == "discard" or (answer == "save" and await self.save())

    async def ask_about_disk(self, words: str) -> bool:
        """The file has changed since it was loaded: ask which version to keep; return whether the two are the same now.

        :param words: what happened to it.
        """
        try:
            disk = await self._profiles.disk(self._draft.known)
        except WorkbenchError:
            disk = None
        answer = await self._desk.ask(conflict_question(self._draft.known.name, words, disk))
        try:
            if answer == "overwrite":
                return await self._write(anyway=True)
            if answer == "reload":
                self.reload(await self._profiles.disk(self._draft.known))
                return True
        except WorkbenchError as error:
            self._desk.report(error, NOT_SAVED if answer == "overwrite" else "")
        return False

    def reload(self, disk: ProfileText) -> None:
        """Replace the text with that of the file; undo brings it back."""
        if not disk.stamp:
            self._draft.note_gone()
            return
        self._desk.become(disk.text)
        self.take(disk)

    def take(self, known: ProfileText) -> None:
        """The file has this text now."""
        self._draft.take(known)
        self._taken()

    async def _write(self, *, anyway: bool) -> bool:
        """:raise WorkbenchError: when it cannot be written."""
        async with self._lock:
            sample = self._draft.known.sample
            known = await self._profiles.save(self._draft.known, self._desk.text, anyway=anyway)
            self.take(known)
        words = "Your own copy; the sample is unchanged" if sample else "Takes effect at the next start"
        self._desk.tell(f"{known.path}\n{words}", title="Saved", seconds=4)
        return True


def conflict_question(name: str, words: str, disk: ProfileText | None) -> Dialog:
    """Which version of a profile to keep.

    :param words: what happened to the file.
    :param disk: the text on disk; None if it cannot be read.
    """
    file = f"{name}.toml"
    if disk is None:
        over = f"{words}.\nOverwrite replaces it with your text. Cancel returns to the editor."
        return confirm(f"{file} has changed", over, ("overwrite", "Overwrite", "error"))
    if not disk.stamp:
        again = f"{words}.\nSave again creates it with your text. Cancel returns to the editor."
        return confirm(f"{file} is gone", again, ("overwrite", "Save again", "primary"))
    return confirm(
        f"{file} has changed",
        f"{words}.\nReload loads the file; {key_name('editor.undo', 'ctrl+z')} brings your text back. Overwrite "
        "replaces the file with your text. Cancel returns to the editor.",
        ("reload", "Reload", "primary"),
        ("overwrite", "Overwrite", "error"),
    )
