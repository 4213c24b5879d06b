"""The pane with the QEMU command line of the edited profile, each option with the line that it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.content import Content

from workbench.domain.command_line.checked import Checked
from workbench.ui.common.text import TextBlock
from workbench.ui.words import broken

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from workbench.domain.command_line.argv import ArgvPart

GUTTER = 6
"""Columns of the line numbers."""
DEFAULT = "\u00b7"
"""Replaces the number of an option that comes from a default."""
ELSEWHERE = "\u2191"
"""Before the number: a line of a file that this one extends."""
HANG = 2
"""Columns by which the later lines of a long option are indented."""
PROBLEMS = "no command line while the profile has problems"


class CommandPane(VerticalScroll, can_focus=True):
    """Follows the text and its cursor: options from the cursor's line are highlighted."""

    DEFAULT_CSS = """
    CommandPane { padding: 0; scrollbar-gutter: stable; }
    CommandPane > TextBlock { height: auto; width: 1fr; }
    """

    def __init__(self, id: str) -> None:
        super().__init__(id=id, classes="pane")
        self.border_title = "QEMU command line"
        self._checked = Checked("")
        self._line = 1
        self._last_valid: Checked | None = None
        """The last one with options: they stay, greyed, while the text has a problem."""

    def compose(self) -> ComposeResult:
        yield TextBlock()

    def show_checked(self, checked: Checked) -> None:
        self._checked = checked
        if checked.parts:
            self._last_valid = checked
        self._show()

    def show_line(self, line: int) -> None:
        """Highlight the options of a line of the text, counted from 1."""
        if line != self._line:
            self._line = line
            self._show(follow=True)

    def on_resize(self) -> None:
        self._show()

    def on_show(self) -> None:
        self.call_after_refresh(self._show, follow=True)

    def _show(self, *, follow: bool = False) -> None:
        width = self.scrollable_content_region.width
        checked = self._checked
        if width < GUTTER + 10:
            return
        stale = not checked.parts
        source = self._last_valid if stale and self._last_valid is not None else checked
        why = checked.why or PROBLEMS if stale else ""
        self.border_subtitle = Content("last valid command line" if stale else legend(source))
        if not source.parts:
            self.border_subtitle = ""
            self.query_one(TextBlock).show(Content.styled(why, "$foreground-muted"))
            return
        chosen = frozenset[int]() if stale else source.made_at(self._line)
        lines: list[Content] = [Content.styled(f"{'':{GUTTER}} {source.binary}", "$foreground-muted")]
        first = last = None
        for index, part in enumerate(source.parts):
            if index in chosen:
                first = len(lines) if first is None else first
            lines += option_lines(source, part, width, chosen=index in chosen, stale=stale)
            if index in chosen:
                last = len(lines)
        self.query_one(TextBlock).show(Content("\n").join(lines))
        if follow and first is not None and last is not None:
            self._scroll_to_lines(first, last)

    def _scroll_to_lines(self, first: int, last: int) -> None:
        """Scroll as little as possible to show these lines, at least the first."""
        height = self.scrollable_content_region.height
        top = self.scroll_offset.y
        if first < top or last > top + height:
            self.scroll_to(y=first if first < top or last - first > height else last - height, animate=False)


def legend(checked: Checked) -> str:
    """The meaning of the marks in use."""
    places = [checked.place(part) for part in checked.parts if part.path]
    files = dict.fromkeys(file for file, _ in places if file)
    words = [f"{ELSEWHERE} {', '.join(files)}"] if files else []
    return "   ".join([*words, f"{DEFAULT} default"] if ("", 0) in places else words)


def option_lines(checked: Checked, part: ArgvPart, width: int, *, chosen: bool, stale: bool) -> list[Content]:
    """One option with its line number, wrapped at the width of the pane."""
    file, line = checked.place(part)
    mark = "" if not part.path else DEFAULT if not line else f"{ELSEWHERE if file else ''}{line}"
    pieces = broken(" ".join(part.options).replace("\n", "\u240a"), width - GUTTER - 1)
    muted = stale or not part.path
    style = "bold $text on $primary 30%" if chosen else "$foreground-muted" if muted else ""
    gutter = "$accent" if line and not stale else "$foreground-muted"
    name = len(part.options[0])
    lines = []
    for number, piece in enumerate(pieces):
        body = Content(piece).stylize(style) if style else Content(piece)
        if number == 0 and not muted and not chosen:
            body = body.stylize("$primary", 0, name)
        lines.append(Content.assemble((f"{mark if number == 0 else '':>{GUTTER}} ", gutter), body))
    return lines
