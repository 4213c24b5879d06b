"""Change one value in a TOML text and keep the rest, including comments and order, byte for byte.

The result is parsed and compared with the intended document, so a text that cannot be changed in place is rejected, never
corrupted.
"""

from __future__ import annotations

import re
import tomllib
from copy import deepcopy
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from workbench.domain.profile.devices.part import key_text
from workbench.domain.profile.text.layout import MARK, EditError, Layout, closed, line_end, line_start
from workbench.domain.profile.text.write import key_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workbench.domain.profile.text.places import Path, Span

_TO_COMMA = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*+,")
_BLANKS = re.compile(r"[ \t]*")


P = ParamSpec("P")


def _behind_mark(change: Callable[Concatenate[str, P], str]) -> Callable[Concatenate[str, P], str]:
    """Keep a byte order mark in place."""

    @wraps(change)
    def changed(text: str, /, *args: P.args, **kwargs: P.kwargs) -> str:
        bare = text.removeprefix(MARK)
        return text[: len(text) - len(bare)] + change(bare, *args, **kwargs)

    return changed


@_behind_mark
def set_value(text: str, path: Path, value: str, *, order: Sequence[str] = ()) -> str:
    """Set the value at a path; missing tables are added where they belong.

    :param value: in TOML: ``"512M"``, ``true``, ``[1, 2]``.
    :param order: the order of the document's tables, for inserting new ones.
    :raise EditError: if the text is not valid TOML, or cannot have the value there.
    """
    layout = Layout(text)
    meant = _with(layout.values, path, tomllib.loads(f"x = {value}")["x"])
    span = layout.spans.get(path)
    if span is not None:
        result = text[: span.begin] + value + text[span.end :]
    elif path in layout.known:  # replaces a table with a header
        result = set_value(remove(text, path), path, value, order=order)
    else:
        result = _added(layout, path, value, order)
    return _proven(result, meant, path)


@_behind_mark
def add_table(text: str, path: Path, body: str = "", *, order: Sequence[str] = ()) -> str:
    """Add a table at the end of a list of tables, or a single one: ``("net", 1)``, ``("rng",)``.

    It gets a header, or is inline if its parent is. A table, or ``true``, in place of the list becomes its first
    element.

    :param body: its lines in TOML, without a header; empty for an empty table.
    :raise EditError: if it already exists, or cannot be added there.
    """
    layout = Layout(text)
    if path in layout.known:
        raise EditError(f"{key_text(path)} already exists")
    if path[-1] == 1 and (above := _at(layout.values, path[:-1])) is not None and not isinstance(above, list):
        layout = Layout(_listed(layout, path[:-1]))
    return _proven(_with_table(layout, path, body, order), _with(layout.values, path, tomllib.loads(body)), path)


@_behind_mark
def remove(text: str, path: Path) -> str:
    """Remove a key, an element or a whole table; comments above a table are kept.

    :raise EditError: if it does not exist, or cannot be removed in place.
    """
    layout = Layout(text)
    if path not in layout.known:
        raise EditError(f"no key {key_text(path)}")
    ranges = [_cut(layout, path, span) for path_, span in layout.spans.items() if path_ == path]
    if not ranges:
        within = [index for index, header in enumerate(layout.headers) if header.path[: len(path)] == path]
        ranges = [(line_start(text, layout.headers[index].begin), layout.section_end(index)) for index in within]
        ranges += [
            _cut(layout, below, span)
            for below, span in layout.spans.items()
            if below[: len(path)] == path and span.section not in within and layout.outermost(below, path)
        ]
    for begin, end in sorted(ranges, reverse=True):
        text = text[:begin] + text[end:]
    return _proven(text, _without(layout.values, path), path, pruned=True)


def _added(layout: Layout, path: Path, value: str, order: Sequence[str]) -> str:
    """Add a new key or element."""
    *above, step = path
    parent = tuple(above)
    pair = value if isinstance(step, int) else f"{key_toml(step)} = {value}"
    around = layout.spans.get(parent)
    if around is not None:
        return _into_value(layout, parent, around, pair, element=isinstance(step, int))
    if isinstance(step, int):
        if parent in layout.known:
            raise EditError(f"{key_text(parent)} is a list of tables")
        return _added(layout, parent, f"[{value}]", order)
    section = layout.section_of(parent)
    if section is not None:
        return _into_section(layout, section, pair)
    if parent in layout.known:
        return _beside(layout, path, value)
    return _with_table(layout, parent, pair, order)


