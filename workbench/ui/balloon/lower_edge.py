"""The panel's lower edge: hints, or a notice for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from workbench.domain.units import format_size
from workbench.ui.balloon import text as balloon_text
from workbench.ui.balloon.keys import LARGE_STEP, SMALL_STEP
from workbench.ui.keys.names import key_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.timer import Timer
    from textual.widget import Widget

    from workbench.ui.balloon.views import ViewChoice

CORNERS = 6
"""Columns of the edge that no text can use."""


class LowerEdge:
    """Writes the border subtitle of a panel."""

    def __init__(self, panel: Widget, hints: Callable[[], str]) -> None:
        self._panel = panel
        self._hints = hints
        self._notice: Timer | None = None
        """Runs while a notice is shown."""

    def show_hints(self) -> None:
        """Show the hints that apply now, even in place of a notice."""
        self._panel.border_subtitle = Content(self._hints())

    def refresh(self) -> None:
        """Show the hints that apply now, unless there is a notice."""
        if self._notice is None:
            self.show_hints()

    def show_notice(self, words: str, seconds: float, *, calm: bool) -> bool:
        """Show a text for a while; False if it does not fit.

        :param calm: information, not a warning.
        """
        if len(words) > self._panel.size.width - CORNERS:
            return False
        if self._notice is not None:
            self._notice.stop()
        self._panel.border_subtitle = Content.styled(words, "bold" if calm else "bold $warning")
        self._notice = self._panel.set_timer(seconds, self._end_notice)
        return True

    def _end_notice(self) -> None:
        self._notice = None
        self.show_hints()


def hint_words(view: ViewChoice, *, roomy: bool) -> str:
    """The keys to name for a view.

    :param roomy: whether the full ledger fits together with the plot.
    """
    if view.path:
        return f"\u2191 \u2193 scroll   {key_name('balloon.path', 'v')} plot"
    if view.alone:
        return f"{key_name('balloon.ledger', 'f')} plot"
    small, large = format_size(SMALL_STEP), format_size(LARGE_STEP)
    steps = balloon_text.staging_keys(f" {small}   ")
    more = "" if roomy else f"   {key_name('balloon.ledger', 'f')} ledger"
    return f"{steps} {large}   1\u20269 tenths{more}"
