"""The text area of a profile: coloured TOML, line numbers, underlined problems."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding
from textual.document._document_navigator import DocumentNavigator
from textual.document._wrapped_document import WrappedDocument
from textual.widgets import TextArea

from workbench.ui.editor.document import ProfileDocument, location_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.binding import BindingType
    from textual.document._document import EditResult, Location

    from workbench.domain.profile.problems import Problem

_HEADER = re.compile(r"\s*\[{1,2}[^#\"']*\]{1,2}")
_KEY = re.compile(r"""\s*(?:[\w.\- ]|"(?:[^"\\]|\\.)*"|'[^']*')+?(?=\s*=)""")
_TOKEN = re.compile(r"""(?P<string>"(?:[^"\\]|\\.)*"?|'[^']*'?)|(?P<comment>\#.*)|(?P<value>\b[\w+.:-]+\b)""")
_HIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that a terminal would act on or hide; tabs are kept."""
_WORD = re.compile(r"""[\w.-]+|"(?:[^"\\]|\\.)*"?|'[^']*'?|\S""")


class ProfileArea(TextArea):
    """Colours each line on its own; only a string over several lines is coloured as if it ended at each line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+home", "ends(True)", "Start", id="text.start", tooltip="To the start of the text", show=False),
        Binding("ctrl+end", "ends(False)", "End", id="text.end", tooltip="To the end of the text", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "profile-area--header",
        "profile-area--key",
        "profile-area--string",
        "profile-area--value",
        "profile-area--comment",
        "profile-area--problem",
    }
    DEFAULT_CSS = """
    ProfileArea {
        & .profile-area--header { color: $primary; text-style: bold; }
        & .profile-area--key { color: $foreground; }
        & .profile-area--string { color: $accent; }
        & .profile-area--value { color: $secondary; }
        & .profile-area--comment { color: $foreground 55%; }
        & .profile-area--problem { color: $error; text-style: underline; }
    }
    """

    def __init__(self, id: str) -> None:
        super().__init__(
            id=id, classes="pane", show_line_numbers=True, soft_wrap=True, compact=True, max_checkpoints=500
        )
        self._problems: dict[int, list[int]] = {}
        """Line -> columns with a problem, both counted from 0."""

    def show_problems(self, problems: Iterable[Problem], file: str) -> None:
        """Underline the places of these problems, if they are in this file."""
        found: dict[int, list[int]] = {}
        for problem in problems:
            if problem.line and problem.file == file:
                found.setdefault(problem.line - 1, []).append(problem.column - 1)
        if found != self._problems:
            self._problems = found
            self._line_cache.clear()
            self.refresh()

    def _set_document(self, text: str, language: str | None) -> None:
        """As Textual does, with a document that keeps each line's own ending."""
        super()._set_document("", language)
        self.document = ProfileDocument(text)
        self.wrapped_document = WrappedDocument(self.document, tab_width=self.indent_width)
        self.navigator = DocumentNavigator(self.wrapped_document)
        self._rewrap_and_refresh_virtual_size()

    def _replace_via_keyboard(self, insert: str, start: Location, end: Location) -> EditResult | None:
        if isinstance(self.document, ProfileDocument):
            insert = self.document.with_ends_of(min(start, end)[0], insert)
        return super()._replace_via_keyboard(insert, start, end)

    def notify_style_update(self) -> None:
        self._line_cache.clear()
        super().notify_style_update()

    def get_line(self, line_index: int) -> Text:
        plain = self.document.get_line(line_index)
        line = Text(_HIDDEN.sub("\N{REPLACEMENT CHARACTER}", plain), end="", no_wrap=True)
        for start, end, name in spans(plain, self._problems.get(line_index, ())):
            line.stylize(self._style(f"profile-area--{name}"), start, end)
        return line

    def get_component_rich_style(self, *names: str, partial: bool = False, default: Style | None = None) -> Style:
        """The cursor line has another background; its words keep their colours."""
        style = super().get_component_rich_style(*names, partial=partial, default=default)
        return Style(bgcolor=style.bgcolor) if names == ("text-area--cursor-line",) else style

    def _style(self, name: str) -> Style:
        """The style without its background: Rich colours have no transparency."""
        style = self.get_component_rich_style(name)
        return Style(color=style.color, bold=style.bold, underline=style.underline)

    def on_resize(self) -> None:
        """Keep the cursor visible when the list of problems takes some of the room."""
        self.call_after_refresh(self.scroll_cursor_visible)

    def action_ends(self, start: bool) -> None:
        self.move_cursor(self.document.start if start else self.document.end)

    def jump(self, line: int, column: int) -> None:
        """Move the cursor to a line and column, counted from 1, and scroll there."""
        row = min(max(line, 1), self.document.line_count) - 1
        self.move_cursor((row, min(max(column, 1) - 1, len(self.document.get_line(row)))), center=True)

    def become(self, text: str) -> None:
        """Replace the text with one minimal edit: it can be undone, and the cursor stays near its place."""
        before = self.text
        start, before_end, after_end = changed_range(before, text)
        if start == before_end == after_end:
            return
        cursor = self.cursor_location
        self.replace(text[start:after_end], location_at(before, start), location_at(before, before_end))
        self.history.checkpoint()
        row = min(cursor[0], self.document.line_count - 1)
        self.move_cursor((row, min(cursor[1], len(self.document.get_line(row)))))


def spans(line: str, problems: Sequence[int]) -> list[tuple[int, int, str]]:
    """The spans of a line to colour, as start, end and kind; later ones override earlier ones."""
    found = []
    begin = 0
    if header := _HEADER.match(line):
        found.append((0, header.end(), "header"))
        begin = header.end()
    elif key := _KEY.match(line):
        found.append((0, key.end(), "key"))
        begin = key.end()
    found += [(*match.span(), str(match.lastgroup)) for match in _TOKEN.finditer(line, begin)]
    for column in problems:
        word = _WORD.match(line, column)
        found.append((column, word.end(), "problem") if word else (0, len(line), "problem"))
    return found


def changed_range(before: str, after: str) -> tuple[int, int, int]:
    """Where two texts begin to differ, and where in each of them the common end begins; never between CR and LF."""
    start, shorter = 0, min(len(before), len(after))
    while start < shorter and before[start] == after[start]:
        start += 1
    if start and before[start - 1] == "\r" and "\n" in (before[start : start + 1], after[start : start + 1]):
        start -= 1
    same = 0
    while same < shorter - start and before[-1 - same] == after[-1 - same]:
        same += 1
    if same and before[-same] == "\n" and "\r" in (before[-same - 1 : -same], after[-same - 1 : -same]):
        same -= 1
    return start, len(before) - same, len(after) - same
