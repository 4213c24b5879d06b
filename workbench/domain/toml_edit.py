"""Changing a TOML document's text and nothing else of it: comments, order and spelling stay as the user has them.

What an edit means is for the caller to check, by reading the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.domain.imports.writer import key_toml, toml_value
from workbench.domain.toml_lines import headers, locate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.domain.toml_lines import Path


def table_text(path: Path, values: Mapping[str, object], *, many: bool) -> str:
    """A table under its header, as ``[[net]]`` for ``many``."""
    name = ".".join(key_toml(step) for step in path if isinstance(step, str))
    lines = [f"[[{name}]]" if many else f"[{name}]", *(f"{key_toml(k)} = {toml_value(v)}" for k, v in values.items())]
    return "\n".join(lines) + "\n"


def append_table(text: str, path: Path, table: str) -> str:
    """The document with a table behind the last one of its kind; at the end where there is none.

    :param path: of the array, such as ``("net",)`` or ``("scsi", 0, "disk")``: then it stands in that ``[[scsi]]``.
    :param table: its text, of :func:`table_text`.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    at = _end_of(text, path)
    before, after = text[:at].rstrip("\r\n"), text[at:].lstrip("\r\n")
    parts = [part for part in (before, table.rstrip("\n").replace("\n", newline), after) if part]
    return (newline * 2).join(parts) + ("" if after else newline)


def remove_key(text: str, key: str) -> str:
    """The document without the line of a key of the topmost table; as it was where there is none."""
    place = locate(text).get((key,))
    if place is None:
        return text
    lines = text.splitlines(keepends=True)
    del lines[place[0] - 1]
    return "".join(lines)


def _end_of(text: str, path: Path) -> int:
    """Offset behind the last element of an array of tables, or behind the table that the array belongs to."""
    found = headers(text)
    while path:
        inside = [number for number, (one, _) in enumerate(found) if one[: len(path)] == path]
        if inside:
            following = found[inside[-1] + 1 :]
            return _before(text, found[inside[-1]][1], following[0][1]) if following else len(text)
        path = path[:-1] if len(path) > 1 else ()
    return len(text)


def _before(text: str, start: int, end: int) -> int:
    """Where what belongs to a table ends: the comment that stands right above the next header is that one's."""
    lines = text[start:end].splitlines(keepends=True)
    count = len(lines)
    while count > 1 and lines[count - 1].lstrip().startswith("#"):
        count -= 1
    return start + sum(map(len, lines[:count]))