def _into_section(layout: Layout, section: int, pair: str) -> str:
    """Add a line after the last one of a section."""
    text, newline = layout.text, layout.newline
    last = layout.last_pair(section)
    if last is None and section < 0:
        if not layout.headers:
            return f"{closed(text, newline)}{pair}{newline}"
        at = layout.comment_above(0)
        return f"{text[:at]}{pair}{newline}{newline}{text[at:]}"
    begin = last.key if last is not None else layout.headers[section].begin
    start = line_start(text, begin)
    indent = _BLANKS.match(text, start)
    at = layout.body_end(section)
    before = closed(text[:at], newline)
    return f"{before}{indent[0] if indent else ''}{pair}{newline}{text[at:]}"


def _beside(layout: Layout, path: Path, value: str) -> str:
    """Add a key to a table without a header, which exists through dotted keys or tables within it."""
    parent = path[:-1]
    pairs = [
        span
        for below, span in layout.spans.items()
        if below[: len(parent)] == parent and layout.outermost(below, parent)
    ]
    in_lines = [
        span for span in pairs if span.inside is None and _above(layout, span) == parent[: len(_above(layout, span))]
    ]
    in_lines = [span for span in in_lines if len(_above(layout, span)) < len(parent)]
    if in_lines:
        last = max(in_lines, key=lambda span: span.end)
        at = line_end(layout.text, last.end)
        dotted = _dotted(path[len(_above(layout, last)) :])
        before = closed(layout.text[:at], layout.newline)
        return f"{before}{dotted} = {value}{layout.newline}{layout.text[at:]}"
    inline = [span for span in pairs if span.inside is not None and len(span.inside) < len(parent)]
    if inline:
        last = max(inline, key=lambda span: span.end)
        dotted = _dotted(path[len(last.inside or ()) :])
        return f"{layout.text[: last.end]}, {dotted} = {value}{layout.text[last.end :]}"
    first = next(index for index, header in enumerate(layout.headers) if header.path[: len(parent)] == parent)
    at = layout.comment_above(first)
    new = f"[{_dotted(parent)}]{layout.newline}{_dotted(path[-1:])} = {value}{layout.newline}{layout.newline}"
    return layout.text[:at] + new + layout.text[at:]


def _above(layout: Layout, span: Span) -> Path:
    """The table whose header a line is under."""
    return layout.headers[span.section].path if span.section >= 0 else ()


def _into_value(layout: Layout, parent: Path, around: Span, pair: str, *, element: bool) -> str:
    """Add a key to an inline table, or an element to a list."""
    text, opening = layout.text, "[" if element else "{"
    if text[around.begin] != opening:
        whole = f"[{pair}]" if element else f"{{ {pair} }}"
        return text[: around.begin] + whole + text[around.end :]
    inner = [span for span in layout.spans.values() if span.inside == parent]
    if inner:
        at = max(span.end for span in inner)
        return f"{text[:at]}, {pair}{text[at:]}"
    at = around.begin + 1
    return (
        f"{text[:at]}{pair}{text[at:]}" if element else f"{text[:at]} {pair}{' ' if text[at] == '}' else ''}{text[at:]}"
    )


def _with_table(layout: Layout, path: Path, body: str, order: Sequence[str]) -> str:
    """Add a table with its lines, if any: inline if its parent is inline, otherwise with a header."""
    lines = body.splitlines()
    for length in range(len(path) - 1, 0, -1):
        if path[:length] in layout.spans:
            return _added(layout, path, f"{{ {', '.join(lines)} }}" if lines else "{}", order)
    listed = isinstance(path[-1], int)
    name = _dotted(path)
    text, newline = layout.text, layout.newline
    block = f"[[{name}]]{newline}" if listed else f"[{name}]{newline}"
    block += "".join(f"{line}{newline}" for line in lines)
    at = _room(layout, path, order)
    before = closed(text[:at], newline)
    # The blank lines above the next section stay with it.
    gap = newline if before.strip() and not before.endswith(newline * 2) else ""
    after = text[at:]
    tail = newline if after.strip() and not after.startswith(("\n", "\r\n")) else ""
    return f"{before}{gap}{block}{tail}{after}"


