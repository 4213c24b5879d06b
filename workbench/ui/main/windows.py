"""What opens over the main screen: messages, questions, dialogs and other screens."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from workbench.ui.common.dialogs import confirm, error_dialog

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel
    from textual.screen import Screen

    from workbench.domain.command_line.checked import ProfileText
    from workbench.engine.base import Engine, Profiles
    from workbench.errors import WorkbenchError
    from workbench.ui.balloon.panel import BalloonPanel
    from workbench.ui.main.desk import Choice

T = TypeVar("T")
BRIEF = 3.0
"""Seconds that the reason for a refused key is shown, and any message in the balloon panel's lower edge by default."""


class ScreenWindows:
    """The :class:`workbench.ui.main.desk.Windows` of a Textual screen."""

    def __init__(self, screen: Screen[None], panel: BalloonPanel) -> None:
        self._screen = screen
        self._panel = panel

    def tell(self, message: str, title: str, severity: SeverityLevel, seconds: float | None) -> None:
        """Show a toast, or the text in the balloon panel's lower edge where that panel fills a small terminal: a toast
        would cover what is staged. A text too long for the edge is a toast too.
        """
        small = self._screen.has_class("-narrow") or self._screen.has_class("-low")
        if small and self.shows_balloon():
            words = f"{title}: {message}" if title else message
            if self._panel.show_notice(words, seconds or BRIEF, calm=severity == "information"):
                return
        self._screen.notify(message, title=title, severity=severity, timeout=seconds, markup=False)

    def shows_balloon(self) -> bool:
        """Whether the user sees the balloon panel."""
        return self._screen.is_current and self._panel.is_on_screen

    def show_error(self, error: WorkbenchError) -> None:
        self._screen.app.push_screen(error_dialog(error))

    async def ask(self, title: str, body: str, *choices: Choice) -> str:
        return await self.result_of(confirm(title, body, *choices))

    async def result_of(self, dialog: Screen[T]) -> T:
        return await self._screen.app.push_screen_wait(dialog)

    def edit(self, profiles: Profiles, known: ProfileText) -> None:
        """Open the editor on a profile."""
        from workbench.ui.editor.screen import EditorScreen

        self._screen.app.push_screen(EditorScreen(profiles, known))

    def rebalance(self, engine: Engine) -> None:
        """Open the rebalance of all guests."""
        from workbench.ui.rebalance.screen import RebalanceScreen

        self._screen.app.push_screen(RebalanceScreen(engine))

    def help(self) -> None:
        """Open the list of all keys."""
        from workbench.ui.main.help import HelpScreen

        self._screen.app.push_screen(HelpScreen(self._screen))
