"""The part of the editor that saves, watches the file for other writers, and asks before changes are lost."""

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

GONE = "the file is gone"
NOT_SAVED = "Not saved"


class ProfileSaving(FormEdits):
    """An editor that keeps its text and its file in step."""

    def __init__(self, profiles: Profiles, known: ProfileText) -> None:
        super().__init__(profiles, known)
        self._asked_stamp: tuple[int, ...] = known.stamp
        """The state of the file that the user was last asked about, to ask only once."""
        self._elsewhere = ""
        """What happened to the file on disk since; empty if nothing."""
        self._gone = False
        """Whether the file does not exist any more."""
        self._only_here = False
        """Whether the file is gone or unreadable: then this is the only copy of the text."""
        self._save_lock = asyncio.Lock()
        """One save at a time: a second one would take the first one's write for another program's."""
        self._checking = asyncio.Lock()

    @property
    def saving(self) -> bool:
        """Whether a save is running."""
        return self._save_lock.locked()

    @property
    def changed(self) -> bool:
        """Whether leaving would lose something."""
        return self._area.text != self._known.text or self._only_here

    def _check(self) -> None:
        """Check the text after a change."""
        raise NotImplementedError

    def _show_head(self) -> None:
        """Update the line above the text."""
        raise NotImplementedError

    def action_save(self) -> None:
        self._save()

    @work(group="save")
    async def _save(self) -> None:
        await self._saved()

    async def _saved(self) -> bool:
        """Save, asking first if something could be lost; return whether it is saved now."""
        if not self.changed and not self._known.sample and not self._elsewhere:
            self.notify("Nothing to save", timeout=2, markup=False)
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
        async with self._save_lock:
            sample = self._known.sample
            known = await self._profiles.save(self._known, self._area.text, anyway=anyway)
            self._take(known)
        words = "Your own copy; the sample is unchanged" if sample else "Takes effect at the next start"
        self.notify(f"{known.path}\n{words}", title="Saved", timeout=4, markup=False)
        return True

    def _take(self, known: ProfileText) -> None:
        """The file has this text now."""
        self._known, self._asked_stamp = known, known.stamp
        self._show_elsewhere("")
        self._check()

    def _show_elsewhere(self, words: str, *, only_here: bool = False, gone: bool = False) -> None:
        """Show above the text what happened to the file."""
        if (words, only_here) != (self._elsewhere, self._only_here):
            self._elsewhere, self._only_here, self._gone = words, only_here, gone
            self._show_head()

    async def _ask_about_disk(self, words: str) -> bool:
        """The file has changed since it was loaded: ask which version to keep."""
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
        :param disk: the text on disk; None if it cannot be read.
        """
        file = f"{self._known.name}.toml"
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

    def _reload(self, disk: ProfileText) -> None:
        if not disk.stamp:
            self._show_elsewhere(GONE, only_here=True, gone=True)
            return
        self._area.become(disk.text)
        self._take(disk)

    def poll_disk(self) -> None:
        """Check the files, unless a question about them is open already, or they are being written."""
        if self.is_active and not self.saving and not self._checking.locked():
            self._check_disk()

    @work(group="disk")
    async def _check_disk(self) -> None:
        """Run one check at a time, and to its end, so that the answer to a question is carried out."""
        async with self._checking:
            await self._compare_disk()

    async def _compare_disk(self) -> None:
        """Check whether another program has written the file, or one that it extends."""
        await self._check_bases()
        known = self._known
        try:
            disk = await self._profiles.disk(known)
        except WorkbenchError as error:
            if not self._stale(known):
                self._show_elsewhere(error.message, only_here=True)
            return
        if self._stale(known):
            return
        if disk.stamp == known.stamp:
            self._show_elsewhere("")
        elif disk.stamp and disk.text == known.text:
            self._take(disk)  # touched, or rewritten with the same text
        elif disk.stamp == self._asked_stamp:
            return
        elif disk.stamp and not self.changed:
            self._reload(disk)
            self.notify("Changed on disk; reloaded", timeout=4, markup=False)
        else:
            self._asked_stamp = disk.stamp
            if not disk.stamp:
                self._show_elsewhere(GONE, only_here=True, gone=True)
                return
            self._show_elsewhere("changed on disk")
            await self._ask_about_disk(f"{known.path} was changed by another program")

    def _stale(self, known: ProfileText) -> bool:
        """Whether a check of this text is outdated: it was saved or reloaded since, or a save is running."""
        return self.saving or self._known is not known

    async def _check_bases(self) -> None:
        """Check the text again if a file that it extends has changed."""
        raise NotImplementedError

    @work(group="leave", exclusive=True)
    async def _leave(self) -> None:
        if await self.may_leave():
            self.dismiss()

    async def may_leave(self) -> bool:
        """Ask what to do with unsaved changes; return False to stay."""
        if not self.changed:
            return True
        words = "The text has unsaved changes."
        if self._only_here:
            why = GONE.capitalize() if self._gone else self._elsewhere
            words = f"{why}. This editor has the only copy of the text."
        answer = await self.app.push_screen_wait(
            confirm(
                f"Leave {self._known.name} without saving?",
                words,
                ("save", "Save and leave", "primary"),
                ("discard", "Discard", "error"),
            )
        )
        return answer == "discard" or (answer == "save" and await self._saved())