def _listed(layout: Layout, path: Path) -> str:
    """Turn a table, or ``true``, into the first element of a list.

    :raise EditError: if the table consists of dotted keys.
    """
    text, span, old = layout.text, layout.spans.get(path), _at(layout.values, path)
    own = [header for header in layout.headers if header.path == path]
    if span is not None:
        inner, old = ("{}", {}) if old is True else (text[span.begin : span.end], old)
        return _proven(f"{text[: span.begin]}[{inner}]{text[span.end :]}", _with(layout.values, path, [old]), path)
    if not own:
        raise EditError(f"{key_text(path)} cannot be made a list in place: edit the text")
    begin, end = own[0].begin, own[0].end
    return _proven(f"{text[:begin]}[{text[begin:end]}]{text[end:]}", _with(layout.values, path, [old]), path)


def _room(layout: Layout, path: Path, order: Sequence[str]) -> int:
    """Where a new header goes: after its nearest relatives, otherwise by the order, otherwise at the end."""
    headers = layout.headers
    for length in range(len(path) - 1, 0, -1):
        kin = [index for index, header in enumerate(headers) if header.path[:length] == path[:length]]
        if kin:
            return _trimmed(layout, kin[-1])
    ranks = {name: rank for rank, name in enumerate(order)}
    mine = ranks.get(str(path[0]))
    if mine is None or not headers:
        return len(layout.text)
    before = [index for index, header in enumerate(headers) if ranks.get(str(header.path[0]), -1) <= mine]
    return _trimmed(layout, before[-1]) if before else layout.comment_above(0)


def _trimmed(layout: Layout, section: int) -> int:
    """The end of a section and its comments, before the blank lines that follow."""
    end = layout.section_end(section)
    body = layout.text[layout.body_end(section) : end].rstrip()
    return line_end(layout.text, layout.body_end(section) + len(body)) if body else layout.body_end(section)


def _cut(layout: Layout, path: Path, span: Span) -> tuple[int, int]:
    """The range to remove with a value: its line, or its comma."""
    text = layout.text
    if span.inside is None:
        return line_start(text, span.key), line_end(text, span.end)
    comma = _TO_COMMA.match(text, span.end)
    if comma is not None:
        blanks = _BLANKS.match(text, comma.end())
        return span.key, blanks.end() if blanks else comma.end()
    earlier = [one.end for one in layout.spans.values() if one.inside == span.inside and one.end <= span.key]
    return (max(earlier), span.end) if earlier else (span.key, span.end)


def _dotted(path: Path) -> str:
    return ".".join(key_toml(step) for step in path if isinstance(step, str))


def _at(values: Any, path: Path) -> Any:
    """The value at a path, or None."""
    for step in path:
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            return None
    return values


def _with(values: dict[str, Any], path: Path, value: object) -> dict[str, Any]:
    """The intended document. Values on the way that are not tables or lists are replaced by them."""
    result: Any = deepcopy(values)
    here = result
    step: Any
    for step, following in zip(path, (*path[1:], None), strict=True):
        if isinstance(here, list):
            if not isinstance(step, int) or step > len(here):
                raise EditError(f"{key_text(path)}: no such place in the list")
            if step == len(here):
                here.append(None)
        last = following is None
        old = here[step] if isinstance(here, list) else here.get(step)
        kind: type = list if isinstance(following, int) else dict
        here[step] = value if last else old if isinstance(old, kind) else kind()
        here = here[step]
    return dict(result)


def _without(values: dict[str, Any], path: Path) -> dict[str, Any]:
    result: Any = deepcopy(values)
    here = result
    for step in path[:-1]:
        here = here[step]
    del here[path[-1]]
    return dict(result)


def _pruned(value: Any) -> Any:
    """Without empty tables and empty lists."""
    if isinstance(value, dict):
        inner = {key: _pruned(one) for key, one in value.items()}
        return {key: one for key, one in inner.items() if one not in ({}, [])}
    return [_pruned(one) for one in value] if isinstance(value, list) else value


def _proven(text: str, meant: dict[str, Any], path: Path, *, pruned: bool = False) -> str:
    """:raise EditError: if the text is not the intended document."""
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        found = None
    if found is None or not (_same(_pruned(found), _pruned(meant)) if pruned else _same(found, meant)):
        raise EditError(f"{key_text(path)} cannot be changed in place: edit the text")
    return text


def _same(one: Any, other: Any) -> bool:
    """Equal in any order of keys. Values are compared by repr(): NaN equals itself, and 1 is neither true nor 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return repr(one) == repr(other)
