"""The text of a profile: TOML in light colours, line numbers, problems underlined where they stand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from textual.widgets import TextArea

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.text import Text

    from workbench.domain.problems import Problem

_HEADER = re.compile(r"\s*\[{1,2}[^#\"']*\]{1,2}")
_KEY = re.compile(r"""\s*(?:[\w.\- ]|"(?:[^"\\]|\\.)*"|'[^']*')+?(?=\s*=)""")
_TOKEN = re.compile(r"""(?P<string>"(?:[^"\\]|\\.)*"?|'[^']*'?)|(?P<comment>\#.*)|(?P<value>\b[\w+.:-]+\b)""")
_WORD = re.compile(r"""[\w.-]+|"(?:[^"\\]|\\.)*"?|'[^']*'?|\S""")


class ProfileArea(TextArea):
    """Every line is coloured by itself: a text over many lines has the colours of its lines, and all else is right."""

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
        & .profile-area--comment { color: $foreground-muted; }
        & .profile-area--problem { color: $error; text-style: underline; }
    }
    """

    def __init__(self, id: str) -> None:
        super().__init__(
            id=id, classes="pane", show_line_numbers=True, soft_wrap=False, compact=True, max_checkpoints=500
        )
        self._problems: dict[int, list[int]] = {}
        """Columns from 0 at which something is wrong, by the line from 0."""

    def show_problems(self, problems: Iterable[Problem], file: str) -> None:
        """Underline what these problems of the file speak of."""
        found: dict[int, list[int]] = {}
        for problem in problems:
            if problem.line and problem.file == file:
                found.setdefault(problem.line - 1, []).append(problem.column - 1)
        if found != self._problems:
            self._problems = found
            self._line_cache.clear()
            self.refresh()

    def notify_style_update(self) -> None:
        self._line_cache.clear()
        super().notify_style_update()

    def get_line(self, line_index: int) -> Text:
        line = super().get_line(line_index)
        for start, end, name in spans(line.plain, self._problems.get(line_index, ())):
            line.stylize(self.get_component_rich_style(f"profile-area--{name}", partial=True), start, end)
        return line

    def jump(self, line: int, column: int) -> None:
        """Put the cursor to a place, both from 1, and look there."""
        row = min(max(line, 1), self.document.line_count) - 1
        self.move_cursor((row, min(max(column, 1) - 1, len(self.document.get_line(row)))), center=True)

    def become(self, text: str) -> None:
        """Have another text by one change of as little as possible: it can be undone, and the cursor stays about where it is."""
        before = self.text
        start, before_end, after_end = changed_range(before, text)
        if start == before_end == after_end:
            return
        cursor = self.cursor_location
        self.replace(text[start:after_end], _location(before, start), _location(before, before_end))
        self.history.checkpoint()
        row = min(cursor[0], self.document.line_count - 1)
        self.move_cursor((row, min(cursor[1], len(self.document.get_line(row)))))


def spans(line: str, problems: Sequence[int]) -> list[tuple[int, int, str]]:
    """What is to be coloured of a line: start, end and what it is, later ones over earlier ones."""
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
    """Where two texts begin to differ, and where in each of them they are the same again."""
    start, shorter = 0, min(len(before), len(after))
    while start < shorter and before[start] == after[start]:
        start += 1
    same = 0
    while same < shorter - start and before[-1 - same] == after[-1 - same]:
        same += 1
    return start, len(before) - same, len(after) - same


def _location(text: str, offset: int) -> tuple[int, int]:
    above = text[:offset]
    return above.count("\n"), offset - (above.rfind("\n") + 1)
