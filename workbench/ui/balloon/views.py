"""The balloon panel's other views, a target's path or the full ledger instead of the plot, and the hints in its lower edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message

from workbench.domain.units import format_size
from workbench.ui.balloon import text as balloon_text
from workbench.ui.balloon.keys import LARGE_STEP, SMALL_STEP
from workbench.ui.balloon.path.view import PathPane
from workbench.ui.balloon.staging import BalloonStaging
from workbench.ui.keys.names import key_name

if TYPE_CHECKING:
    from textual.timer import Timer


ROOMY = 30
"""Rows of the panel from which the full ledger and all evidence of a stall fit together with the plot."""


class BalloonViews(BalloonStaging):
    """The part of the panel that switches views; the panel itself fills them."""

    _notice: Timer | None = None
    """Runs while the lower edge shows a notice instead of hints."""

    class PathToggled(Message):
        """The path view, which needs room, was opened or closed."""

        def __init__(self, panel: BalloonViews, *, is_open: bool) -> None:
            super().__init__()
            self.panel = panel
            self.is_open = is_open

        @property
        def control(self) -> BalloonViews:
            return self.panel

    @property
    def _roomy(self) -> bool:
        """Whether there is room for sentences together with the plot."""
        return self.size.height >= ROOMY

    @property
    def _alone(self) -> bool:
        """Whether the ledger is shown in place of the plot."""
        return self.has_class("-alone")

    def action_ledger(self) -> None:
        """Switch between the full ledger and the plot."""
        if self.has_class("-path"):
            self.action_path()
            self.remove_class("-alone")
        self.toggle_class("-alone")
        self._show_hints()
        self._show()

    def _show(self) -> None:
        """Show the current state in the room available."""
        raise NotImplementedError

    def action_path(self) -> None:
        """Switch between the path, and plot and ledger."""
        path, is_open = self.query_one(PathPane), not self.has_class("-path")
        self.set_class(is_open, "-path")
        if is_open:
            path.open()
            self.on_focus()
        else:
            inside = self.screen.focused is not None and path in self.screen.focused.ancestors
            path.close()
            if inside:
                self.focus()
        self._show_hints()
        self.post_message(self.PathToggled(self, is_open=is_open))

    def action_drop(self) -> None:
        if self.has_class("-path") and self.staged is None and not self.has_class("-typing"):
            self.action_path()
        elif self._alone and self.staged is None and not self.has_class("-typing"):
            self.action_ledger()
        else:
            super().action_drop()

    def on_focus(self) -> None:
        """While the path is shown, focus it for the keys that scroll; all other keys still reach the panel."""
        if self.has_class("-path") and not self.has_class("-empty"):
            self.query_one("#path-way").focus()

    def show_notice(self, words: str, seconds: float, *, calm: bool = False) -> bool:
        """Show a text in the panel's lower edge for a while, instead of the hints; False if it does not fit.

        :param calm: information, not a warning.
        """
        if len(words) > self.size.width - 6:
            return False
        if self._notice is not None:
            self._notice.stop()
        self.border_subtitle = Content.styled(words, "bold" if calm else "bold $warning")
        self._notice = self.set_timer(seconds, self._end_notice)
        return True

    def _end_notice(self) -> None:
        self._notice = None
        self._show_hints()

    def _show_hints(self) -> None:
        if self.has_class("-path"):
            words = f"\u2191 \u2193 scroll   {key_name('balloon.path', 'v')} plot"
        elif self._alone:
            words = f"{key_name('balloon.ledger', 'f')} plot"
        else:
            small, large = format_size(SMALL_STEP), format_size(LARGE_STEP)
            steps = balloon_text.staging_keys(f" {small}   ")
            more = "" if self._roomy else f"   {key_name('balloon.ledger', 'f')} ledger"
            words = f"{steps} {large}   1\u20269 tenths{more}"
        self.border_subtitle = Content(words)
