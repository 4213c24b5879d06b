"""Where the parts of a TOML text are, for editing: sections with their comments, lines, values."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from workbench.domain.profile.text.places import Scanner

if TYPE_CHECKING:
    from workbench.domain.profile.text.places import Header, Path, Span

_COMMENT_LINE = re.compile(r"[ \t]*#[^\n]*\n?")


MARK = "\ufeff"
"""A byte order mark: not valid TOML, but kept if an editor wrote one."""


class EditError(ValueError):
    """A text cannot be changed in place; the message says why."""


class Layout:
    """A text and the places of everything in it."""

    def __init__(self, text: str) -> None:
        """:raise EditError: if it is not valid TOML."""
        try:
            self.values = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
            raise EditError("not valid TOML") from error
        self.text = text
        scanner = Scanner(text)
        self.known = {path for path, _ in scanner.document()}
        self.spans: dict[Path, Span] = scanner.spans
        self.headers: list[Header] = scanner.headers
        self.newline = "\r\n" if "\r\n" in text else "\n"

    def section_of(self, path: Path) -> int | None:
        """The index of a table's header; -1 for the document itself, None if the table has no header."""
        if not path:
            return -1
        found = [index for index, header in enumerate(self.headers) if header.path == path]
        return found[-1] if found else None

    def last_pair(self, section: int) -> Span | None:
        """The last key of a section."""
        own = [span for span in self.spans.values() if span.section == section and span.inside is None]
        return max(own, key=lambda span: span.end) if own else None

    def section_end(self, section: int) -> int:
        """The start of the next section's comment, or the end of the text."""
        if section + 1 >= len(self.headers):
            return len(self.text)
        return max(self.comment_above(section + 1), self.body_end(section))

    def body_end(self, section: int) -> int:
        """The end of the last line with a key."""
        last = self.last_pair(section)
        end = last.end if last is not None else self.headers[section].end if section >= 0 else 0
        return line_end(self.text, end)

    def comment_above(self, section: int) -> int:
        """The start of the comment directly above a header, or of the header's line."""
        begin = line_start(self.text, self.headers[section].begin)
        while begin > 0:
            above = line_start(self.text, begin - 1)
            if not _COMMENT_LINE.fullmatch(self.text, above, begin):
                break
            begin = above
        return begin

    def outermost(self, path: Path, above: Path) -> bool:
        """Whether a value is not within another one at or below ``above``."""
        return not any(path[:length] in self.spans for length in range(len(above), len(path)))


def line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


def line_end(text: str, offset: int) -> int:
    """The offset after the end of a line."""
    if offset and text[offset - 1] == "\n" and offset == len(text):
        return offset
    end = text.find("\n", offset)
    return len(text) if end < 0 else end + 1


def closed(text: str, newline: str) -> str:
    """The text with a newline at its end."""
    return text if not text or text.endswith("\n") else text + newline
