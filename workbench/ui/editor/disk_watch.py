"""Watches the edited file, and those that it extends, for other writers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.ui.editor.draft import Disk

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.domain.command_line.checked import ProfileText
    from workbench.engine.base import Profiles
    from workbench.ui.editor.desk import Desk
    from workbench.ui.editor.draft import Draft
    from workbench.ui.editor.saving import Saving
    from workbench.ui.editor.text_check import TextCheck


class DiskWatch:
    """Reloads a file that has changed, or asks if the editor has changes of its own."""

    def __init__(
        self,
        profiles: Profiles,
        draft: Draft,
        desk: Desk,
        saving: Saving,
        check: TextCheck,
        outdated: Callable[[], None],
    ) -> None:
        """:param outdated: called when a file that the text extends has changed."""
        self._profiles = profiles
        self._draft = draft
        self._desk = desk
        self._saving = saving
        self._check = check
        self._outdated = outdated
        self._lock = asyncio.Lock()

    @property
    def may_look(self) -> bool:
        """Whether the file is neither being written, nor compared or asked about already."""
        return not self._saving.running and not self._lock.locked()

    async def look(self) -> None:
        """Compare the files with what is known, one comparison at a time; ends once a question about them is answered."""
        async with self._lock:
            if await self._check.is_outdated():
                self._outdated()
            await self._compare()

    async def _compare(self) -> None:
        draft, known = self._draft, self._draft.known
        try:
            disk = await self._profiles.disk(known)
        except WorkbenchError as error:
            if not self._stale(known):
                draft.note_unreadable(error.message)
            return
        if self._stale(known):
            return
        match draft.judge(disk, self._desk.text):
            case Disk.SAME:
                draft.note_same()
            case Disk.SAME_TEXT:
                self._saving.take(disk)
            case Disk.NEWER:
                self._saving.reload(disk)
                self._desk.tell("Changed on disk; reloaded", seconds=4)
            case Disk.GONE:
                draft.note_gone()
            case Disk.CONFLICT:
                draft.note_conflict(disk)
                await self._saving.ask_about_disk(f"{known.path} was changed by another program")
            case Disk.SEEN:
                pass

    def _stale(self, known: ProfileText) -> bool:
        """Whether a check of this text is outdated: it was saved or reloaded since, or a save is running."""
        return self._saving.running or self._draft.known is not known
