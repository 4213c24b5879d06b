"""What is wrong with the text of a profile: by itself, and with this host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.command_line.checked import Checked

if TYPE_CHECKING:
    from workbench.domain.profile.problems import Problem
    from workbench.engine.base import Profiles
    from workbench.ui.editor.draft import Draft


class TextCheck:
    """Keeps the results of the last checks."""

    def __init__(self, profiles: Profiles, draft: Draft) -> None:
        self.latest = Checked(draft.known.name)
        self._profiles = profiles
        self._draft = draft
        self._host: tuple[Problem, ...] = ()
        """Problems found by the last check against files and QEMU."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (*self.latest.problems, *self._host)

    def check(self, text: str) -> None:
        """Check a text by itself. What the host had to say holds until the profile is another one."""
        checked = self._profiles.check(self._draft.known, text)
        if checked.problems or checked.parsed.profile != self.latest.parsed.profile:
            self._host = ()
        self.latest = checked

    async def ask_host(self, text: str) -> tuple[Problem, ...]:
        """Problems of a text with files and QEMU.

        :raise WorkbenchError: if they cannot be checked.
        """
        return await self._profiles.check_host(self._draft.known, text)

    def take_host(self, found: tuple[Problem, ...]) -> None:
        """Note what the host has to say about the text checked last."""
        self._host = found

    async def is_outdated(self) -> bool:
        """Whether a file that the text extends has changed since the last check."""
        checked = self.latest
        return await self._profiles.bases_changed(checked) and checked is self.latest
