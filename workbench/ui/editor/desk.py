"""What the parts of the editor share: the text, and the user, whom they tell and ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from workbench.ui.common.dialogs import error_dialog
from workbench.ui.keys.order import opening

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from textual.notifications import SeverityLevel
    from textual.screen import Screen

    from workbench.errors import WorkbenchError
    from workbench.ui.editor.text_area import ProfileArea

Answer = TypeVar("Answer")


class Desk:
    """An editor's screen, as far as its parts use it."""

    def __init__(self, screen: Screen[None], area: ProfileArea) -> None:
        self._screen = screen
        self._area = area

    @property
    def text(self) -> str:
        """The text as edited."""
        return self._area.text

    def become(self, text: str) -> None:
        """Replace the text with one edit, which can be undone."""
        self._area.become(text)

    async def ask(self, question: Screen[Answer]) -> Answer | None:
        """The answer to a dialog; asked in a worker."""
        answer: Answer | None = await self._screen.app.push_screen_wait(question)
        return answer

    def show(self, dialog: Screen[Answer]) -> None:
        """Open a dialog without waiting for its end."""
        self._screen.app.push_screen(dialog)

    def report(self, error: WorkbenchError, title: str = "") -> None:
        """Show an error.

        :param title: what failed, where the error's own title says less.
        """
        self.show(error_dialog(error, title))

    def tell(self, words: str, *, seconds: float, title: str = "", severity: SeverityLevel = "information") -> None:
        """Show a text for so many seconds."""
        self._screen.notify(words, title=title, severity=severity, timeout=seconds, markup=False)

    def opening(self) -> AbstractContextManager[None]:
        """Make keys wait while a dialog is being built."""
        return opening(self._screen.app)
