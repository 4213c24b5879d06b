"""The editor's text and its file: saving, what something else writes meanwhile, leaving. What would be lost is asked about."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work

from workbench.domain.profile.problems import ProfileChanged
from workbench.errors import WorkbenchError
from workbench.ui.common.dialogs import Dialog, confirm, error_dialog
from workbench.ui.editor.form_edits import FormEdits
from workbench.ui.keys.names import key_name

if TYPE_CHECKING:
    from workbench.domain.command_line.checked import ProfileText
    from workbench.engine.base import Profiles

GONE = "its file is gone"
NOT_SAVED = "Not saved"


class ProfileSaving(FormEdits):
    """The part of the editor that knows the file."""

    def __init__(self, profiles: Profiles, known: ProfileText) -> None:
        super().__init__(profiles, known)
        self._told_stamp: tuple[int, ...] = known.stamp
        """The file's state that the user was asked about last: once is enough."""
        self._elsewhere = ""
        """What happened to the file on the disk since; empty when nothing did."""
        self._gone = False
        """Whether it is no longer there."""
        self._only_here = False
        """Whether the file is gone, or cannot be read: then the text stands nowhere else."""
        self._saving = asyncio.Lock()
        """One save at a time: a second one would take what the first wrote for somebody else's."""
        self._looking = asyncio.Lock()

    @property
    def changed(self) -> bool:
        """Whether something would be lost by leaving."""
        return self._area.text != self._known.text or self._only_here

    def _check(self) -> None:
        """The text is another one."""
        raise NotImplementedError

    def _show_head(self) -> None:
        """What stands above the text is another one."""
        raise NotImplementedError

    def action_save(self) -> None:
        self._save()

    @work(group="save")
    async def _save(self) -> None:
        await self._saved()

    async def _saved(self) -> bool:
        """Save, asking where something could be lost; whether it is saved now."""
        if not self.changed and not self._known.sample and not self._elsewhere:
            self.notify("nothing to save", timeout=2, markup=False)
            return True
        try:
            return await self._write(anyway=False)
        except ProfileChanged as error:
            return await self._ask_about_disk(error.message)
        except WorkbenchError as error:
            self.app.push_screen(error_dialog(error, NOT_SAVED))
            return False

    async def _write(self, *, anyway: bool) -> bool:
        """:raise WorkbenchError: when it cannot be written."""
        async with self._saving:
            sample = self._known.sample
            known = await self._profiles.save(self._known, self._area.text, anyway=anyway)
            self._take(known)
        words = "your own copy; the sample stays as it is" if sample else "it takes effect at the next start"
        self.notify(f"{known.path}\n{words}", title="Saved", timeout=4, markup=False)
        return True

    def _take(self, known: ProfileText) -> None:
        """The file has this text now, and so it is known."""
        self._known, self._told_stamp = known, known.stamp
        self._say_elsewhere("")
        self._check()

    def _say_elsewhere(self, words: str, *, only_here: bool = False, gone: bool = False) -> None:
        """Tell above the text what happened to the file."""
        if (words, only_here) != (self._elsewhere, self._only_here):
            self._elsewhere, self._only_here, self._gone = words, only_here, gone
            self._show_head()

    async def _ask_about_disk(self, words: str) -> bool:
        """The file is another one than the text began with: whose is to stand?"""
        try:
            disk = await self._profiles.disk(self._known)
        except WorkbenchError:
            disk = None
        answer = await self.app.push_screen_wait(self._question(words, disk))
        try:
            if answer == "overwrite":
                return await self._write(anyway=True)
            if answer == "reload":
                self._reload(await self._profiles.disk(self._known))
                return True
        except WorkbenchError as error:
            self.app.push_screen(error_dialog(error, NOT_SAVED if answer == "overwrite" else ""))
        return False

    def _question(self, words: str, disk: ProfileText | None) -> Dialog:
        """
        :param disk: what stands there; None for what cannot be read.
        """
        file = f"{self._known.name}.toml"
        if disk is None:
            over = f"{words}.\nOverwrite puts your text in its place. Cancel goes on editing."
            return confirm(f"{file} has changed", over, ("overwrite", "Overwrite", "error"))
        if not disk.stamp:
            anew = f"{words}.\nSave anew writes your text there. Cancel goes on editing."
            return confirm(f"{file} is gone", anew, ("overwrite", "Save anew", "primary"))
        return confirm(
            f"{file} has changed",
            f"{words}.\nReload takes the text from the disk; {key_name('editor.undo', 'ctrl+z')} brings yours back. Overwrite "
            "keeps yours, and the other one is lost. Cancel goes on editing.",
            ("reload", "Reload", "primary"),
            ("overwrite", "Overwrite", "error"),
        )

    def _reload(self, disk: ProfileText) -> None:
        if not disk.stamp:
            self._say_elsewhere(GONE, only_here=True, gone=True)
            return
        self._area.become(disk.text)
        self._take(disk)

    def _look(self) -> None:
        """Look at the files, unless a question about them stands there already, or they are being written."""
        if self.is_active and not self._saving.locked() and not self._looking.locked():
            self._look_at_disk()

    @work(group="disk")
    async def _look_at_disk(self) -> None:
        """One look at a time, to its end: what was answered to a question is carried out."""
        async with self._looking:
            await self._see_disk()

    async def _see_disk(self) -> None:
        """Has something else written the file, or one that it extends?"""
        await self._look_at_bases()
        known = self._known
        try:
            disk = await self._profiles.disk(known)
        except WorkbenchError as error:
            if not self._stale(known):
                self._say_elsewhere(error.message, only_here=True)
            return
        if self._stale(known):
            return
        if disk.stamp == known.stamp:
            self._say_elsewhere("")
        elif disk.stamp and disk.text == known.text:
            self._take(disk)  # touched, or written as it was
        elif disk.stamp == self._told_stamp:
            return
        elif disk.stamp and not self.changed:
            self._reload(disk)
            self.notify("it was changed on the disk, and read again", timeout=4, markup=False)
        else:
            self._told_stamp = disk.stamp
            if not disk.stamp:
                self._say_elsewhere(GONE, only_here=True, gone=True)
                return
            self._say_elsewhere("changed on the disk")
            await self._ask_about_disk(f"{known.path} was changed by something else while you edit it")

    def _stale(self, known: ProfileText) -> bool:
        """Whether what was seen beside this text is overtaken: it was saved or read again meanwhile, or is about to be."""
        return self._saving.locked() or self._known is not known

    async def _look_at_bases(self) -> None:
        """Where a file that the text extends is another one, the text says another thing."""
        raise NotImplementedError

    @work(group="leave", exclusive=True)
    async def _leave(self) -> None:
        if await self.may_leave():
            self.dismiss()

    async def may_leave(self) -> bool:
        """Ask what becomes of what is not saved; false for staying."""
        if not self.changed:
            return True
        words = "The text has changes that are not saved."
        if self._only_here:
            why = GONE.capitalize() if self._gone else self._elsewhere
            words = f"{why}. The text stands nowhere else."
        answer = await self.app.push_screen_wait(
            confirm(
                f"Leave {self._known.name} unsaved?",
                words,
                ("save", "Save and leave", "primary"),
                ("discard", "Discard it" if self._only_here else "Discard them", "error"),
            )
        )
        return answer == "discard" or (answer == "save" and await self._saved())
